package transcribe

import (
	"encoding/json"
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"
)

// document is the transcript that Transcribe writes, as far as it is used: "Transcription output" in its Developer Guide.
type document struct {
	Results struct {
		Transcripts []struct {
			Transcript string `json:"transcript"`
		} `json:"transcripts"`
		SpeakerLabels *struct {
			Segments []struct {
				Items []struct {
					Start   json.Number `json:"start_time"`
					Speaker string      `json:"speaker_label"`
				} `json:"items"`
			} `json:"segments"`
		} `json:"speaker_labels"`
		Items []item `json:"items"`
	} `json:"results"`
}

// item is a word, or what stands between words, which has no time.
type item struct {
	Type         string      `json:"type"`
	Start        json.Number `json:"start_time"`
	End          json.Number `json:"end_time"`
	Speaker      string      `json:"speaker_label"`
	Alternatives []struct {
		Content string `json:"content"`
	} `json:"alternatives"`
}

const (
	punctuation = "punctuation"
	// nobody speaks where Transcribe says of a word no speaker.
	nobody = "unknown"
)

func (i item) content() string {
	if len(i.Alternatives) == 0 {
		return ""
	}
	return i.Alternatives[0].Content
}

// closes reports whether it is a mark that stands behind a word.
func (i item) closes() bool {
	first, _ := utf8.DecodeRuneInString(i.content())
	return i.Type == punctuation && !opens(first)
}

// turn is what one speaker says until another does.
type turn struct {
	Speaker string      `json:"speaker"`
	Start   json.Number `json:"start_time,omitempty"` // seconds from the beginning
	End     json.Number `json:"end_time,omitempty"`
	Text    string      `json:"text"`
}

// parse reads a transcript.
func parse(content []byte) (document, error) {
	var d document
	if err := json.Unmarshal(content, &d); err != nil {
		return d, err
	}
	if d.Results.Transcripts == nil {
		return d, errors.New("it holds no transcripts")
	}
	return d, nil
}

// hasSpeakers reports whether speakers are told apart.
func (d document) hasSpeakers() bool { return d.Results.SpeakerLabels != nil }

// text is the transcript as people read it.
func (d document) text() string {
	var parts []string
	if !d.hasSpeakers() {
		for _, t := range d.Results.Transcripts {
			parts = append(parts, t.Transcript)
		}
		return strings.TrimSpace(strings.Join(parts, " "))
	}
	for _, t := range d.turns() {
		parts = append(parts, "["+t.Speaker+"]: "+t.Text)
	}
	return strings.Join(parts, "\n")
}

// turns puts the words together.
func (d document) turns() []turn {
	speakers := d.speakers()
	var turns []turn
	var line line
	for _, i := range d.Results.Items {
		if i.content() == "" {
			continue
		}
		speaker := speakers(i)
		if i.Type == punctuation && len(turns) > 0 && (i.closes() || i.Speaker == "") { // belongs to the word before it
			speaker = turns[len(turns)-1].Speaker
		}
		if len(turns) == 0 || turns[len(turns)-1].Speaker != speaker {
			turns, line = append(turns, turn{Speaker: speaker, Start: i.Start}), newLine()
		}
		line.add(i)
		last := &turns[len(turns)-1]
		last.Text = line.String()
		if i.End != "" {
			last.End = i.End
		}
	}
	return turns
}

// speakers returns who says a word. Older transcripts say it of a time only.
func (d document) speakers() func(item) string {
	at := map[json.Number]string{}
	for _, segment := range d.Results.SpeakerLabels.Segments {
		for _, i := range segment.Items {
			at[i.Start] = i.Speaker
		}
	}
	return func(i item) string {
		if i.Speaker != "" {
			return i.Speaker
		}
		if found := at[i.Start]; found != "" {
			return found
		}
		return nobody
	}
}

// end is when the last word ends, "" where there is none.
func (d document) end() json.Number {
	for n := len(d.Results.Items) - 1; n >= 0; n-- {
		if end := d.Results.Items[n].End; end != "" {
			return end
		}
	}
	return ""
}

// line is a turn that is being put together.
type line struct {
	*strings.Builder
	word string // the last one
	last rune   // the last character
}

func newLine() line { return line{Builder: &strings.Builder{}} }

// add adds a word, or what stands between words, with a space before it where one belongs.
func (l *line) add(i item) {
	content := i.content()
	first, _ := utf8.DecodeRuneInString(content)
	if l.Len() > 0 && !i.closes() && l.needsSpace(first) {
		l.WriteByte(' ')
	}
	l.WriteString(content)
	l.last, _ = utf8.DecodeLastRuneInString(content)
	if i.Type != punctuation {
		l.word = content
	}
}

// needsSpace goes by the characters, and not by the language of the job: a transcript may hold several languages, and a
// sentence two scripts.
func (l *line) needsSpace(first rune) bool {
	before, _ := utf8.DecodeLastRuneInString(l.word)
	switch {
	case opens(l.last), isWide(l.last), isUnspaced(before) && isUnspaced(first):
		return false
	case isUnspaced(before) != isUnspaced(first):
		return unicode.IsPunct(l.last) // words of two scripts stand together, sentences do not
	}
	return true
}

// opens reports whether what follows a mark stands close to it.
func opens(r rune) bool { return unicode.In(r, unicode.Ps, unicode.Pi) || r == '¿' || r == '¡' }

// isWide reports whether a mark brings its own space: the punctuation of Chinese and Japanese.
func isWide(r rune) bool { return r >= 0x3000 && r <= 0x303f || r >= 0xff00 && r <= 0xffef }

// isUnspaced reports whether a character belongs to a script that sets no spaces between words: Chinese, Japanese, Thai,
// Khmer and Burmese. Korean sets them.
func isUnspaced(r rune) bool {
	return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Khmer, unicode.Myanmar) || r == 'ー'
}

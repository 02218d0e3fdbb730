package transcribe

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Speech is what is heard in media, and how long that takes.
type Speech struct {
	// Takes is how long a job runs, by the clock of the cloud. A negative time is for ever.
	Takes time.Duration
	Words []Word
	// Language is what is identified; left empty, it is en-US. Languages are those of jobs that identify several.
	Language  string
	Languages []Language
	// FailureReason makes the job fail.
	FailureReason string
	// SegmentsOnly says who speaks of times only and not of words, as older transcripts do.
	SegmentsOnly bool
	// Document replaces the transcript, as it lies in S3.
	Document []byte
	// Link replaces the address of the transcript.
	Link string
}

// Word is a word of a transcript.
type Word struct {
	Text       string
	Speaker    string // such as spk_0
	Start, End float64
	// Mark says that it stands between words, and has no time.
	Mark bool
}

// Language is how long a language is spoken.
type Language struct {
	Code    string
	Seconds float64
}

// document writes a transcript as Transcribe does.
func (s Speech) document(job *Job, accountID string) []byte {
	if s.Document != nil {
		return s.Document
	}
	results := map[string]any{"transcripts": []any{map[string]string{"transcript": s.text()}}, "items": s.items(job.speakers)}
	if job.speakers {
		results["speaker_labels"] = s.speakers()
	}
	body, err := json.Marshal(map[string]any{"jobName": job.Name, "accountId": accountID, "status": "COMPLETED", "results": results})
	if err != nil {
		return nil // texts and numbers can always be written
	}
	return body
}

func (s Speech) text() string {
	var text strings.Builder
	for i, word := range s.Words {
		if i > 0 && !word.Mark {
			text.WriteByte(' ')
		}
		text.WriteString(word.Text)
	}
	return text.String()
}

func clock(seconds float64) string { return fmt.Sprintf("%.3f", seconds) }

func (s Speech) items(speakers bool) []any {
	items := []any{}
	for _, word := range s.Words {
		item := map[string]any{"type": "pronunciation", "alternatives": []any{map[string]string{"confidence": "0.99", "content": word.Text}}}
		if word.Mark {
			item["type"] = "punctuation"
		} else {
			item["start_time"], item["end_time"] = clock(word.Start), clock(word.End)
		}
		if speakers && !s.SegmentsOnly && word.Speaker != "" {
			item["speaker_label"] = word.Speaker
		}
		items = append(items, item)
	}
	return items
}

// speakers is the part of a transcript that says who speaks when.
func (s Speech) speakers() map[string]any {
	segments, known := []any{}, map[string]bool{}
	for _, word := range s.Words {
		if word.Mark || word.Speaker == "" {
			continue
		}
		known[word.Speaker] = true
		span := map[string]any{"start_time": clock(word.Start), "end_time": clock(word.End), "speaker_label": word.Speaker}
		segments = append(segments, map[string]any{
			"start_time": clock(word.Start), "end_time": clock(word.End), "speaker_label": word.Speaker, "items": []any{span},
		})
	}
	return map[string]any{"speakers": len(known), "segments": segments}
}

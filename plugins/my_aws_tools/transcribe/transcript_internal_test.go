package transcribe

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"

	"pgregory.net/rapid"
)

// spoken makes a transcript in which each word is written SPEAKER:WORD, and each mark as itself behind a
// colon; behind !SPEAKER: stands a mark of a speaker's.
func spoken(t testing.TB, words ...string) document {
	t.Helper()
	items := []map[string]any{}
	for i, word := range words {
		speaker, text, _ := strings.Cut(word, ":")
		item := map[string]any{"type": "pronunciation", "alternatives": []any{map[string]string{"content": text}}, "start_time": json.Number("0." + strings.Repeat("1", i+1)), "end_time": "1.5"}
		if marked, mark := strings.CutPrefix(speaker, "!"); mark || speaker == "" {
			item = map[string]any{"type": "punctuation", "alternatives": item["alternatives"]}
			speaker = marked
		}
		if speaker != "?" {
			item["speaker_label"] = speaker
		}
		items = append(items, item)
	}
	body, err := json.Marshal(map[string]any{"results": map[string]any{
		"transcripts": []any{map[string]string{"transcript": "unused"}}, "items": items, "speaker_labels": map[string]any{},
	}})
	if err != nil {
		t.Fatal(err)
	}
	d, err := parse(body)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestTurnsReadAsPeopleWrite(t *testing.T) {
	for _, tt := range []struct {
		name  string
		words []string
		want  string
	}{
		{"nothing", nil, ""},
		{"a dialogue", []string{"a:Hello", ":,", "a:world", ":.", "b:Hi", ":.", "a:Bye", ":!"}, "[a]: Hello, world.\n[b]: Hi.\n[a]: Bye!"},
		{"Chinese", []string{"a:你好", ":，", "a:世界", ":。", "a:再", "a:见"}, "[a]: 你好，世界。再见"},
		{"Chinese with marks of English", []string{"a:你好", ":,", "a:世界", ":."}, "[a]: 你好,世界."},
		{"Chinese with foreign words", []string{"a:我", "a:用", "a:Amazon", "a:Web", "a:做", "a:3", "a:次"}, "[a]: 我用Amazon Web做3次"},
		{"Japanese", []string{"a:こんにちは", ":、", "a:セーラー", "a:さん", ":。", "a:ー", "a:はい"}, "[a]: こんにちは、セーラーさん。ーはい"},
		{"Japanese behind English", []string{"a:Yes", ":.", "a:はい", ":.", "a:No", ":."}, "[a]: Yes. はい. No."},
		{"Thai", []string{"a:สวัสดี", "a:ครับ"}, "[a]: สวัสดีครับ"},
		{"Khmer", []string{"a:សួស្តី", "a:អ្នក"}, "[a]: សួស្តីអ្នក"},
		{"Burmese", []string{"a:မင်္ဂလာ", "a:ပါ"}, "[a]: မင်္ဂလာပါ"},
		{"Korean has spaces", []string{"a:안녕하세요", "a:여러분", ":."}, "[a]: 안녕하세요 여러분."},
		{"Arabic has spaces", []string{"a:مرحبا", "a:بكم", ":؟"}, "[a]: مرحبا بكم؟"},
		{"marks that open", []string{"a:Bueno", ":,", ":¿", "a:qué", ":?", "a:He", "a:said", ":(", "a:no", ":)"}, "[a]: Bueno, ¿qué? He said (no)"},
		{"marks that open a turn", []string{"!a:¿", "a:qué", ":?", "!b:¿", "b:no", ":?"}, "[a]: ¿qué?\n[b]: ¿no?"},
		{"a mark of another speaker's", []string{"a:Well", "!b:.", "b:Yes"}, "[a]: Well.\n[b]: Yes"},
		{"nobody known", []string{"?:What", ":?", "a:This", ":."}, "[unknown]: What?\n[a]: This."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := spoken(t, tt.words...).text(); got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

func TestNoWordIsLostOrAdded(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		words := rapid.SliceOfN(rapid.SampledFrom([]string{"a:one", "b:two", "a:你好", "b:はい", ":.", ":。", ":(", "?:x", "a:안녕"}), 0, 40).Draw(rt, "words")
		var want strings.Builder
		for _, word := range words {
			_, text, _ := strings.Cut(word, ":")
			want.WriteString(text)
		}
		var got strings.Builder
		for _, turn := range spoken(t, words...).turns() {
			got.WriteString(turn.Text)
			if turn.Text != strings.TrimSpace(turn.Text) || strings.Contains(turn.Text, "  ") {
				rt.Errorf("spaces in %q", turn.Text)
			}
		}
		bare := strings.Map(func(r rune) rune {
			if unicode.IsSpace(r) {
				return -1
			}
			return r
		}, got.String())
		if bare != want.String() {
			rt.Errorf("%q of %q", bare, want.String())
		}
	})
}

func TestATranscriptThatIsNoneIsRefused(t *testing.T) {
	for _, content := range []string{"", "<html>", "{}", `{"results": {}}`, `{"results": {"transcripts": "a"}}`, `[]`} {
		if _, err := parse([]byte(content)); err == nil {
			t.Errorf("%s was read", content)
		}
	}
}

func TestOnlyHostsOfS3AreReadFrom(t *testing.T) {
	for _, tt := range []struct {
		host, suffix string
		want         bool
	}{
		{"s3.us-east-1.amazonaws.com", "amazonaws.com", true},
		{"s3.amazonaws.com", "amazonaws.com", true},
		{"s3-us-west-2.amazonaws.com", "amazonaws.com", true},
		{"s3-fips.us-gov-west-1.amazonaws.com", "amazonaws.com", true},
		{"s3.dualstack.eu-west-1.amazonaws.com", "amazonaws.com", true},
		{"aws-transcribe-us-east-1-prod.s3.us-east-1.amazonaws.com", "amazonaws.com", true},
		{"bucket.s3.amazonaws.com", "amazonaws.com", true},
		{"s3.cn-north-1.amazonaws.com.cn", "amazonaws.com.cn", true},
		{"s3.cn-north-1.amazonaws.com.cn", "amazonaws.com", false},
		{"s3.us-east-1.amazonaws.com", "amazonaws.com.cn", false},
		{"lambda.us-east-1.amazonaws.com", "amazonaws.com", false},
		{"s3.evil.lambda.us-east-1.amazonaws.com", "amazonaws.com", false},
		{"us-east-1.amazonaws.com", "amazonaws.com", false},
		{"amazonaws.com", "amazonaws.com", false},
		{"s3.us-east-1.amazonaws.com.example.com", "amazonaws.com", false},
		{"s3.us-east-1.notamazonaws.com", "amazonaws.com", false},
		{"", "amazonaws.com", false},
	} {
		if got := isS3Host(tt.host, tt.suffix); got != tt.want {
			t.Errorf("%s for %s: %t", tt.host, tt.suffix, got)
		}
	}
}

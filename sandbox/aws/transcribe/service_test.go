package transcribe_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	signer "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/cloudplugins/difyplugin/sandbox/aws"
	"github.com/cloudplugins/difyplugin/sandbox/aws/s3"
	"github.com/cloudplugins/difyplugin/sandbox/aws/transcribe"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	account = "123456789012"
	host    = "transcribe.us-east-1.amazonaws.com"
)

// world is Transcribe on a clock of the test's.
type world struct {
	cloud *aws.Cloud
	store *s3.Store
	jobs  *transcribe.Service
	now   time.Time
}

func start(t *testing.T) *world {
	t.Helper()
	w := &world{store: s3.New(), now: time.Date(2025, 1, 2, 3, 4, 5, 0, time.UTC)}
	w.cloud = aws.New(aws.Clock(func() time.Time { return w.now }))
	t.Cleanup(w.cloud.Close)
	if err := w.cloud.AddAccount(aws.Account{ID: account, Keys: []aws.Key{{AccessKeyID: "AKIATEST", SecretAccessKey: "secret"}}}); err != nil {
		t.Fatal(err)
	}
	var err error
	if w.jobs, err = transcribe.New(w.cloud, w.store); err != nil {
		t.Fatal(err)
	}
	w.cloud.Register("s3", w.store)
	w.cloud.Register("transcribe", w.jobs)
	for _, b := range []s3.Bucket{
		{Name: "talks", Region: "us-east-1", Owner: account},
		{Name: "talks-in-europe", Region: "eu-west-1", Owner: account},
		{Name: "talks-of-others", Region: "us-east-1", Owner: "999999999999"},
	} {
		if err := w.store.AddBucket(b); err != nil {
			t.Fatal(err)
		}
		if _, err := w.store.Put(b.Name, "a.mp3", []byte("ID3"), s3.Attributes{}); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

// send asks for an operation and returns what was answered: the object, or the code and the message of an error.
func (w *world) send(t *testing.T, operation, body string, change ...func(*http.Request)) (status int, answer map[string]any) {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "https://"+host+"/", bytes.NewReader([]byte(body)))
	r.Header.Set("X-Amz-Target", "Transcribe."+operation)
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	for _, c := range change {
		c(r)
	}
	sum := sha256.Sum256([]byte(body))
	err := signer.NewSigner().SignHTTP(t.Context(), sdk.Credentials{AccessKeyID: "AKIATEST", SecretAccessKey: "secret"}, r, hex.EncodeToString(sum[:]), "transcribe", "us-east-1", w.now)
	if err != nil {
		t.Fatal(err)
	}
	recorder := httptest.NewRecorder()
	w.cloud.ServeHTTP(recorder, r)
	if err := json.Unmarshal(recorder.Body.Bytes(), &answer); err != nil {
		t.Fatalf("%s answered %q: %v", operation, recorder.Body, err)
	}
	return recorder.Code, answer
}

const job = `{"TranscriptionJobName": "j", "Media": {"MediaFileUri": "s3://talks/a.mp3"}, "LanguageCode": "en-US"}`

func (w *world) status(t *testing.T) (string, map[string]any) {
	t.Helper()
	status, answer := w.send(t, "GetTranscriptionJob", `{"TranscriptionJobName": "j"}`)
	if status != http.StatusOK {
		t.Fatalf("%d: %v", status, answer)
	}
	found := answer["TranscriptionJob"].(map[string]any)
	return found["TranscriptionJobStatus"].(string), found
}

// open reads a link as a browser does.
func (w *world) open(link string) *httptest.ResponseRecorder {
	recorder := httptest.NewRecorder()
	w.cloud.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, link, nil))
	return recorder
}

func TestAJobGoesThroughItsStates(t *testing.T) {
	w := start(t)
	w.jobs.Hear(transcribe.Speech{Takes: time.Minute, Words: []transcribe.Word{
		{Text: "Hello", Speaker: "spk_0", Start: 1, End: 1.5}, {Text: ".", Speaker: "spk_0", Mark: true}, {Text: "Hi", Speaker: "spk_1", Start: 2, End: 3},
	}})
	status, answer := w.send(t, "StartTranscriptionJob", strings.Replace(job, `"LanguageCode": "en-US"`,
		`"IdentifyLanguage": true, "LanguageOptions": ["en-US", "ja-JP"], "Settings": {"ShowSpeakerLabels": true, "MaxSpeakerLabels": 2}`, 1))
	if status != http.StatusOK {
		t.Fatalf("%d: %v", status, answer)
	}
	for _, step := range []struct {
		after time.Duration
		want  string
	}{{0, "QUEUED"}, {25 * time.Second, "IN_PROGRESS"}, {34 * time.Second, "IN_PROGRESS"}, {time.Second, "COMPLETED"}} {
		w.now = w.now.Add(step.after)
		if got, shown := w.status(t); got != step.want || (shown["Transcript"] != nil) != (step.want == "COMPLETED") {
			t.Errorf("%v later it is %s: %v", step.after, got, shown)
		}
	}
	_, shown := w.status(t)
	if shown["LanguageCode"] != "en-US" || shown["IdentifiedLanguageScore"] != 0.875 {
		t.Errorf("it is shown as %v", shown)
	}
	link := shown["Transcript"].(map[string]any)["TranscriptFileUri"].(string)
	if !strings.HasPrefix(link, "https://s3.us-east-1.amazonaws.com/aws-transcribe-us-east-1-prod/"+account+"/j/") {
		t.Errorf("the transcript is at %s", link)
	}
	var got any
	if err := json.Unmarshal(w.open(link).Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	word := func(text, speaker, from, to string) any {
		return map[string]any{
			"type": "pronunciation", "start_time": from, "end_time": to, "speaker_label": speaker,
			"alternatives": []any{map[string]any{"confidence": "0.99", "content": text}},
		}
	}
	segment := func(speaker, from, to string) any {
		item := map[string]any{"start_time": from, "end_time": to, "speaker_label": speaker}
		return map[string]any{"start_time": from, "end_time": to, "speaker_label": speaker, "items": []any{item}}
	}
	want := map[string]any{"jobName": "j", "accountId": account, "status": "COMPLETED", "results": map[string]any{
		"transcripts": []any{map[string]any{"transcript": "Hello. Hi"}},
		"speaker_labels": map[string]any{
			"speakers": 2.0, "segments": []any{segment("spk_0", "1.000", "1.500"), segment("spk_1", "2.000", "3.000")},
		},
		"items": []any{
			word("Hello", "spk_0", "1.000", "1.500"),
			map[string]any{"type": "punctuation", "speaker_label": "spk_0", "alternatives": []any{map[string]any{"confidence": "0.99", "content": "."}}},
			word("Hi", "spk_1", "2.000", "3.000"),
		},
	}}
	if diff := cmp.Diff(any(want), got); diff != "" {
		t.Errorf("the transcript differs (-want +got):\n%s", diff)
	}
}

func TestALinkToATranscriptIsSignedAndExpires(t *testing.T) {
	w := start(t)
	w.send(t, "StartTranscriptionJob", job)
	_, shown := w.status(t)
	link := shown["Transcript"].(map[string]any)["TranscriptFileUri"].(string)
	if got := w.open(link); got.Code != http.StatusOK {
		t.Fatalf("%d: %s", got.Code, got.Body)
	}
	bare, _, _ := strings.Cut(link, "?")
	for name, other := range map[string]string{"without a signature": bare, "of another job": strings.Replace(link, "/j/", "/k/", 1)} {
		if got := w.open(other).Code; got != http.StatusForbidden {
			t.Errorf("%s: %d", name, got)
		}
	}
	w.now = w.now.Add(16 * time.Minute)
	if got := w.open(link).Code; got != http.StatusForbidden {
		t.Errorf("after its time: %d", got)
	}
}

func TestAJobNeedsItsMediaUntilItHasEnded(t *testing.T) {
	w := start(t)
	w.jobs.Hear(transcribe.Speech{Takes: time.Minute})
	w.jobs.Add(account, "j", "s3://talks/gone.mp3", false)
	if got, _ := w.status(t); got != "QUEUED" {
		t.Errorf("it is %s", got)
	}
	w.now = w.now.Add(time.Minute)
	if got, shown := w.status(t); got != "FAILED" || shown["FailureReason"] == "" {
		t.Errorf("it is %s: %v", got, shown)
	}
}

func TestAJobIsDeletedWhenItHasEnded(t *testing.T) {
	w := start(t)
	w.jobs.Hear(transcribe.Speech{Takes: time.Minute})
	w.send(t, "StartTranscriptionJob", job)
	const named = `{"TranscriptionJobName": "j"}`
	if status, answer := w.send(t, "DeleteTranscriptionJob", named); status != 400 || answer["__type"] != "BadRequestException" || w.jobs.Jobs()[0].Deleted {
		t.Errorf("while it runs: %d, %v", status, answer)
	}
	w.now = w.now.Add(time.Minute)
	if status, answer := w.send(t, "DeleteTranscriptionJob", named); status != 200 || len(answer) != 0 || !w.jobs.Jobs()[0].Deleted {
		t.Errorf("when it has ended: %d, %v", status, answer)
	}
	for _, operation := range []string{"GetTranscriptionJob", "DeleteTranscriptionJob"} {
		if status, answer := w.send(t, operation, named); status != 400 || !strings.Contains(answer["message"].(string), "couldn't be found") {
			t.Errorf("%s afterwards: %d, %v", operation, status, answer)
		}
	}
}

func TestSeveralLanguagesAreShownWithTheirTimes(t *testing.T) {
	w := start(t)
	w.jobs.Hear(transcribe.Speech{Languages: []transcribe.Language{{Code: "en-US", Seconds: 7}}})
	w.send(t, "StartTranscriptionJob", strings.Replace(job, `"LanguageCode": "en-US"`, `"IdentifyMultipleLanguages": true`, 1))
	_, shown := w.status(t)
	if diff := cmp.Diff(any([]any{map[string]any{"LanguageCode": "en-US", "DurationInSeconds": 7.0}}), shown["LanguageCodes"]); diff != "" {
		t.Errorf("the languages differ (-want +got):\n%s", diff)
	}
	if shown["LanguageCode"] != nil {
		t.Errorf("it also has the language %v", shown["LanguageCode"])
	}
}

func TestRequestsThatTranscribeRefuses(t *testing.T) {
	replace := func(old, with string) string { return strings.Replace(job, old, with, 1) }
	language := func(with string) string { return replace(`"LanguageCode": "en-US"`, with) }
	settings := func(with string) string { return replace(`"en-US"}`, `"en-US", "Settings": `+with+`}`) }
	for _, tt := range []struct{ name, body, code, says string }{
		{"no name", replace(`"j"`, `""`), "BadRequestException", "transcriptionJobName"},
		{"a name with a space", replace(`"j"`, `"a b"`), "BadRequestException", "regular expression"},
		{"a long name", replace(`"j"`, `"`+strings.Repeat("x", 201)+`"`), "BadRequestException", "200"},
		{"no media", replace("s3://talks/a.mp3", ""), "BadRequestException", "mediaFileUri"},
		{"media of no kind", replace("s3://", "ftp://"), "BadRequestException", "regular expression"},
		{"media that are not there", replace("a.mp3", "b.mp3"), "BadRequestException", "can't be accessed"},
		{"a bucket that is not there", replace("talks", "none"), "BadRequestException", "can't be accessed"},
		{"media of somebody else", replace("talks", "talks-of-others"), "BadRequestException", "can't be accessed"},
		{"media elsewhere", replace("talks", "talks-in-europe"), "BadRequestException", "isn't in the same region"},
		{"a format of no kind", language(`"LanguageCode": "en-US", "MediaFormat": "aac"`), "BadRequestException", "mediaFormat"},
		{"no language", language(`"IdentifyLanguage": false`), "BadRequestException", "either"},
		{"an unknown language", language(`"LanguageCode": "xx-XX"`), "BadRequestException", "languageCode"},
		{"a language and identification", language(`"LanguageCode": "en-US", "IdentifyLanguage": true`), "BadRequestException", "only one"},
		{"two identifications", language(`"IdentifyMultipleLanguages": true, "IdentifyLanguage": true`), "BadRequestException", "only one"},
		{"a language and options", language(`"LanguageCode": "en-US", "LanguageOptions": ["en-US", "fr-FR"]`), "BadRequestException", "together"},
		{"one option", language(`"IdentifyLanguage": true, "LanguageOptions": ["en-US"]`), "BadRequestException", "at least two"},
		{"an unknown option", language(`"IdentifyLanguage": true, "LanguageOptions": ["en-US", "xx"]`), "BadRequestException", "languageOptions"},
		{"speakers without a number", settings(`{"ShowSpeakerLabels": true}`), "BadRequestException", "together"},
		{"a number without speakers", settings(`{"MaxSpeakerLabels": 2}`), "BadRequestException", "together"},
		{"one speaker", settings(`{"ShowSpeakerLabels": true, "MaxSpeakerLabels": 1}`), "BadRequestException", "2"},
		{"31 speakers", settings(`{"ShowSpeakerLabels": true, "MaxSpeakerLabels": 31}`), "BadRequestException", "30"},
		{"an unknown field", language(`"LanguageCode": "en-US", "Language": "en"`), "SerializationException", "Language"},
		{"another type", replace(`"j"`, `7`), "SerializationException", ""},
		{"no JSON", "{", "SerializationException", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := start(t)
			status, answer := w.send(t, "StartTranscriptionJob", tt.body)
			message, _ := answer["message"].(string)
			if status != http.StatusBadRequest || answer["__type"] != tt.code || !strings.Contains(message, tt.says) {
				t.Errorf("%d: %v", status, answer)
			}
			if n := len(w.jobs.Jobs()); n != 0 {
				t.Errorf("%d jobs were started", n)
			}
		})
	}
}

func TestANameIsUsedOnceAndJobsAreCounted(t *testing.T) {
	w := start(t)
	w.jobs.Hear(transcribe.Speech{Takes: time.Minute})
	w.jobs.Allow(1)
	w.send(t, "StartTranscriptionJob", job)
	if _, answer := w.send(t, "StartTranscriptionJob", job); answer["__type"] != "ConflictException" {
		t.Errorf("a used name: %v", answer)
	}
	other := strings.Replace(job, `"j"`, `"k"`, 1)
	if _, answer := w.send(t, "StartTranscriptionJob", other); answer["__type"] != "LimitExceededException" {
		t.Errorf("one too many: %v", answer)
	}
	w.now = w.now.Add(time.Minute)
	if status, answer := w.send(t, "StartTranscriptionJob", other); status != http.StatusOK {
		t.Errorf("when one has ended: %v", answer)
	}
}

func TestOperationsOfOtherProtocolsAreUnknown(t *testing.T) {
	for name, change := range map[string]func(*http.Request){
		"another operation": func(r *http.Request) { r.Header.Set("X-Amz-Target", "Transcribe.ListTranscriptionJobs") },
		"another service":   func(r *http.Request) { r.Header.Set("X-Amz-Target", "Polly.GetTranscriptionJob") },
		"a path":            func(r *http.Request) { r.URL.Path = "/jobs" },
		"another type":      func(r *http.Request) { r.Header.Set("Content-Type", "application/json") },
	} {
		w := start(t)
		if status, answer := w.send(t, "GetTranscriptionJob", `{"TranscriptionJobName": "j"}`, change); status != http.StatusBadRequest || strings.Contains(answer["__type"].(string), "BadRequest") {
			t.Errorf("%s: %d, %v", name, status, answer)
		}
	}
}

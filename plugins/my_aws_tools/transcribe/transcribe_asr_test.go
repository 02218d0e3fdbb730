package transcribe_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/toolstest"
	"github.com/cloudplugins/difyplugin/sandbox/aws"
	"github.com/cloudplugins/difyplugin/sandbox/aws/s3"
	standin "github.com/cloudplugins/difyplugin/sandbox/aws/transcribe"
)

const dialogue = "[spk_0]: Hello, world.\n[spk_1]: Hi."

var (
	ownJob = regexp.MustCompile(`^dify-[A-Z2-7]{26}$`)
	ownKey = regexp.MustCompile(`^/transcribe-files/dify-[A-Z2-7]{26}\.mp3$`)
)

func TestMediaAreUploadedTranscribedAndRemoved(t *testing.T) {
	c := newCloud(t)
	result := c.Succeed(t, tool, linked())
	toolstest.Same(t, "operations", []string{
		"s3.PutObject", "transcribe.StartTranscriptionJob", "transcribe.GetTranscriptionJob", "s3.DeleteObject", "s3.GetObject", "transcribe.DeleteTranscriptionJob",
	}, c.Operations())
	put, start, remove := c.Calls()[0], c.Calls()[1], c.Calls()[3]
	if !ownKey.MatchString(put.Path) || put.Host != bucket+".s3.us-east-1.amazonaws.com" || put.Header.Get("Content-Type") != "audio/mpeg" || !bytes.Equal(put.Body, mp3) {
		t.Errorf("%d bytes of the type %s were put to %s%s", len(put.Body), put.Header.Get("Content-Type"), put.Host, put.Path)
	}
	if remove.Path != put.Path {
		t.Errorf("%s was uploaded and %s removed", put.Path, remove.Path)
	}
	job, _ := start.JSON()["TranscriptionJobName"].(string)
	if !ownJob.MatchString(job) || start.Host != "transcribe.us-east-1.amazonaws.com" {
		t.Errorf("the job %q was started at %s", job, start.Host)
	}
	toolstest.Same(t, "requests", map[string]any{
		"TranscriptionJobName": job, "Media": map[string]any{"MediaFileUri": "s3://" + bucket + put.Path},
		"IdentifyLanguage": true, "Settings": map[string]any{"ShowSpeakerLabels": true, "MaxSpeakerLabels": 2.0},
	}, start.JSON())
	for _, n := range []int{2, 5} {
		toolstest.Same(t, "requests", map[string]any{"TranscriptionJobName": job}, c.Calls()[n].JSON())
	}
	if result.Text != dialogue || result.Messages[0].Type != "text" || len(result.JSON)+len(result.Files) != 0 {
		t.Errorf("the text is %q, in a message of type %s", result.Text, result.Messages[0].Type)
	}
	outputs := map[string]any{}
	for name := range result.Variables {
		outputs[name] = toolstest.Output(t, result, name)
	}
	toolstest.Same(t, "outputs", map[string]any{
		"transcript": dialogue, "transcription_job_name": job, "language_code": "en-US", "language_score": 0.875, "languages": nil,
		"speakers": []any{"spk_0", "spk_1"}, "speech_end_seconds": 2.5, "not_removed": []any{},
		"segments": []any{
			map[string]any{"speaker": "spk_0", "start_time": 0.04, "end_time": 1.25, "text": "Hello, world."},
			map[string]any{"speaker": "spk_1", "start_time": 2.0, "end_time": 2.5, "text": "Hi."},
		},
	}, outputs)
	c.wantOnlyTheCall(t)
	if !c.jobs.Jobs()[0].Deleted {
		t.Error("A4: the job keeps its transcript")
	}
}

func TestMediaInS3AreTranscribedWhereTheyAre(t *testing.T) {
	c := newCloud(t)
	put(t, c.store, "a b/#1?.mp3")
	for _, uri := range []string{call, " S3://" + bucket + "/a b/#1?.mp3"} {
		c.Forget()
		result := c.Succeed(t, tool, with("file_url", uri))
		if result.Text != dialogue {
			t.Errorf("the text is %q", result.Text)
		}
		want := "s3://" + strings.TrimSpace(uri)[5:]
		toolstest.Same(t, "media", any(map[string]any{"MediaFileUri": want}), c.started(t)["Media"])
		for _, operation := range c.Operations() {
			if operation == "s3.PutObject" || operation == "s3.DeleteObject" {
				t.Errorf("%s was sent for an object of the user's", operation)
			}
		}
	}
	toolstest.Same(t, "objects", []string{"a b/#1?.mp3", "call.mp3"}, c.store.Keys(bucket))
}

func TestAFileOfDifysReplacesTheURL(t *testing.T) {
	c := newCloud(t)
	for _, file := range []map[string]any{
		c.File("talk.MP3", "audio/mpeg", mp3), c.File("talk.mp3", "application/octet-stream", []byte("noise of no known beginning")),
	} {
		c.Forget()
		if result := c.Succeed(t, tool, with("file_url", "-", "media_file", file)); result.Text != dialogue {
			t.Errorf("the text is %q", result.Text)
		}
		if put := c.Calls()[0]; !ownKey.MatchString(put.Path) {
			t.Errorf("it was put to %s", put.Path)
		}
	}
	c.wantOnlyTheCall(t)
}

func TestAPathOfDifysOwnIsRead(t *testing.T) {
	c := newCloud(t)
	at := c.File("talk.mp3", "audio/mpeg", mp3)["url"].(string)
	for _, url := range []string{at, strings.TrimPrefix(at, "https://dify.example.com")} {
		if result := c.Succeed(t, tool, with("file_url", url)); result.Text != dialogue {
			t.Errorf("%s: %q", url, result.Text)
		}
	}
}

func TestWhatWasCompressedOnTheWayIsStoredAsItIs(t *testing.T) {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, _ = w.Write(mp3)
	_ = w.Close()
	c := newCloud(t)
	for _, answer := range []struct{ mediaType, encoding string }{{"audio/mpeg", "gzip"}, {"application/gzip", ""}} {
		c.Forget()
		c.media = func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", answer.mediaType)
			if answer.encoding != "" {
				w.Header().Set("Content-Encoding", answer.encoding)
			}
			_, _ = w.Write(packed.Bytes())
		}
		c.Succeed(t, tool, linked("file_url", "https://"+mediaHost+"/talk.mp3.gz"))
		if put := c.Calls()[0]; !bytes.Equal(put.Body, mp3) || !ownKey.MatchString(put.Path) {
			t.Errorf("%d bytes were stored as %s", len(put.Body), put.Path)
		}
	}
	c.media = func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(packed.Bytes()[:packed.Len()-9]) }
	toolstest.WantFailure(t, c.Fail(t, tool, linked()), plugin.Connection, "broke off while it was downloaded")
	c.wantOnlyTheCall(t)
}

func TestLanguagesAreSentInOneWay(t *testing.T) {
	for _, tt := range []struct {
		name string
		in   []any
		want map[string]any
	}{
		{"nothing said", nil, map[string]any{"IdentifyLanguage": true}},
		{"a language", []any{"language_code", "zh-CN"}, map[string]any{"LanguageCode": "zh-CN"}},
		{"a language as others write it", []any{"language_code", " pt_br "}, map[string]any{"LanguageCode": "pt-BR"}},
		{"a language, and identification off", []any{"language_code", "ja-JP", "identify_language", false}, map[string]any{"LanguageCode": "ja-JP"}},
		{"several languages", []any{"identify_multiple_languages", true}, map[string]any{"IdentifyMultipleLanguages": true}},
		{"several languages, and identification off", []any{"identify_multiple_languages", "true", "identify_language", "false"}, map[string]any{"IdentifyMultipleLanguages": true}},
		{"one of some", []any{"language_options", "en-US|ja-JP"}, map[string]any{"IdentifyLanguage": true, "LanguageOptions": []any{"en-US", "ja-JP"}}},
		{"one of some, untidily", []any{"language_options", " en-us, ja_jp|en-US| zh-HK|"}, map[string]any{"IdentifyLanguage": true, "LanguageOptions": []any{"en-US", "ja-JP", "zh-HK"}}},
		{"several of some", []any{"language_options", "en-US|fr-FR", "identify_multiple_languages", true}, map[string]any{"IdentifyMultipleLanguages": true, "LanguageOptions": []any{"en-US", "fr-FR"}}},
		{"blank", []any{"language_code", " ", "language_options", " ", "media_file", nil, "transcription_job_name", " ", "keep_job", "", "identify_language", "", "identify_multiple_languages", nil}, map[string]any{"IdentifyLanguage": true}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCloud(t)
			c.Succeed(t, tool, with(tt.in...))
			got := c.started(t)
			for _, other := range []string{"TranscriptionJobName", "Media", "Settings"} {
				delete(got, other)
			}
			toolstest.Same(t, "languages", tt.want, got)
		})
	}
}

func TestEveryLanguageOfTranscribeIsTaken(t *testing.T) {
	c := newCloud(t)
	newer := "am-ET cy-GB es-MX et-EE fa-AF ga-IE gd-GB ht-HT jv-ID km-KH my-MM ne-NP sq-AL zh-HK"
	for code := range strings.FieldsSeq(newer + " en-US zh-CN zh-TW ja-JP ckb-IR mhr-RU kab-DZ ab-GE zu-ZA") {
		if got := toolstest.Output(t, c.Succeed(t, tool, with("language_code", code)), "language_code"); got != code {
			t.Errorf("%s became %v", code, got)
		}
	}
}

func TestSpeakersAreToldApartOnlyWhereThatIsWanted(t *testing.T) {
	for _, tt := range []struct {
		show, most any
		want       any
	}{
		{nil, nil, 2.0},
		{"", "", 2.0},
		{true, 30.0, 30.0},
		{"true", "3", 3.0},
		{false, 99.0, nil},
		{"0", "1", nil},
	} {
		t.Run(fmt.Sprint(tt.show, tt.most), func(t *testing.T) {
			c := newCloud(t)
			result := c.Succeed(t, tool, with("ShowSpeakerLabels", tt.show, "MaxSpeakerLabels", tt.most))
			if tt.want == nil {
				if settings, there := c.started(t)["Settings"]; there {
					t.Errorf("the settings %v were sent", settings)
				}
				if result.Text != "Hello, world. Hi." || toolstest.Output(t, result, "segments") != nil || toolstest.Output(t, result, "speakers") != nil {
					t.Errorf("the text is %q, the speakers %v", result.Text, toolstest.Output(t, result, "speakers"))
				}
				return
			}
			toolstest.Same(t, "settings", any(map[string]any{"ShowSpeakerLabels": true, "MaxSpeakerLabels": tt.want}), c.started(t)["Settings"])
		})
	}
}

func TestSpeakersOfOlderTranscriptsAreFoundByTheirTimes(t *testing.T) {
	c := newCloud(t)
	speech := talk()
	speech.SegmentsOnly = true
	c.jobs.Hear(speech)
	if result := c.Succeed(t, tool, with()); result.Text != dialogue {
		t.Errorf("the text is %q", result.Text)
	}
}

func TestSeveralLanguagesAreReturnedWithTheirTimes(t *testing.T) {
	c := newCloud(t)
	speech := talk()
	speech.Languages = []standin.Language{{Code: "en-US", Seconds: 12.5}, {Code: "fr-FR", Seconds: 3}}
	c.jobs.Hear(speech)
	result := c.Succeed(t, tool, with("identify_multiple_languages", true))
	toolstest.Same(t, "languages", any([]any{
		map[string]any{"language_code": "en-US", "duration_seconds": 12.5}, map[string]any{"language_code": "fr-FR", "duration_seconds": 3.0},
	}), toolstest.Output(t, result, "languages"))
	if toolstest.Output(t, result, "language_code") != nil || toolstest.Output(t, result, "language_score") != nil {
		t.Errorf("one language is %v, too", toolstest.Output(t, result, "language_code"))
	}
}

func TestSilenceIsAnEmptyText(t *testing.T) {
	c := newCloud(t)
	c.jobs.Hear(standin.Speech{})
	for _, show := range []bool{true, false} {
		result := c.Succeed(t, tool, with("ShowSpeakerLabels", show))
		if result.Text != "" || result.Messages[0].Type != "text" || toolstest.Output(t, result, "speech_end_seconds") != nil {
			t.Errorf("%q, %v", result.Text, result.Messages[0])
		}
	}
	toolstest.Same(t, "speakers", any([]any{}), toolstest.Output(t, c.Succeed(t, tool, with()), "speakers"))
}

func TestTranscriptsWithoutSpeakersAreJoinedBySpaces(t *testing.T) {
	c := newCloud(t)
	c.jobs.Hear(standin.Speech{Document: []byte(`{"results": {"transcripts": [{"transcript": " One. "}, {"transcript": "Two."}], "items": []}}`)})
	if got := c.Succeed(t, tool, with()).Text; got != "One.  Two." {
		t.Errorf("the text is %q", got)
	}
}

func TestABucketIsNeededOnlyForWhatIsUploaded(t *testing.T) {
	c := newCloud(t)
	if result := c.Succeed(t, tool, with("s3_bucket_name", nil)); result.Text != dialogue {
		t.Errorf("the text is %q", result.Text)
	}
}

func TestAJobThatIsKeptStaysInTranscribe(t *testing.T) {
	c := newCloud(t)
	c.Succeed(t, tool, linked("keep_job", true))
	if job := c.jobs.Jobs()[0]; job.Deleted {
		t.Error("the job was deleted")
	}
	c.wantOnlyTheCall(t)
}

func TestSection3_32Bug1_NothingIsSentForWrongParameters(t *testing.T) {
	for _, tt := range []struct {
		name  string
		in    map[string]any
		words []string
	}{
		{"no URL", with("file_url", ""), []string{"file_url"}},
		{"no bucket", linked("s3_bucket_name", nil), []string{"s3_bucket_name"}},
		{"no address", with("file_url", "talk.mp3?sign=secret"), []string{`file_url is "talk.mp3"`, "https://", "s3://"}},
		{"another scheme", with("file_url", "ftp://example.com/a.mp3"), []string{"file_url", "https://"}},
		{"an address without a key", with("file_url", "s3://"+bucket), []string{"file_url", "key is missing"}},
		{"an access point", with("file_url", "s3://arn:aws:s3:us-east-1:123456789012:accesspoint/talks/a.mp3"), []string{"file_url names an access point"}},
		{"a bucket that cannot be one", linked("s3_bucket_name", "my bucket"), []string{"s3_bucket_name", `"my bucket"`}},
		{"a folder", linked("s3_bucket_name", "s3://"+bucket+"/talks"), []string{"s3_bucket_name", "names a folder"}},
		{"an access point for the media", linked("s3_bucket_name", "arn:aws:s3:us-east-1:123456789012:accesspoint/talks"), []string{"s3_bucket_name is an access point"}},
		{"a language that is none", with("language_code", "English"), []string{`language_code is "English"`, "en-US"}},
		{"bug 3: no language and no identification", with("identify_language", false), []string{"language_code is blank", "identify_language", "identify_multiple_languages"}},
		{"bug 3: a language, and several to be identified", with("language_code", "en-US", "identify_multiple_languages", true), []string{"language_code is filled in, and identify_multiple_languages is on"}},
		{"a language and options", with("language_code", "en-US", "language_options", "en-US|fr-FR"), []string{"language_options is filled in, and language_code too"}},
		{"bug 7: one option", with("language_options", "en-US|en_us"), []string{"language_options names one language, en-US"}},
		{"bug 7: one option of several", with("language_options", "en-US", "identify_multiple_languages", true), []string{"language_options names one language"}},
		{"options that are none", with("language_options", "en-US|klingon|fr-FR|xx-XX"), []string{`language_options holds "klingon", "xx-XX"`}},
		{"bug 7: one speaker", with("MaxSpeakerLabels", 1.0), []string{"MaxSpeakerLabels is 1", "2 to 30"}},
		{"bug 7: too many speakers", with("MaxSpeakerLabels", "31"), []string{"MaxSpeakerLabels is 31"}},
		{"half a speaker", with("MaxSpeakerLabels", 2.5), []string{"MaxSpeakerLabels"}},
		{"a job that cannot be one", with("transcription_job_name", "my job"), []string{"transcription_job_name cannot be the name of a job"}},
		{"a long job", with("transcription_job_name", strings.Repeat("x", 201)), []string{"transcription_job_name", "200"}},
		{
			"everything at once",
			with("file_url", "talk.mp3", "s3_bucket_name", "x", "language_code", "English", "language_options", "en-US", "MaxSpeakerLabels", 99, "identify_multiple_languages", true),
			[]string{"file_url", "s3_bucket_name", "language_code is \"English\"", "language_options", "MaxSpeakerLabels", "identify_multiple_languages is on"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCloud(t)
			toolstest.WantFailure(t, c.Fail(t, tool, tt.in), plugin.BadRequest, tt.words...)
			c.WantNothingSent(t)
		})
	}
}

func TestSection3_32Bug1_AFailedDownloadStartsNothing(t *testing.T) {
	c := newCloud(t)
	for name, answer := range map[string]http.HandlerFunc{
		"not there": http.NotFound,
		"empty":     func(http.ResponseWriter, *http.Request) {},
		"a page": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = w.Write([]byte("<p>Please log in"))
		},
		"cut off": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "9999")
			_, _ = w.Write(mp3)
		},
		"announced as too large": func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Length", "2147483650") },
	} {
		t.Run(name, func(t *testing.T) {
			c.media = answer
			failed := c.Fail(t, tool, linked())
			if failed.Type == string(plugin.Authorization) || len(failed.Message) < 40 || strings.Contains(failed.Message, "sign=secret") {
				t.Errorf("the error of the kind %s is %s", failed.Type, failed.Message)
			}
			toolstest.Same(t, "operations", []string(nil), c.Operations())
			c.wantOnlyTheCall(t)
		})
	}
}

func TestSection3_32Bug1_AFailedJobIsAFailureWithItsReason(t *testing.T) {
	c := newCloud(t)
	speech := talk()
	speech.FailureReason = "The media format provided does not match the detected media format."
	c.jobs.Hear(speech)
	toolstest.WantFailure(t, c.Fail(t, tool, linked()), plugin.BadRequest, "The media format provided does not match", "dify-")
	for _, call := range c.Calls() {
		if call.Operation == "GetObject" {
			t.Error("a transcript was asked for that is not there")
		}
	}
	c.wantOnlyTheCall(t)
	if !c.jobs.Jobs()[0].Deleted {
		t.Error("the job is left")
	}
}

func TestSection3_32Bug3_ALanguageWinsOverTheDefaultToIdentifyIt(t *testing.T) {
	c := newCloud(t)
	c.Succeed(t, tool, with("language_code", "en-GB", "identify_language", true))
	got := c.started(t)
	if _, both := got["IdentifyLanguage"]; both || got["LanguageCode"] != "en-GB" {
		t.Errorf("sent %v", got)
	}
}

func TestSection3_32Bug4_NoACLIsSent(t *testing.T) {
	c := newCloud(t)
	c.Succeed(t, tool, linked())
	for name := range c.Calls()[0].Header {
		if strings.HasPrefix(strings.ToLower(name), "x-amz-acl") || strings.HasPrefix(strings.ToLower(name), "x-amz-grant") {
			t.Errorf("%s was sent, which buckets refuse and which needs another permission", name)
		}
	}
}

func TestSection3_32Bug5_NoTwoUploadsHaveTheSameKey(t *testing.T) {
	c := newCloud(t)
	keys := map[string]bool{}
	for _, url := range []string{link, link, "https://" + mediaHost, "https://" + mediaHost + "/", "https://" + mediaHost + "/x/file-preview"} {
		c.Forget()
		c.Succeed(t, tool, linked("file_url", url))
		keys[c.Calls()[0].Path] = true
		if path := c.Calls()[0].Path; !ownKey.MatchString(path) {
			t.Errorf("%s was uploaded as %s", url, path)
		}
	}
	if len(keys) != 5 {
		t.Errorf("the keys of five uploads are %v", keys)
	}
}

func TestSection3_32Bug6_OnlyPermittedAddressesAreFetched(t *testing.T) {
	c := newCloud(t)
	for _, url := range []string{"http://169.254.169.254/latest/meta-data", "https://127.0.0.1/a.mp3", "http://[::1]/a.mp3", "https://10.0.0.7/a.mp3"} {
		failed := c.Fail(t, tool, linked("file_url", url))
		if failed.Type != string(plugin.BadRequest) || !strings.Contains(failed.Message, "refused") {
			t.Errorf("%s: %s, %s", url, failed.Type, failed.Message)
		}
	}
	c.media = func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "https://169.254.169.254/secret", http.StatusFound)
	}
	toolstest.WantFailure(t, c.Fail(t, tool, linked()), plugin.BadRequest, "refused")
	toolstest.Same(t, "operations", []string(nil), c.Operations())
}

func TestSection3_32Bug6_AMissingContentTypeIsNoFault(t *testing.T) {
	c := newCloud(t)
	c.media = func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Content-Type"] = nil
		_, _ = w.Write(mp3)
	}
	if result := c.Succeed(t, tool, linked("file_url", "https://"+mediaHost+"/x")); result.Text != dialogue {
		t.Errorf("the text is %q", result.Text)
	}
}

func TestSection3_32Bug8_ALanguageThatIsNoneIsNamedWithoutTheWholeList(t *testing.T) {
	c := newCloud(t)
	failed := c.Fail(t, tool, with("language_code", strings.Repeat("x", 5000), "language_options", strings.Repeat("q|", 5000)))
	if len(failed.Message) > 1000 || strings.Contains(failed.Message, "mhr-RU") {
		t.Errorf("the error has %d bytes: %.300s", len(failed.Message), failed.Message)
	}
}

func TestA4A10_UploadedMediaAreRemovedWhateverFails(t *testing.T) {
	for _, tt := range []struct {
		name      string
		operation string
		kind      plugin.Kind
		effect    aws.Effect
	}{
		{"the start is denied", "StartTranscriptionJob", plugin.Authorization, aws.Deny()},
		{"the start is throttled", "StartTranscriptionJob", plugin.RateLimit, aws.Throttle()},
		{"the start is refused", "StartTranscriptionJob", plugin.BadRequest, aws.Fail(400, "BadRequestException", "no")},
		{"too many jobs", "StartTranscriptionJob", plugin.RateLimit, aws.Fail(400, "LimitExceededException", "no")},
		{"the service fails", "StartTranscriptionJob", plugin.Unavailable, aws.Fail(500, "InternalFailureException", "no")},
		{"the transcript is denied", "GetObject", plugin.Authorization, aws.Deny()},
		{"the transcript is not there", "GetObject", plugin.Unavailable, aws.Fail(404, "NoSuchKey", "no")},
		{"S3 fails", "GetObject", plugin.Unavailable, aws.Break()},
		{"the transcript is cut off", "GetObject", plugin.Connection, aws.Cut(20)},
		{"no answer about the transcript", "GetObject", plugin.Connection, aws.Drop()},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCloud(t)
			c.Inject(aws.Fault{Operation: tt.operation, Effects: []aws.Effect{tt.effect}})
			failed := c.Fail(t, tool, linked())
			toolstest.WantFailure(t, failed, tt.kind)
			c.wantOnlyTheCall(t)
			if done := tt.operation == "GetObject"; done != strings.Contains(failed.Message, "run this tool again with transcription_job_name dify-") {
				t.Errorf("the error is %s", failed.Message)
			}
		})
	}
}

func TestMediaWhoseUploadWasNotConfirmedAreRemoved(t *testing.T) {
	c := newCloud(t)
	c.Inject(aws.Fault{Operation: "PutObject", Effects: []aws.Effect{aws.Drop()}})
	toolstest.WantFailure(t, c.Fail(t, tool, linked()), plugin.Connection)
	c.wantOnlyTheCall(t)
}

func TestWhatPassesIsTriedAgain(t *testing.T) {
	for _, tt := range []struct {
		operation string
		effect    aws.Effect
	}{
		{"StartTranscriptionJob", aws.Throttle()},
		{"StartTranscriptionJob", aws.Drop()}, // the second one meets the job of the first
		{"GetTranscriptionJob", aws.Throttle()},
		{"GetObject", aws.Break()},
		{"GetObject", aws.Cut(20)},
		{"GetObject", aws.Drop()},
		{"PutObject", aws.Throttle()},
		{"DeleteTranscriptionJob", aws.Drop()}, // the second one meets no job
	} {
		c := newCloud(t)
		fault := c.Inject(aws.Fault{Operation: tt.operation, Times: 2, Effects: []aws.Effect{tt.effect}})
		result := c.Succeed(t, tool, linked())
		toolstest.Same(t, "leftovers", any([]any{}), toolstest.Output(t, result, "not_removed"))
		if result.Text != dialogue || fault.Hits() != 2 || len(c.jobs.Jobs()) != 1 {
			t.Errorf("%s: %q after %d failures and %d jobs", tt.operation, result.Text, fault.Hits(), len(c.jobs.Jobs()))
		}
		c.wantOnlyTheCall(t)
	}
}

func TestAJobWhoseStartWasNeverConfirmedIsFound(t *testing.T) {
	c := newCloud(t)
	c.Inject(aws.Fault{Operation: "StartTranscriptionJob", Effects: []aws.Effect{aws.Drop()}})
	if result := c.Succeed(t, tool, linked()); result.Text != dialogue {
		t.Errorf("the text is %q", result.Text)
	}
	c.wantOnlyTheCall(t)
}

func TestWhatCannotBeRemovedCostsNobodyTheText(t *testing.T) {
	c := newCloud(t)
	c.Inject(aws.Fault{Operation: "DeleteTranscriptionJob", Effects: []aws.Effect{aws.Deny()}})
	c.Inject(aws.Fault{Operation: "DeleteObject", Effects: []aws.Effect{aws.Deny()}})
	result := c.Succeed(t, tool, linked())
	left, _ := toolstest.Output(t, result, "not_removed").([]any)
	media := c.started(t)["Media"].(map[string]any)["MediaFileUri"]
	if result.Text != dialogue || len(left) != 2 || left[0] != media || left[1] != "the transcription job "+c.jobs.Jobs()[0].Name {
		t.Errorf("the text is %q, left is %v", result.Text, left)
	}
	warned := 0
	for _, line := range c.Logs() {
		if line.Level == "WARNING" && strings.Contains(line.Message, "could not be removed") {
			warned++
		}
	}
	if warned != 2 {
		t.Errorf("%d warnings in %v", warned, c.Logs())
	}
}

func TestAnErrorNamesWhatCouldNotBeRemoved(t *testing.T) {
	c := newCloud(t)
	c.Inject(aws.Fault{Operation: "StartTranscriptionJob", Effects: []aws.Effect{aws.Deny()}})
	c.Inject(aws.Fault{Operation: "DeleteObject", Effects: []aws.Effect{aws.Deny()}})
	toolstest.WantFailure(t, c.Fail(t, tool, linked()), plugin.Authorization, "transcribe:StartTranscriptionJob", "could not be removed, please do so: s3://"+bucket+"/transcribe-files/dify-")
}

func TestEveryErrorOfTranscribeHasItsSentence(t *testing.T) {
	for _, tt := range []struct {
		operation string
		effect    aws.Effect
		kind      plugin.Kind
		words     []string
	}{
		{"StartTranscriptionJob", aws.Deny(), plugin.Authorization, []string{"transcribe:StartTranscriptionJob", "arn:aws:transcribe:us-east-1:*:transcription-job/*"}},
		{"StartTranscriptionJob", aws.Expire(), plugin.Authorization, []string{"expired"}},
		{"StartTranscriptionJob", aws.Overload(), plugin.Unavailable, []string{"try again"}},
		{"StartTranscriptionJob", aws.Fail(400, "LimitExceededException", "Too many."), plugin.RateLimit, []string{"quota", "Too many."}},
		{"StartTranscriptionJob", aws.Fail(400, "BadRequestException", "Not that language."), plugin.BadRequest, []string{"Not that language.", "s3:GetObject"}},
		{"GetTranscriptionJob", aws.Deny(), plugin.Authorization, []string{"transcribe:GetTranscriptionJob", "The job goes on", "transcription_job_name dify-"}},
		{"GetTranscriptionJob", aws.Throttle(), plugin.RateLimit, []string{"The job goes on", "transcription_job_name dify-"}},
		{"GetTranscriptionJob", aws.Break(), plugin.Unavailable, []string{"The job goes on"}},
		{"GetTranscriptionJob", aws.Drop(), plugin.Connection, []string{"The job goes on"}},
		{"GetTranscriptionJob", aws.Fail(400, "NotFoundException", "None."), plugin.BadRequest, []string{"no such job in the region us-east-1"}},
	} {
		c := newCloud(t)
		c.Inject(aws.Fault{Service: "transcribe", Operation: tt.operation, Effects: []aws.Effect{tt.effect}})
		toolstest.WantFailure(t, c.Fail(t, tool, with()), tt.kind, tt.words...)
	}
}

func TestABucketElsewhereIsRefusedInWordsThatHelp(t *testing.T) {
	c := newCloud(t)
	if err := c.store.AddBucket(s3.Bucket{Name: "tester-in-europe", Region: "eu-west-1", Owner: toolstest.AccountID}); err != nil {
		t.Fatal(err)
	}
	toolstest.WantFailure(t, c.Fail(t, tool, linked("s3_bucket_name", "tester-in-europe")), plugin.BadRequest, "isn't in the same region", "in a bucket in the region us-east-1")
	toolstest.Same(t, "objects left", []string(nil), c.store.Keys("tester-in-europe"))
	if result := c.Succeed(t, tool, linked("s3_bucket_name", "tester-in-europe", "aws_region", "eu-west-1")); result.Text != dialogue {
		t.Errorf("the text is %q", result.Text)
	}
}

func TestA19_TranscriptsAreReadFromS3Only(t *testing.T) {
	for _, at := range []string{
		"https://evil.example.com/t.json", "http://s3.us-east-1.amazonaws.com/b/t.json", "https://s3.us-east-1.amazonaws.com.evil.example.com/t.json",
		"https://s3.us-east-1.amazonaws.com:8443/t.json", "https://user@s3.us-east-1.amazonaws.com/t.json", "https://s3.cn-north-1.amazonaws.com.cn/t.json",
		"/t.json", "", "https://lambda.us-east-1.amazonaws.com/s3",
	} {
		c := newCloud(t)
		if at == "" {
			at = ":"
		}
		speech := talk()
		speech.Link = at + "?X-Amz-Signature=secret"
		c.jobs.Hear(speech)
		toolstest.WantFailure(t, c.Fail(t, tool, with()), plugin.Unavailable, "the transcript of the job dify-", "was not read", "transcription_job_name")
		for _, r := range c.Box.Requests() {
			if r.Host != "transcribe.us-east-1.amazonaws.com" {
				t.Errorf("%s%s was asked for", r.Host, r.Path)
			}
		}
	}
}

func TestAnEndpointOfTheUsersMayHoldTheTranscript(t *testing.T) {
	const endpoint = "aws.example.net"
	t.Setenv("DIFYPLUGIN_ENDPOINT_ALLOW", endpoint+",elsewhere.example.net")
	for at, words := range map[string]string{
		"https://" + endpoint + "/b/t.json":       "S3 did not send it", // which it was asked for
		"https://elsewhere.example.net/b/t.json":  "is not a host of S3",
		"https://" + endpoint + ":444/b/t.json":   "is not a host of S3",
		"http://" + endpoint + "/b/t.json":        "is not a host of S3",
		"https://x." + endpoint + "/b/t.json":     "is not a host of S3",
		"https://" + endpoint + ".evil.example/t": "is not a host of S3",
	} {
		c := newCloud(t)
		c.Endpoint(t, endpoint, "")
		speech := talk()
		speech.Link = at
		c.jobs.Hear(speech)
		failed := c.FailAs(t, toolstest.Credentials("aws_endpoint_url", "https://"+endpoint), tool, with())
		if !strings.Contains(failed.Message, words) {
			t.Errorf("%s: %s", at, failed.Message)
		}
	}
}

func TestATranscriptThatIsTooLargeOrNoneIsRefused(t *testing.T) {
	c := newCloud(t)
	for document, words := range map[string]string{
		strings.Repeat(" ", 32<<20) + "{}": "more than 32 MiB",
		"<html>":                           "not written as transcripts are",
	} {
		c.jobs.Hear(standin.Speech{Document: []byte(document)})
		failed := c.Fail(t, tool, with())
		if !strings.Contains(failed.Message, words) || !strings.Contains(failed.Message, "transcription_job_name dify-") {
			t.Errorf("the error is %s", failed.Message)
		}
	}
}

func TestA6_NothingIsSentToAWSForMediaThatCannotBeRead(t *testing.T) {
	c := newCloud(t)
	c.serve("video/quicktime", []byte("\x00\x00\x00\x14ftypqt  "))
	toolstest.WantFailure(t, c.Fail(t, tool, linked("file_url", "https://"+mediaHost+"/a.mov")), plugin.BadRequest, `"a.mov" is video/quicktime`, "Convert it")
	toolstest.Same(t, "operations", []string(nil), c.Operations())
}

func TestA2_EachPartGoesToWhereItBelongs(t *testing.T) {
	c := newCloud(t)
	c.Succeed(t, tool, linked())
	hosts := map[string]bool{}
	for _, r := range c.Box.Requests() {
		hosts[r.Host] = true
	}
	toolstest.Same(t, "hosts", map[string]bool{
		mediaHost: true, bucket + ".s3.us-east-1.amazonaws.com": true, "transcribe.us-east-1.amazonaws.com": true, "s3.us-east-1.amazonaws.com": true,
	}, hosts)
}

func TestA9A27_MediaAndTextNeverTouchTheDisk(t *testing.T) {
	c := newCloud(t)
	folder := t.TempDir()
	t.Setenv("TMPDIR", folder)
	t.Chdir(folder)
	c.Succeed(t, tool, linked("file_url", "https://"+mediaHost+"/large.mp3"))
	c.serve("audio/mpeg", append(bytes.Clone(mp3), make([]byte, 20<<20)...)) // in two parts
	c.Succeed(t, tool, linked())
	written, err := os.ReadDir(folder)
	if err != nil || len(written) > 0 {
		t.Errorf("%v were written, %v", written, err)
	}
}

func TestLogsHoldNoContent(t *testing.T) {
	c := newCloud(t)
	c.Inject(aws.Fault{Operation: "DeleteObject", Effects: []aws.Effect{aws.Deny()}})
	c.Succeed(t, tool, linked())
	for _, line := range c.Logs() {
		for _, content := range []string{"Hello", "sign=secret", "X-Amz-Signature", toolstest.SecretAccessKey} {
			if strings.Contains(line.Message, content) {
				t.Errorf("a log line holds %s: %s", content, line.Message)
			}
		}
	}
}

package sagemaker_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/toolstest"
	"github.com/cloudplugins/difyplugin/sandbox/aws"
	"github.com/cloudplugins/difyplugin/sandbox/aws/comprehend"
	standin "github.com/cloudplugins/difyplugin/sandbox/aws/sagemaker"
)

const (
	tts      = "sagemaker_tts"
	audioURL = "https://audio.example.com/speech/1.wav?X-Amz-Signature=5f2c"
	stored   = `{"s3_presign_url": "` + audioURL + `"}`
)

// speaking are parameters with which sagemaker_tts runs.
func speaking(pairs ...any) map[string]any {
	return with(map[string]any{"sagemaker_endpoint": "e", "tts_text": "你好", "tts_infer_type": "PresetVoice", "voice": "中文女"}, pairs...)
}

// everything are parameters with which each mode runs.
func everything(pairs ...any) map[string]any {
	return with(speaking("mock_voice_audio", " s3://voices/a#1.wav ", "mock_voice_text", "he said", "voice_instruct_prompt", "softly & <slow>"), pairs...)
}

func TestEachModeSendsItsOwnFields(t *testing.T) {
	for mode, want := range map[string]string{
		"PresetVoice":             `{"tts_text":" Hello & \"you\"\n","role":"中文女"}`,
		"CloneVoice":              `{"tts_text":" Hello & \"you\"\n","prompt_text":"he said","prompt_audio":"s3://voices/a#1.wav"}`,
		"CloneVoice_CrossLingual": `{"tts_text":" Hello & \"you\"\n","prompt_audio":"s3://voices/a#1.wav","lang_tag":"<|en|>"}`,
		"InstructVoice":           `{"tts_text":" Hello & \"you\"\n","role":"中文女","instruct_text":"softly & <slow>"}`,
	} {
		t.Run(mode, func(t *testing.T) {
			c := newCloud(t, standin.Says(stored))
			c.languages.Find(comprehend.Language{Code: "en", Score: 0.9})
			result := c.Succeed(t, tts, everything("tts_infer_type", mode, "tts_text", " Hello & \"you\"\n"))
			c.wantInvoked(t, want)
			tag, asked := "null", 1
			if mode == "CloneVoice_CrossLingual" {
				tag, asked = `"<|en|>"`, 2
			}
			if result.Text != audioURL || result.Messages[0].Type != "text" || len(result.Files) != 0 {
				t.Errorf("the text is %q, the first message a %s, with %d files", result.Text, result.Messages[0].Type, len(result.Files))
			}
			if diff := cmp.Diff(map[string]string{"s3_presign_url": `"` + audioURL + `"`, "tts_infer_type": `"` + mode + `"`, "lang_tag": tag}, outputs(result)); diff != "" {
				t.Errorf("the outputs differ (-want +got):\n%s", diff)
			}
			toolstest.WantJSON(t, "the JSON", `{"s3_presign_url":"`+audioURL+`","tts_infer_type":"`+mode+`","lang_tag":`+tag+`}`, toolstest.OnlyJSON(t, result))
			if sent := c.Operations(); len(sent) != asked {
				t.Errorf("%v were sent", sent)
			}
		})
	}
}

func TestTheLanguageOfTheTextIsAskedForWhereItMatters(t *testing.T) {
	c := newCloud(t, standin.Says(stored))
	c.languages.Find(comprehend.Language{Code: "ko", Score: 1})
	c.Succeed(t, tts, everything("tts_infer_type", "CloneVoice_CrossLingual", "aws_region", "us-east-1", "tts_text", "안녕"))
	call := c.Calls()[0]
	got := []string{call.Name(), call.Host, call.Header.Get("X-Amz-Target"), string(call.Body)}
	if diff := cmp.Diff([]string{"comprehend.DetectDominantLanguage", "comprehend.us-east-1.amazonaws.com", "Comprehend_20171127.DetectDominantLanguage", `{"Text":"안녕"}`}, got); diff != "" {
		t.Errorf("the request differs (-want +got):\n%s", diff)
	}
	c.wantInvoked(t, `{"tts_text":"안녕","prompt_audio":"s3://voices/a#1.wav","lang_tag":"<|ko|>"}`)
}

func TestOfALongTextTheBeginningDecides(t *testing.T) {
	c := newCloud(t, standin.Says(stored))
	c.Succeed(t, tts, everything("tts_infer_type", "CloneVoice_CrossLingual", "tts_text", strings.Repeat("字", 40_000)))
	if texts := c.languages.Texts(); len(texts) != 1 || texts[0] != strings.Repeat("字", 33_333) {
		t.Errorf("%d texts, of which the first has %d bytes", len(texts), len(texts[0]))
	}
}

func TestSection3_30Bug1_AMissingModeIsRefused(t *testing.T) {
	for _, mode := range []any{nil, ""} {
		c := newCloud(t, standin.Says(stored))
		toolstest.WantFailure(t, c.Fail(t, tts, everything("tts_infer_type", mode)), plugin.BadRequest, "tts_infer_type is required", "PresetVoice", "CloneVoice_CrossLingual", "InstructVoice")
		c.WantNothingSent(t)
	}
}

// The languages of section 3.30, with its second bug: Chinese in traditional characters was spoken in Cantonese.
func TestSection3_30Bug2_ChineseInTraditionalCharactersIsMandarin(t *testing.T) {
	for code, tag := range map[string]string{
		"zh-TW": "<|zh|>", "zh": "<|zh|>", "en": "<|en|>", "ja": "<|jp|>", "ko": "<|ko|>", "fr": "<|zh|>",
	} {
		c := newCloud(t, standin.Says(stored))
		c.languages.Find(comprehend.Language{Code: code, Score: 0.99})
		result := c.Succeed(t, tts, everything("tts_infer_type", "CloneVoice_CrossLingual"))
		if got := outputs(result)["lang_tag"]; got != `"`+tag+`"` {
			t.Errorf("%s is spoken as %s, want %s", code, got, tag)
		}
	}
}

func TestSection3_30Bug3_TheLanguageWithTheBestScoreWins(t *testing.T) {
	c := newCloud(t, standin.Says(stored))
	c.languages.Find(comprehend.Language{Code: "en", Score: 0.2}, comprehend.Language{Code: "ja", Score: 0.7}, comprehend.Language{Code: "ko", Score: 0.1})
	result := c.Succeed(t, tts, everything("tts_infer_type", "CloneVoice_CrossLingual"))
	if got := outputs(result)["lang_tag"]; got != `"<|jp|>"` {
		t.Errorf("the text is spoken as %s", got)
	}
}

func TestSection3_30Bug4_ATextInNoLanguageIsSpokenInMandarin(t *testing.T) {
	c := newCloud(t, standin.Says(stored))
	result := c.Succeed(t, tts, everything("tts_infer_type", "CloneVoice_CrossLingual", "tts_text", "123"))
	if got := outputs(result)["lang_tag"]; got != `"<|zh|>"` {
		t.Errorf("the text is spoken as %s", got)
	}
}

func TestSection3_30Bug5_NoOtherServiceIsAsked(t *testing.T) {
	for _, mode := range []string{"PresetVoice", "CloneVoice", "InstructVoice"} {
		c := newCloud(t, standin.Says(stored))
		c.Succeed(t, tts, everything("tts_infer_type", mode))
		if call := c.request(t); call.Name() != "runtime.sagemaker.InvokeEndpoint" {
			t.Errorf("A23: %s sent %s", mode, call.Name())
		}
		if hosts := c.Box.Requests(); len(hosts) != 1 {
			t.Errorf("A23: %s asked %v", mode, hosts)
		}
	}
}

func TestSection3_30Bug6_AnAnswerWithoutAURLShowsWhatCame(t *testing.T) {
	for answer, words := range map[string][]string{
		`{"error": "no voice", "audio": "secret-value"}`: {"it has the keys audio, error, and no s3_presign_url"},
		`{}`:                       {"empty object"},
		`{"s3_presign_url": null}`: {"its s3_presign_url is null"},
		`{"s3_presign_url": " "}`:  {"its s3_presign_url is blank"},
		`{"s3_presign_url": 1}`:    {"its s3_presign_url is a number"},
		`["` + audioURL + `"]`:     {"it is a list"},
		`nothing`:                  {"it is not JSON", "nothing"},
	} {
		c := newCloud(t, standin.Says(answer))
		failed := c.Fail(t, tts, speaking())
		toolstest.WantFailure(t, failed, plugin.Unavailable, append(words, "SageMaker endpoint e cannot be used")...)
		if strings.Contains(failed.Message, "secret-value") {
			t.Errorf("the error shows values: %s", failed.Message)
		}
	}
}

func TestNothingIsSentWithoutWhatAModeNeeds(t *testing.T) {
	for _, tt := range []struct {
		name       string
		parameters map[string]any
		words      []string
	}{
		{"no text", speaking("tts_text", ""), []string{"tts_text is required"}},
		{"no voice", speaking("voice", nil), []string{"voice is required for the mode PresetVoice"}},
		{"an unknown voice", speaking("voice", "robot"), []string{"voice must be one of 中文男, 中文女, 粤语女"}},
		{"an unknown mode", speaking("tts_infer_type", "Sing"), []string{"tts_infer_type must be one of"}},
		{"nothing to clone", speaking("tts_infer_type", "CloneVoice", "mock_voice_text", " "), []string{"2 parameters are wrong", "mock_voice_text is required for the mode CloneVoice", "mock_voice_audio is required for the mode CloneVoice"}},
		{"nothing to clone in another language", speaking("tts_infer_type", "CloneVoice_CrossLingual"), []string{"mock_voice_audio is required for the mode CloneVoice_CrossLingual"}},
		{"no instruction", speaking("tts_infer_type", "InstructVoice", "voice", ""), []string{"voice is required for the mode InstructVoice", "voice_instruct_prompt is required"}},
		{"an odd endpoint and no voice", speaking("voice", "", "sagemaker_endpoint", "-"), []string{`sagemaker_endpoint is "-"`, "voice is required"}},
		{"a text that is too long", speaking("tts_text", strings.Repeat("x", 6<<20)), []string{"tts_text makes a request of"}},
		{"words in place of a recording", everything("tts_infer_type", "CloneVoice", "mock_voice_audio", "my own voice"), []string{"mock_voice_audio is not the address of a recording", "s3://BUCKET/KEY"}},
		{"a path in place of a recording", everything("tts_infer_type", "CloneVoice", "mock_voice_audio", "/tmp/a.wav"), []string{"mock_voice_audio is not the address"}},
		{"a file of the machine", everything("tts_infer_type", "CloneVoice_CrossLingual", "mock_voice_audio", "file:///etc/passwd"), []string{"mock_voice_audio is not the address"}},
		{"a URL without a host", everything("tts_infer_type", "CloneVoice", "mock_voice_audio", "https:///a.wav"), []string{"mock_voice_audio is not the address"}},
		{"a bucket alone", everything("tts_infer_type", "CloneVoice", "mock_voice_audio", "s3://voices"), []string{"mock_voice_audio is", "key is missing"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCloud(t, standin.Says(stored))
			toolstest.WantFailure(t, c.Fail(t, tts, tt.parameters), plugin.BadRequest, tt.words...)
			c.WantNothingSent(t)
		})
	}
}

func TestARecordingMayBeAnywhereThatTheModelReaches(t *testing.T) {
	for _, at := range []string{"s3://voices/a b.wav", "S3://voices/a.wav", "https://b.s3.amazonaws.com/a.wav?X-Amz-Signature=1", "http://voices.example.com/a.wav"} {
		c := newCloud(t, standin.Says(stored))
		c.Succeed(t, tts, everything("tts_infer_type", "CloneVoice", "mock_voice_audio", at))
		c.wantInvoked(t, `{"tts_text":"你好","prompt_text":"he said","prompt_audio":"`+at+`"}`)
	}
}

func TestErrorsOfComprehendAreToldApartAndAskNoModel(t *testing.T) {
	for _, tt := range []struct {
		name   string
		effect aws.Effect
		kind   plugin.Kind
		words  []string
	}{
		{"denied", aws.Deny(), plugin.Authorization, []string{"comprehend:DetectDominantLanguage"}},
		{"throttled", aws.Throttle(), plugin.RateLimit, []string{"Comprehend asks for fewer requests"}},
		{"broken", aws.Break(), plugin.Unavailable, nil},
		{"a lost connection", aws.Drop(), plugin.Connection, []string{"comprehend.us-east-1.amazonaws.com"}},
		{"a refused text", aws.Fail(400, "InvalidRequestException", "odd"), plugin.BadRequest, []string{"does not accept tts_text", "odd"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCloud(t, standin.Says(stored))
			c.Inject(aws.Fault{Service: "comprehend", Effects: []aws.Effect{tt.effect}})
			toolstest.WantFailure(t, c.Fail(t, tts, everything("tts_infer_type", "CloneVoice_CrossLingual")), tt.kind, append(tt.words, "could not find out the language of tts_text")...)
			if asked := c.endpoints.Invocations(); len(asked) != 0 {
				t.Errorf("the model was asked %d times", len(asked))
			}
		})
	}
}

// store serves audio at the host of audioURL, and counts the requests for it.
func store(t *testing.T, c *cloud, contentType string, status int, content string) *int {
	t.Helper()
	asked := 0
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		if r.URL.Query().Get("X-Amz-Signature") != "5f2c" {
			status = http.StatusForbidden
		}
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, _ = w.Write([]byte(content))
	})
	if err := c.Box.Handle("audio.example.com", handler); err != nil {
		t.Fatal(err)
	}
	return &asked
}

func TestTheAudioBecomesAFileWhereThatWasAskedFor(t *testing.T) {
	t.Setenv("DIFYPLUGIN_FETCH_ALLOW", "audio.example.com")
	for stored, want := range map[string]string{"binary/octet-stream": "audio/wav", "audio/x-wav": "audio/x-wav", "": "audio/wav"} {
		c := newCloud(t, standin.Says(`{"s3_presign_url": "`+audioURL+`"}`))
		store(t, c, stored, http.StatusOK, "RIFF-audio")
		result := c.Succeed(t, tts, speaking("download_audio", true))
		if result.Text != audioURL || result.Messages[0].Type != "text" {
			t.Errorf("the text is %q, the first message a %s", result.Text, result.Messages[0].Type)
		}
		if len(result.Files) != 1 {
			t.Fatalf("%d files, want one", len(result.Files))
		}
		file := result.Files[0]
		content, err := file.Bytes()
		if err != nil || string(content) != "RIFF-audio" || file.Name != "1.wav" || file.Type != want {
			t.Errorf("the file %s of the type %s holds %q (%v), want the type %s", file.Name, file.Type, content, err, want)
		}
	}
}

func TestTheAudioIsNotFetchedUnasked(t *testing.T) {
	t.Setenv("DIFYPLUGIN_FETCH_ALLOW", "audio.example.com")
	for _, download := range []any{nil, false, "", "false"} {
		c := newCloud(t, standin.Says(stored))
		asked := store(t, c, "audio/wav", http.StatusOK, "audio")
		if result := c.Succeed(t, tts, speaking("download_audio", download)); len(result.Files) != 0 || *asked != 0 {
			t.Errorf("download_audio %v: %d files, %d requests", download, len(result.Files), *asked)
		}
	}
}

func TestAudioThatCannotBeFetchedSaysThatItWasMade(t *testing.T) {
	t.Setenv("DIFYPLUGIN_FETCH_ALLOW", "audio.example.com")
	for _, tt := range []struct {
		name, url string
		status    int
		kind      plugin.Kind
		words     []string
	}{
		{"an expired URL", audioURL, http.StatusForbidden, plugin.Authorization, []string{"could not be fetched", "403"}},
		{"a broken store", audioURL, http.StatusInternalServerError, plugin.Unavailable, []string{"could not be fetched", "500"}},
		{"a URL without encryption", strings.Replace(audioURL, "https", "http", 1), http.StatusOK, plugin.Unavailable, []string{`begins with "http"`}},
		{"a private address", "https://10.0.0.1/1.wav", http.StatusOK, plugin.BadRequest, []string{"DIFYPLUGIN_FETCH_ALLOW"}},
		{"the metadata of the machine", "https://169.254.169.254/1.wav", http.StatusOK, plugin.BadRequest, []string{"never contacted"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCloud(t, standin.Says(`{"s3_presign_url": "`+tt.url+`"}`))
			store(t, c, "audio/wav", tt.status, "no")
			failed := c.Fail(t, tts, speaking("download_audio", true))
			toolstest.WantFailure(t, failed, tt.kind, append(tt.words, "the speech was made", "without download_audio")...)
			if strings.Contains(failed.Message, "5f2c") {
				t.Errorf("the error shows a signature: %s", failed.Message)
			}
		})
	}
}

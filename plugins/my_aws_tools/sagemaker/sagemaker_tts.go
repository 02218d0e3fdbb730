package sagemaker

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/account"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/param"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/result"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/s3"
)

// SpeechInput is the input of sagemaker_tts.
type SpeechInput struct {
	account.Input
	Endpoint string `param:"sagemaker_endpoint"`
	Text     string `param:"tts_text"`
	Mode     string `param:"tts_infer_type"`
	Voice    string `param:"voice"`
	// SampleAudio is where a recording of the voice is that is to be imitated, SampleText what is said in it.
	SampleAudio string `param:"mock_voice_audio"`
	SampleText  string `param:"mock_voice_text"`
	Instruction string `param:"voice_instruct_prompt"`
	// Download asks for the audio as a file.
	Download bool `param:"download_audio"`
}

// The modes of tts_infer_type.
const (
	presetVoice   = "PresetVoice"
	cloneVoice    = "CloneVoice"
	crossLingual  = "CloneVoice_CrossLingual"
	instructVoice = "InstructVoice"
)

// Speak turns a text into speech, with a model of the CosyVoice family. The model stores the audio in S3 and answers
// with {"s3_presign_url": URL}, which is the text of the result. The audio itself is fetched only where that was asked
// for, and becomes a file.
//
// tts_infer_type is declared as optional, because it is in workflows that exist, and demanded all the same: it decides
// which of the other parameters count. For CloneVoice_CrossLingual, Amazon Comprehend is asked in which language the
// text is; Chinese of any script is Mandarin, and so is a language that the model does not speak.
func Speak(ctx context.Context, call *plugin.Call, in SpeechInput) error {
	endpoint, request, err := in.read()
	if err != nil {
		return err
	}
	acct, err := in.Open(ctx, call)
	if err != nil {
		return err
	}
	if in.Mode == crossLingual {
		if request.LanguageTag, err = detectLanguageTag(ctx, acct, in.Text); err != nil {
			return err
		}
	}
	body, err := param.Encode(request)
	if err != nil {
		return err
	}
	answer, err := invoke(ctx, acct, endpoint, body)
	if err != nil {
		return err
	}
	at, err := readAudioURL(answer)
	if err != nil {
		return unexpected(endpoint, err)
	}
	return in.send(ctx, call, at, request)
}

// send sends the URL as text, then how the speech was made and, if it was asked for, the audio.
func (in SpeechInput) send(ctx context.Context, call *plugin.Call, at string, request speechRequest) error {
	if err := call.Text(at); err != nil {
		return err
	}
	if in.Download {
		if err := sendAudio(ctx, call, at); err != nil {
			return err
		}
	}
	outputs := result.Outputs{audioURLKey: at, "tts_infer_type": in.Mode, "lang_tag": result.OrNull(request.LanguageTag)}
	if err := call.JSON(outputs); err != nil {
		return err
	}
	return outputs.Send(call)
}

// speechRequest is what the model takes; each mode has some of it.
type speechRequest struct {
	Text        string `json:"tts_text"`
	Role        string `json:"role,omitempty"`
	PromptText  string `json:"prompt_text,omitempty"`
	PromptAudio string `json:"prompt_audio,omitempty"`
	LanguageTag string `json:"lang_tag,omitempty"`
	Instruction string `json:"instruct_text,omitempty"`
}

// read checks the parameters. The language is not known yet.
func (in SpeechInput) read() (endpoint string, request speechRequest, err error) {
	var wrong param.Problems
	endpoint, err = parseEndpoint(in.Endpoint)
	wrong.Add("sagemaker_endpoint", err)
	request = speechRequest{Text: in.Text}
	needs := func(parameter, value string) string {
		if strings.TrimSpace(value) == "" {
			wrong.Addf(parameter, "is required for the mode %s", in.Mode)
		}
		return value
	}
	switch in.Mode {
	case presetVoice:
		request.Role = needs("voice", in.Voice)
	case cloneVoice:
		request.PromptText = needs("mock_voice_text", in.SampleText)
		request.PromptAudio = strings.TrimSpace(needs("mock_voice_audio", in.SampleAudio))
	case crossLingual:
		request.PromptAudio = strings.TrimSpace(needs("mock_voice_audio", in.SampleAudio))
		request.LanguageTag = mandarin // of the length of every other
	case instructVoice:
		request.Role = needs("voice", in.Voice)
		request.Instruction = needs("voice_instruct_prompt", in.Instruction)
	default:
		wrong.Addf("tts_infer_type", "is required: choose %s, %s, %s or %s", presetVoice, cloneVoice, crossLingual, instructVoice)
	}
	wrong.Add("mock_voice_audio", checkAudioAddress(request.PromptAudio))
	encodeRequest(&wrong, "tts_text", request)
	return endpoint, request, wrong.Err("sagemaker_tts")
}

// checkAudioAddress accepts what the model can fetch. It does not repeat the address, which may be signed.
func checkAudioAddress(at string) error {
	if at == "" {
		return nil
	}
	if strings.HasPrefix(strings.ToLower(at), "s3://") {
		_, _, err := s3.ParseURI(at)
		return err
	}
	u, err := url.Parse(at)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || strings.ContainsAny(at, " \t\r\n") {
		return errors.New("is not the address of a recording: write s3://BUCKET/KEY, or a URL that begins with https://")
	}
	return nil
}

// audioURLKey is where the model puts the URL of the audio.
const audioURLKey = "s3_presign_url"

// readAudioURL finds the URL in an answer. An error shows the keys of the answer and none of its values.
func readAudioURL(answer []byte) (string, error) {
	value, err := decode(answer)
	if err != nil {
		return "", err
	}
	object, ok := value.(map[string]any)
	if !ok {
		return "", fmt.Errorf("it is %s, and must be an object with %s", kindOf(value), audioURLKey)
	}
	found, ok := object[audioURLKey]
	if !ok {
		return "", fmt.Errorf("%s, and no %s", keysOf(object), audioURLKey)
	}
	at, ok := found.(string)
	switch {
	case !ok:
		return "", fmt.Errorf("its %s is %s, and must be a URL", audioURLKey, kindOf(found))
	case strings.TrimSpace(at) == "":
		return "", fmt.Errorf("its %s is blank", audioURLKey)
	}
	return at, nil
}

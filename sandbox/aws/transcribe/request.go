package transcribe

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/cloudplugins/difyplugin/sandbox/aws"
)

// startRequest is the body of StartTranscriptionJob, as far as the stand-in knows it.
type startRequest struct {
	Name                      string         `json:"TranscriptionJobName"`
	Media                     mediaRequest   `json:"Media"`
	LanguageCode              *string        `json:"LanguageCode"`
	IdentifyLanguage          *bool          `json:"IdentifyLanguage"`
	IdentifyMultipleLanguages *bool          `json:"IdentifyMultipleLanguages"`
	LanguageOptions           []string       `json:"LanguageOptions"`
	MediaFormat               *string        `json:"MediaFormat"`
	MediaSampleRateHertz      *int           `json:"MediaSampleRateHertz"`
	Settings                  *settingsInput `json:"Settings"`
}

type mediaRequest struct {
	MediaFileURI string `json:"MediaFileUri"`
}

type settingsInput struct {
	ShowSpeakerLabels bool `json:"ShowSpeakerLabels"`
	MaxSpeakerLabels  *int `json:"MaxSpeakerLabels,omitempty"`
}

var (
	namePattern = regexp.MustCompile(`^[0-9a-zA-Z._-]+$`)
	uriPattern  = regexp.MustCompile(`(?s)^(s3://|https?://).+$`)
)

const maxName, maxURI = 200, 2000

func checkName(name string) *aws.Error {
	switch {
	case name == "":
		return invalid("transcriptionJobName", "Member must not be null")
	case len(name) > maxName:
		return invalid("transcriptionJobName", fmt.Sprintf("Member must have length less than or equal to %d", maxName))
	case !namePattern.MatchString(name):
		return invalid("transcriptionJobName", "Member must satisfy regular expression pattern: ^[0-9a-zA-Z._-]+")
	}
	return nil
}

func (in startRequest) check() *aws.Error {
	if failed := checkName(in.Name); failed != nil {
		return failed
	}
	formats := []string{"mp3", "mp4", "wav", "flac", "ogg", "amr", "webm", "m4a"}
	switch uri := in.Media.MediaFileURI; {
	case uri == "":
		return invalid("media.mediaFileUri", "Member must not be null")
	case len(uri) > maxURI:
		return invalid("media.mediaFileUri", fmt.Sprintf("Member must have length less than or equal to %d", maxURI))
	case !uriPattern.MatchString(uri):
		return invalid("media.mediaFileUri", "Member must satisfy regular expression pattern: (s3://|http(s*)://).+")
	case in.MediaFormat != nil && !slices.Contains(formats, *in.MediaFormat):
		return invalid("mediaFormat", "Member must satisfy enum value set: ["+strings.Join(formats, ", ")+"]")
	}
	if failed := in.checkLanguages(); failed != nil {
		return failed
	}
	return in.Settings.check()
}

// checkLanguages demands exactly one way to know the language.
func (in startRequest) checkLanguages() *aws.Error {
	one, several := in.IdentifyLanguage != nil && *in.IdentifyLanguage, in.IdentifyMultipleLanguages != nil && *in.IdentifyMultipleLanguages
	ways := 0
	for _, chosen := range []bool{in.LanguageCode != nil, one, several} {
		if chosen {
			ways++
		}
	}
	for _, code := range in.LanguageOptions {
		if !isLanguage(code) {
			return invalid("languageOptions", "Member must satisfy enum value set: [...]")
		}
	}
	switch {
	case in.LanguageCode != nil && !isLanguage(*in.LanguageCode):
		return invalid("languageCode", "Member must satisfy enum value set: [...]")
	case ways == 0:
		return fail("BadRequestException", "You must specify either a language code or identify languages. Add one of LanguageCode, IdentifyLanguage or IdentifyMultipleLanguages and try your request again.")
	case ways > 1:
		return fail("BadRequestException", "You can specify only one of LanguageCode, IdentifyLanguage and IdentifyMultipleLanguages. Remove the others and try your request again.")
	case in.LanguageOptions != nil && in.LanguageCode != nil:
		return fail("BadRequestException", "You can't specify LanguageOptions together with LanguageCode. Remove one of them and try your request again.")
	case in.LanguageOptions != nil && len(in.LanguageOptions) < 2:
		return fail("BadRequestException", "You must specify at least two language options. Check LanguageOptions and try your request again.")
	}
	return nil
}

func (in *settingsInput) check() *aws.Error {
	switch {
	case in == nil:
		return nil
	case in.ShowSpeakerLabels != (in.MaxSpeakerLabels != nil):
		return fail("BadRequestException", "You must specify ShowSpeakerLabels and MaxSpeakerLabels together. Add the missing one and try your request again.")
	case in.MaxSpeakerLabels != nil && *in.MaxSpeakerLabels < 2:
		return invalid("settings.maxSpeakerLabels", "Member must have value greater than or equal to 2")
	case in.MaxSpeakerLabels != nil && *in.MaxSpeakerLabels > 30:
		return invalid("settings.maxSpeakerLabels", "Member must have value less than or equal to 30")
	}
	return nil
}

// checkMedia looks for the media with the rights of who asks.
func (s *Service) checkMedia(r *aws.Request, uri string) *aws.Error {
	name, _, _ := strings.Cut(strings.TrimPrefix(uri, "s3://"), "/")
	bucket, ok := s.store.Bucket(name)
	switch {
	case ok && bucket.Region != r.Region:
		return fail("BadRequestException", fmt.Sprintf("The specified S3 bucket isn't in the same region. Make sure the bucket is in the %s region and try your request again.", r.Region))
	case !ok || bucket.Owner != r.AccountID && !bucket.Shared || !s.hasMedia(uri):
		return fail("BadRequestException", "The S3 URI that you provided can't be accessed. Make sure that you have read permission and try your request again.")
	}
	return nil
}

func (s *Service) hasMedia(uri string) bool {
	bucket, key, _ := strings.Cut(strings.TrimPrefix(uri, "s3://"), "/")
	return slices.Contains(s.store.Keys(bucket), key)
}

func invalid(name, constraint string) *aws.Error {
	return fail("BadRequestException", fmt.Sprintf("1 validation error detected: Value at '%s' failed to satisfy constraint: %s", name, constraint))
}

func isLanguage(code string) bool { return slices.Contains(strings.Fields(languages), code) }

// languages are those of StartTranscriptionJob, after its API reference.
const languages = `ab-GE af-ZA am-ET ar-AE ar-SA ast-ES az-AZ ba-RU be-BY bg-BG bn-IN bs-BA ca-ES ckb-IQ ckb-IR cs-CZ cy-GB
cy-WL da-DK de-CH de-DE el-GR en-AB en-AU en-GB en-IE en-IN en-NZ en-US en-WL en-ZA es-ES es-MX es-US
et-EE et-ET eu-ES fa-AF fa-IR fi-FI fr-CA fr-FR ga-IE gd-GB gl-ES gu-IN ha-NG he-IL hi-IN hr-HR ht-HT
hu-HU hy-AM id-ID is-IS it-IT ja-JP jv-ID ka-GE kab-DZ kk-KZ km-KH kn-IN ko-KR ky-KG lg-IN lt-LT lv-LV
mhr-RU mi-NZ mk-MK ml-IN mn-MN mr-IN ms-MY mt-MT my-MM ne-NP nl-NL no-NO or-IN pa-IN pl-PL ps-AF pt-BR
pt-PT ro-RO ru-RU rw-RW si-LK sk-SK sl-SI so-SO sq-AL sr-RS su-ID sv-SE sw-BI sw-KE sw-RW sw-TZ sw-UG
ta-IN te-IN th-TH tl-PH tr-TR tt-RU ug-CN uk-UA uz-UZ vi-VN wo-SN zh-CN zh-HK zh-TW zu-ZA`

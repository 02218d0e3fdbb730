package transcribe

import (
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/transcribe/types"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/param"
)

// readLanguage decides between a language that is known and one, or several, that are to be identified: Transcribe takes
// exactly one of the three.
func (r *request) readLanguage(in TranscribeInput, wrong *param.Problems) {
	in.LanguageCode = strings.TrimSpace(in.LanguageCode)
	var known bool
	r.language, known = languageCode(in.LanguageCode)
	r.multiple = in.IdentifyMultiple
	r.identify = in.IdentifyLanguage && !r.multiple && in.LanguageCode == ""
	if in.LanguageCode != "" && !known {
		wrong.Addf("language_code", "is %q, which is not a language of Transcribe: %s", param.Clip(in.LanguageCode), languageForm)
	}
	r.readOptions(in, wrong)
	switch {
	case in.LanguageCode != "" && r.multiple:
		wrong.Addf("language_code", "is filled in, and identify_multiple_languages is on: clear the one, or switch the other off")
	case in.LanguageCode == "" && !r.multiple && !r.identify:
		wrong.Addf("language_code", "is blank, and the language is not to be identified either: fill it in, or switch on identify_language or identify_multiple_languages")
	}
}

const languageForm = "it is written like en-US, ja-JP or zh-CN, and all are listed under \"Supported languages\" in the Developer Guide of Transcribe"

// minOptions is the least number of languages that there is something to choose between.
const minOptions = 2

func (r *request) readOptions(in TranscribeInput, wrong *param.Problems) {
	var unknown []string
	for text := range strings.FieldsFuncSeq(in.LanguageOptions, separatesLanguages) {
		code, ok := languageCode(text)
		switch {
		case !ok:
			unknown = append(unknown, fmt.Sprintf("%q", param.Clip(text)))
		case !slices.Contains(r.options, code):
			r.options = append(r.options, code)
		}
	}
	switch {
	case len(unknown) > 10:
		wrong.Addf("language_options", "holds %d codes that are not languages of Transcribe, such as %s: %s", len(unknown), unknown[0], languageForm)
	case len(unknown) > 0:
		wrong.Addf("language_options", "holds %s, not a language of Transcribe: %s", strings.Join(unknown, ", "), languageForm)
	case len(r.options) > 0 && in.LanguageCode != "":
		wrong.Addf("language_options", "is filled in, and language_code too: clear language_options if the language is known, or else language_code")
	case len(r.options) > 0 && len(r.options) < minOptions:
		wrong.Addf("language_options", "names one language, %s: name two or more to choose between, or enter it as language_code", r.options[0])
	}
}

// separatesLanguages reports whether a character stands between two codes. The form is en-US|ja-JP; models also write
// commas.
func separatesLanguages(r rune) bool { return strings.ContainsRune("|,; \t\r\n", r) }

// languageCode finds a language of Transcribe, however its letters are cased and its parts joined.
func languageCode(text string) (types.LanguageCode, bool) {
	text = strings.ReplaceAll(strings.TrimSpace(text), "_", "-")
	all := types.LanguageCode("").Values()
	i := slices.IndexFunc(all, func(code types.LanguageCode) bool { return strings.EqualFold(string(code), text) })
	if i < 0 {
		return "", false
	}
	return all[i], true
}

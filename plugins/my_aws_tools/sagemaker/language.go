package sagemaker

import (
	"context"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/comprehend"
	"github.com/aws/aws-sdk-go-v2/service/comprehend/types"
	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/account"
)

// mandarin is the tag of the language that the model speaks where it knows no better one.
const mandarin = "<|zh|>"

// languageTag is what the model calls a language that Comprehend has found.
func languageTag(code string) string {
	switch code {
	case "en":
		return "<|en|>"
	case "ja":
		return "<|jp|>"
	case "ko":
		return "<|ko|>"
	}
	return mandarin // zh and zh-TW, which are one language in two scripts, and all others
}

// maxDetected is how much of a text Comprehend looks at, in bytes of UTF-8.
const maxDetected = 100_000

// detectLanguageTag asks Amazon Comprehend in which language a text is. Of a long text the beginning decides.
func detectLanguageTag(ctx context.Context, acct *account.Account, text string) (string, error) {
	out, err := comprehend.NewFromConfig(acct.Config(account.Comprehend)).DetectDominantLanguage(ctx, &comprehend.DetectDominantLanguageInput{
		Text: aws.String(beginning(text, maxDetected)),
	})
	if err != nil {
		return "", account.Error(err, account.Operation{
			Doing: "find out the language of tts_text", Service: "Comprehend", Action: "comprehend:DetectDominantLanguage",
			Resource: "*", Region: acct.Region(), Faults: map[string]account.Fault{
				"InvalidRequestException": {Kind: plugin.BadRequest, Text: "Comprehend does not accept tts_text{said}"},
			},
		})
	}
	return languageTag(dominant(out.Languages)), nil
}

// beginning is at most so many bytes of a text, without a piece of a character at its end.
func beginning(text string, most int) string {
	if len(text) <= most {
		return text
	}
	for most > 0 && !utf8.RuneStart(text[most]) {
		most--
	}
	return text[:most]
}

// dominant is the code of the language with the best score, or "" where none was found.
func dominant(found []types.DominantLanguage) string {
	code, best := "", float32(-1)
	for _, language := range found {
		if score := aws.ToFloat32(language.Score); score > best {
			code, best = aws.ToString(language.LanguageCode), score
		}
	}
	return code
}

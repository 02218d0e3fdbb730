package porter_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/translation/porter"
)

func TestStemsAreThoseOfNLTK(t *testing.T) {
	for word, want := range map[string]string{
		// The examples of the paper, step by step.
		"caresses": "caress", "ponies": "poni", "ties": "tie", "caress": "caress", "cats": "cat",
		"feed": "feed", "agreed": "agre", "plastered": "plaster", "bled": "bled", "motoring": "motor", "sing": "sing",
		"conflated": "conflat", "troubled": "troubl", "sized": "size", "hopping": "hop", "tanned": "tan", "falling": "fall",
		"hissing": "hiss", "fizzed": "fizz", "failing": "fail", "filing": "file", "happy": "happi", "sky": "sky",
		"relational": "relat", "conditional": "condit", "rational": "ration", "digitizer": "digit", "radically": "radic",
		"vietnamization": "vietnam", "operator": "oper", "callousness": "callous", "sensibility": "sensibl",
		"triplicate": "triplic", "formative": "form", "formalize": "formal", "electrical": "electr", "hopeful": "hope",
		"goodness": "good", "revival": "reviv", "allowance": "allow", "airliner": "airlin", "replacement": "replac",
		"adoption": "adopt", "decision": "decis", "communism": "commun", "effective": "effect", "probate": "probat",
		"rate": "rate", "cease": "ceas", "controlling": "control", "rolling": "roll",
		// What NLTK adds.
		"dying": "die", "skies": "sky", "innings": "inning", "news": "news", "succeed": "succeed", "dies": "die", "died": "die",
		"spied": "spi", "enjoy": "enjoy", "fly": "fli", "by": "by", "theologi": "theolog", "geologi": "geolog", "hopefulli": "hope",
		"radicalli": "radic", "using": "use", "toy": "toy", "syzygy": "syzygi",
		// What is no English.
		"": "", "s": "s", "ss": "ss", "sss": "sss", "猫猫猫": "猫猫猫", "们们ed": "们们ed", "a们们ed": "a们", "a*ding": "ad", "yyyyed": "yyyi", "don't": "don't",
		"ääsing": "ääsing", "oäsing": "oäs", "3rd": "3rd",
	} {
		if got := porter.Stem(word); got != want {
			t.Errorf("the stem of %q is %q, want %q", word, got, want)
		}
	}
}

func TestLongWordsEndSoon(t *testing.T) {
	for _, part := range []string{"y", "ally", "alli", "ay", "sses", "aeiou", "ll"} {
		porter.Stem(strings.Repeat(part, 5_000))
	}
}

func FuzzStem(f *testing.F) {
	f.Add("hopping")
	f.Add("\xffing")
	f.Fuzz(func(t *testing.T, word string) {
		if stem := porter.Stem(word); utf8.RuneCountInString(stem) > utf8.RuneCountInString(word)+1 {
			t.Errorf("the stem of %q is %q", word, stem)
		}
	})
}

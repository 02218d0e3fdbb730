package translation

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudplugins/difyplugin/host"
	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/toolstest"
)

// start runs the tool in a cloud that fails the test if anything is sent to it.
func start(t *testing.T) *toolstest.Tools {
	t.Helper()
	cloud := toolstest.Start(t)
	t.Cleanup(func() {
		if asked := len(cloud.Box.Requests()) + len(cloud.Box.Refused()); asked > 0 {
			t.Errorf("%d requests were sent: the tool needs no network", asked)
		}
	})
	return cloud.Run(t, plugin.Tool("translation_evaluator", Evaluate))
}

// run scores something that can be scored. Without credentials, since nobody is asked.
func run(t *testing.T, parameters map[string]any) host.Result {
	t.Helper()
	return start(t).SucceedAs(t, nil, "translation_evaluator", parameters)
}

func pairOf(translation, label string, more ...any) map[string]any {
	parameters := map[string]any{"translation": translation, "label": label}
	for i := 0; i+1 < len(more); i += 2 {
		parameters[more[i].(string)] = more[i+1]
	}
	return parameters
}

// number is an output that is a score.
func number(t *testing.T, result host.Result, name string) float64 {
	t.Helper()
	var score *float64
	if err := json.Unmarshal(result.Variables[name], &score); err != nil || score == nil {
		t.Fatalf("%s is %s", name, result.Variables[name])
	}
	return *score
}

func wantNumber(t *testing.T, result host.Result, name string, want float64) {
	t.Helper()
	if got := number(t, result, name); math.Abs(got-want) > tolerance*want {
		t.Errorf("%s is %v, want %v", name, got, want)
	}
}

func wantJSON(t *testing.T, result host.Result, want string) {
	t.Helper()
	if len(result.JSON) != 1 || string(result.JSON[0]) != want {
		t.Errorf("the JSON is %s, want %s", result.JSON, want)
	}
}

func TestJSONIsWhatItWasBefore(t *testing.T) {
	for name, c := range map[string]struct {
		parameters map[string]any
		want       string
	}{
		"nothing":            {map[string]any{}, `{}`},
		"no label":           {pairOf("a", ""), `{}`},
		"no translation":     {pairOf("", "a"), `{}`},
		"null":               {map[string]any{"translation": nil, "label": nil, "model_endpoint": nil}, `{}`},
		"an endpoint":        {map[string]any{"model_endpoint": "judge"}, `{"model_diagnose":{}}`},
		"an exact match":     {pairOf("猫坐在垫子上。", "猫坐在垫子上。"), `{"metric":{"sacrebleu":100.00000000000004,"meteor":0.996,"nist":2.321928094887362}}`},
		"and an endpoint":    {pairOf("猫坐在垫子上。", "猫坐在垫子上。", "model_endpoint", "judge"), `{"model_diagnose":{},"metric":{"sacrebleu":100.00000000000004,"meteor":0.996,"nist":2.321928094887362}}`},
		"a source":           {pairOf("猫坐在垫子上。", "猫坐在垫子上。", "source", "The cat sat on the mat."), `{"metric":{"sacrebleu":100.00000000000004,"meteor":0.996,"nist":2.321928094887362}}`},
		"nothing in common":  {pairOf("a b c d e", "x"), `{"metric":{"sacrebleu":0,"meteor":0,"nist":0}}`},
		"white space counts": {pairOf("     ", "     "), `{"metric":{"sacrebleu":0,"meteor":0.996,"nist":2.321928094887362}}`},
	} {
		t.Run(name, func(t *testing.T) { wantJSON(t, run(t, c.parameters), c.want) })
	}
}

func TestNoMessageButTheJSONAndTheOutputsIsSent(t *testing.T) {
	result := run(t, pairOf("a b c d e", "a b c d e"))
	if result.Text != "" {
		t.Errorf("the text is %q", result.Text)
	}
	if result.Messages[0].Type != "json" {
		t.Errorf("the first message is a %s", result.Messages[0].Type)
	}
	if diff := cmp.Diff([]string{"chrf", "meteor", "nist", "reasons", "sacrebleu", "ter"}, slices.Sorted(maps.Keys(result.Variables))); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// published are pairs with the scores that the libraries gave them; METEOR with WordNet.
var published = []struct {
	translation, label      string
	sacrebleu, meteor, nist float64
}{
	{"我爱吃苹果和香蕉。", "我喜欢吃苹果和香蕉。", 64.34588841607616, 0.8412698412698414, 2.406304218906518},
	{"今天天气不错，我们去公园走走。", "今天天气很好，我们去公园散步。", 33.764591090632756, 0.6320224719101123, 2.242374927264182},
	{"The quick brown fox jumped over the lazy dog.", "The quick brown fox jumps over the lazy dog.", 65.80370064762461, 0.9999142661179699, 3.840223285675909},
	{"The committee has approved funding of 3,500 dollars on 2024-05-01.", "The committee approved 3,500 dollars of funding on 2024-05-01.", 55.95642461260144, 0.9297520661157025, 4.2722730775887605},
	{"该模型翻译质量很高，远超我们预期，用户反馈良好。", "这个模型的翻译质量非常高，远远超过了我们的预期，用户反馈也很好。", 16.49079319830598, 0.5298543028322439, 2.141723759816838},
	{"彼はりんごを食べた。", "彼はリンゴを食べました。", 18.796001821050233, 0.5698720166032515, 2.181303448072042},
	{"A&B costs $5.00-do not wait!", "A&amp;B costs $5.00 - don't wait!", 34.23820654663739, 0.5829674874339887, 2.8126795507406044},
}

func TestScoresArePublishedOnes(t *testing.T) {
	for _, c := range published {
		t.Run(c.translation, func(t *testing.T) {
			result := run(t, pairOf(c.translation, c.label))
			wantNumber(t, result, "sacrebleu", c.sacrebleu)
			wantNumber(t, result, "meteor", c.meteor)
			wantNumber(t, result, "nist", c.nist)
			if got := string(result.Variables["reasons"]); got != "{}" {
				t.Errorf("reasons: %s", got)
			}
		})
	}
}

func TestSynonymsOfWordNetCount(t *testing.T) {
	for _, c := range []struct {
		translation, label string
		meteor             float64
	}{
		{"He bought a huge house near the sea.", "He purchased an enormous home by the ocean.", 0.6317148760330579},
		{"The doctor quickly cured the sick child.", "The physician rapidly healed the ill kid.", 0.9268808114961962},
		{"We start the meeting at noon.", "We begin the gathering at midday.", 0.9997106481481481},
	} {
		t.Run(c.translation, func(t *testing.T) { wantNumber(t, run(t, pairOf(c.translation, c.label)), "meteor", c.meteor) })
	}
}

func TestSection3_33Bug1_NothingIsDownloaded(t *testing.T) {
	run(t, pairOf("We start at noon.", "We begin at midday.")) // start fails the test if anything was asked for
}

func TestSection3_33Bug2_METEORAndNISTDoNotNeedANetwork(t *testing.T) {
	result := run(t, pairOf("We start the meeting at noon.", "We begin the gathering at midday."))
	if number(t, result, "meteor") == 0 || number(t, result, "nist") == 0 {
		t.Errorf("meteor %s, nist %s", result.Variables["meteor"], result.Variables["nist"])
	}
}

func TestSection3_33Bug3_EuropeanTextIsSplitAtSpacesWhereThatIsAskedFor(t *testing.T) {
	parameters := pairOf("It costs 3,500 dollars, and the cats don't wait.", "It costs 3,500 dollars and cats do not wait.")
	byJieba := run(t, parameters)
	parameters["segmentation"] = "none"
	plain := run(t, parameters)
	if number(t, plain, "meteor") >= number(t, byJieba, "meteor") || number(t, plain, "nist") >= number(t, byJieba, "nist") {
		t.Errorf("spaces still count: meteor %s and %s, nist %s and %s", plain.Variables["meteor"], byJieba.Variables["meteor"], plain.Variables["nist"], byJieba.Variables["nist"])
	}
	wantNumber(t, plain, "sacrebleu", 29.982213893423374)
	wantNumber(t, plain, "meteor", 0.5679012345679012)
	wantNumber(t, plain, "nist", 2.1132833342948754)
}

func TestSection3_33Bug4_ShortTranslationsHaveABLEUWhereThatIsAskedFor(t *testing.T) {
	wantNumber(t, run(t, pairOf("Hello", "Hello")), "sacrebleu", 0)
	wantNumber(t, run(t, pairOf("Hello", "Hello", "effective_order", true)), "sacrebleu", 100.00000000000004)
}

func TestSection3_33Bug5_AnUndefinedScoreHasAReasonAndTakesNoOtherWithIt(t *testing.T) {
	result := run(t, pairOf("Hello", "Hello"))
	const reason = "no segment of the translation has at least 5 words, so that there are no sequences of 5 words to count"
	wantJSON(t, result, `{"metric":{"sacrebleu":0,"meteor":0.5,"nist":null},"reasons":{"nist":"`+reason+`"}}`)
	wantNumber(t, result, "meteor", 0.5)
	if got := string(result.Variables["nist"]); got != "null" {
		t.Errorf("nist is %s", got)
	}
	if got := string(result.Variables["reasons"]); got != `{"nist":"`+reason+`"}` {
		t.Errorf("reasons are %s", got)
	}
}

func TestSection3_33Bug6_SourceAndEndpointChangeNoScore(t *testing.T) {
	plain := run(t, pairOf("a b c d e", "a b c d f"))
	full := run(t, pairOf("a b c d e", "a b c d f", "source", "x", "model_endpoint", "judge"))
	if diff := cmp.Diff(plain.Variables, full.Variables); diff != "" {
		t.Error(diff)
	}
}

func TestSection3_33Bug7_SeveralReferencesAndSeveralPairs(t *testing.T) {
	label, other := "the cat is on the mat now", "there is a cat upon the mat now"
	want := evaluated(t, options{tokenizer: "13a"}, []pair{{"a cat is on the mat now", []string{label, other}}})
	for name, references := range map[string]any{
		"a list":         []any{other},
		"a list as JSON": `["` + other + `"]`,
		"a single text":  other,
	} {
		t.Run(name, func(t *testing.T) {
			result := run(t, pairOf("a cat is on the mat now", label, "references", references))
			wantNumber(t, result, "sacrebleu", *want.BLEU)
			wantNumber(t, result, "nist", *want.NIST)
		})
	}
	alone := run(t, pairOf("a cat is on the mat now", label))
	if number(t, alone, "sacrebleu") == *want.BLEU {
		t.Error("the second reference does not count")
	}

	lines := run(t, pairOf("a cat is on the mat now\r\nhello world again\n", label+"\nhello world anew", "corpus", true, "references", []any{other + "\nhi world again"}))
	corpus := evaluated(t, options{tokenizer: "13a"}, []pair{
		{"a cat is on the mat now", []string{label, other}}, {"hello world again", []string{"hello world anew", "hi world again"}},
	})
	wantNumber(t, lines, "sacrebleu", *corpus.BLEU)
	wantNumber(t, lines, "meteor", *corpus.METEOR)
	wantNumber(t, lines, "nist", *corpus.NIST)
}

func TestBracketsAtTheStartOfAReferenceAreText(t *testing.T) {
	result := run(t, pairOf("[music] hello to all of you", "hello", "references", "[music] hello to all of you"))
	wantNumber(t, result, "sacrebleu", 100.00000000000004)
}

func TestCHRFAndTERAreThereWhereTheyAreAskedFor(t *testing.T) {
	parameters := pairOf("The quick brown fox jumped over the lazy dog.", "The quick brown fox jumps over the lazy dog.")
	if got := run(t, parameters); string(got.Variables["chrf"]) != "null" || string(got.Variables["ter"]) != "null" || strings.Contains(string(got.JSON[0]), "chrf") {
		t.Errorf("they are there without: %s", got.JSON)
	}
	parameters["chrf"], parameters["ter"] = true, "yes"
	result := run(t, parameters)
	wantNumber(t, result, "ter", 10)
	wantNumber(t, result, "chrf", 88.73451355049598)
	if !strings.Contains(string(result.JSON[0]), `"chrf":88.73`) || !strings.Contains(string(result.JSON[0]), `"ter":10`) {
		t.Errorf("the JSON is %s", result.JSON)
	}
}

func TestBlankTextsHaveNoScoresAndAReason(t *testing.T) {
	for name, c := range map[string]struct {
		parameters map[string]any
		want       string
	}{
		"both":        {map[string]any{}, "translation and label are blank"},
		"label":       {pairOf("a", "", "references", "b"), "label is blank"},
		"translation": {pairOf("", "a", "ter", true), "translation is blank"},
	} {
		t.Run(name, func(t *testing.T) {
			result := run(t, c.parameters)
			var reasons map[string]string
			if err := json.Unmarshal(result.Variables["reasons"], &reasons); err != nil {
				t.Fatal(err)
			}
			for _, metric := range []string{"sacrebleu", "meteor", "nist"} {
				if string(result.Variables[metric]) != "null" || !strings.HasPrefix(reasons[metric], c.want) {
					t.Errorf("%s is %s: %s", metric, result.Variables[metric], reasons[metric])
				}
			}
			if _, ok := reasons["ter"]; ok != (c.parameters["ter"] == true) {
				t.Errorf("reasons: %v", reasons)
			}
		})
	}
}

func TestWrongParametersAreRefused(t *testing.T) {
	long := strings.Repeat("x", maxBytes)
	for name, c := range map[string]struct {
		parameters map[string]any
		words      []string
	}{
		"too much text":               {pairOf("a", long), []string{"translation and its references have 1048577 bytes", "at most 1048576", "evaluate a part"}},
		"too much text without label": {map[string]any{"translation": long + "x"}, []string{"1048577"}},
		"too many references":         {pairOf("a", "b", "references", slices.Repeat([]any{"c"}, 20)), []string{"references holds 20 texts", "at most 19"}},
		"references of another type":  {pairOf("a", "b", "references", map[string]any{"a": 1}), []string{"references has to be a list of texts"}},
		"a reference that is blank":   {pairOf("a", "b", "references", []any{"c", ""}), []string{"references has to hold texts, and number 2 is not one"}},
		"a reference that is none":    {pairOf("a", "b", "references", `["c", 3]`), []string{"number 2"}},
		"another tokenizer":           {pairOf("a", "b", "tokenizer", "ja-mecab"), []string{"tokenizer", "13a, zh, char, intl, none"}},
		"another segmentation":        {pairOf("a", "b", "segmentation", "spacy"), []string{"segmentation", "jieba, none"}},
		"no flag":                     {pairOf("a", "b", "corpus", "perhaps"), []string{"corpus must be true or false"}},
		"other lines": {
			pairOf("a\nb", "a\nb\nc", "corpus", true, "references", []any{"a\nb", "a"}),
			[]string{"2 parameters are wrong", "label has 3 lines and translation has 2", "references: number 2 has 1 lines"},
		},
		"too many lines": {pairOf(strings.Repeat("a\n", 10_001), "b", "corpus", true), []string{"translation has 10001 lines, at most 10000"}},
		"all at once": {
			pairOf(long, "b", "references", []any{1}),
			[]string{"2 parameters are wrong", "references has to hold texts", "translation and its references have 1048577 bytes"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			failed := start(t).FailAs(t, nil, "translation_evaluator", c.parameters)
			if failed.Type != string(plugin.BadRequest) {
				t.Errorf("the kind is %s", failed.Type)
			}
			for _, word := range c.words {
				if !strings.Contains(failed.Message, word) {
					t.Errorf("%q is not in: %s", word, failed.Message)
				}
			}
		})
	}
}

func TestBlankParametersAreAbsent(t *testing.T) {
	want := run(t, pairOf("a b c d e", "a b c d f"))
	got := run(t, pairOf("a b c d e", "a b c d f", "references", "", "corpus", "", "segmentation", "", "tokenizer", nil, "effective_order", nil, "chrf", "", "ter", "0", "model_endpoint", ""))
	if diff := cmp.Diff(want.Variables, got.Variables); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(want.JSON, got.JSON); diff != "" {
		t.Error(diff)
	}
}

func TestTERIsUndefinedForLongSegmentsOnly(t *testing.T) {
	long := strings.Repeat("a ", 2001)
	result := run(t, pairOf(long, "a b", "ter", true, "segmentation", "none"))
	var reasons map[string]string
	if err := json.Unmarshal(result.Variables["reasons"], &reasons); err != nil {
		t.Fatal(err)
	}
	if string(result.Variables["ter"]) != "null" || !strings.Contains(reasons["ter"], "2001 words") || !strings.Contains(reasons["ter"], "let corpus be on") {
		t.Errorf("ter is %s: %q", result.Variables["ter"], reasons["ter"])
	}
	number(t, result, "sacrebleu")
}

func TestNeitherTextNorScoresAreLogged(t *testing.T) {
	tools := start(t)
	tools.SucceedAs(t, nil, "translation_evaluator", pairOf("secret text of the user", "secret text of another"))
	for _, line := range tools.Logs() {
		if strings.Contains(fmt.Sprint(line), "secret text") {
			t.Errorf("content stands in the log: %v", line)
		}
	}
}

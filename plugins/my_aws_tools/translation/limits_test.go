package translation

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/translation/bleu"
)

// everything are options with which all is computed.
var everything = options{tokenizer: bleu.TokenizerIntl, chrf: true, ter: true}

// allocated is how many bytes a function allocates, garbage included.
func allocated(of func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	of()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// What may be allocated for each byte of text: most is for text of signs, of which each is a word.
const (
	allowedPerByte = 1500
	allowedAnyway  = 2 << 20
)

func TestMemoryGrowsWithTheLengthOfTheTextWhateverItIs(t *testing.T) {
	for name, unit := range map[string]string{
		"one letter":          "a",
		"words":               "many small words in a row ",
		"single letters":      "a b ",
		"signs":               "!",
		"Chinese":             "这个模型的翻译质量非常高，远远超过了我们的预期。",
		"one Chinese word":    "的",
		"unknown Chinese":     "鿕龥",
		"emoji":               "👨‍👩‍👧",
		"lines":               "a\n",
		"white space":         " ",
		"no words of WordNet": "sses ",
	} {
		t.Run(name, func(t *testing.T) {
			const size = 100_000
			text := strings.Repeat(unit, size/len(unit))
			bytes := allocated(func() {
				if _, err := everything.evaluate(t.Context(), []pair{{text, []string{text[:len(text)/2]}}}); err != nil {
					t.Fatal(err)
				}
			})
			t.Logf("%d bytes for each byte", bytes/size)
			if limit := uint64(allowedAnyway + allowedPerByte*size*3/2); bytes > limit {
				t.Errorf("%d bytes were allocated, more than %d", bytes, limit)
			}
		})
	}
}

func TestEvaluationEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := everything.evaluate(ctx, []pair{{"a", []string{"b"}}}); !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
}

// countdown is a context that ends after it was asked a number of times.
type countdown struct {
	context.Context
	left int
}

func (c *countdown) Err() error {
	if c.left--; c.left < 0 {
		return context.Canceled
	}
	return nil
}

func TestEvaluationCanBeStoppedBetweenAndInsideOfSegments(t *testing.T) {
	pairs := []pair{{"b a", []string{"a b"}}, {"d c", []string{"c d"}}}
	asked := 0
	for ; ; asked++ {
		if _, err := everything.evaluate(&countdown{t.Context(), asked}, pairs); err == nil {
			break
		} else if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	}
	if asked < 6 { // once for each of two segments, and for each word where phrases are moved
		t.Errorf("the context was asked %d times only", asked)
	}
}

func FuzzEvaluate(f *testing.F) {
	f.Add("我喜欢吃苹果和香蕉。", "我爱吃苹果和香蕉。")
	f.Add("He bought a huge house.\r\n", "He purchased an enormous home&amp;")
	f.Add("\xff\x00 İΣ\u200d", "a\u3000b 😀")
	f.Fuzz(func(t *testing.T, translation, reference string) {
		const longest = 20_000
		if len(translation) > longest || len(reference) > longest {
			return
		}
		var found scores
		bytes := allocated(func() {
			var err error
			if found, err = everything.evaluate(t.Context(), []pair{{translation, []string{reference}}}); err != nil {
				t.Fatal(err)
			}
		})
		if limit := uint64(allowedAnyway + allowedPerByte*(len(translation)+len(reference))); bytes > limit {
			t.Errorf("%d bytes were allocated for %d and %d bytes of text", bytes, len(translation), len(reference))
		}
		for name, score := range map[string]*float64{"BLEU": found.BLEU, "METEOR": found.METEOR, "NIST": found.NIST, "chrF": found.CHRF, "TER": found.TER} {
			if score != nil && (math.IsNaN(*score) || math.IsInf(*score, 0) || *score < 0) {
				t.Errorf("%s is %v", name, *score)
			}
		}
	})
}

// The notice at the root of the plugin, which is the only place from which licenses get into a package, repeats those
// that lie beside the tables.
func TestNoticeHoldsTheLicenses(t *testing.T) {
	notice, err := os.ReadFile("../NOTICE.txt")
	if err != nil {
		t.Fatal(err)
	}
	words := func(text []byte) string { return strings.Join(strings.Fields(string(text)), " ") }
	for _, folder := range []string{"jieba", "wordnet"} {
		license, err := os.ReadFile(folder + "/LICENSE")
		if err != nil {
			t.Fatal(err)
		}
		if len(license) < 1000 || !strings.Contains(words(notice), words(license)) {
			t.Errorf("the license of %s is not in NOTICE.txt", folder)
		}
	}
}

// corpusOf are as many pairs of sentences as are asked for.
func corpusOf(count int) []pair {
	pairs := make([]pair, count)
	for i := range pairs {
		if i%2 == 0 {
			pairs[i] = pair{
				fmt.Sprintf("The %d physicians quickly cured the sick children in our house by the sea.", i),
				[]string{fmt.Sprintf("%d doctors rapidly healed the ill kids at our home near the ocean.", i)},
			}
		} else {
			pairs[i] = pair{
				fmt.Sprintf("该模型翻译质量很高，远超我们预期，第%d位用户反馈良好。", i),
				[]string{fmt.Sprintf("这个模型的翻译质量非常高，远远超过了我们的预期，第%d位用户反馈也很好。", i)},
			}
		}
	}
	return pairs
}

func benchmark(b *testing.B, o options, pairs []pair) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := o.evaluate(b.Context(), pairs); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkFirstEvaluation is what a call costs: with -benchtime=1x the tables are not in memory yet.
func BenchmarkFirstEvaluation(b *testing.B) {
	benchmark(b, options{tokenizer: bleu.Tokenizer13a}, corpusOf(2)[1:])
}

func BenchmarkCorpusOfAThousandPairs(b *testing.B) {
	benchmark(b, options{tokenizer: bleu.Tokenizer13a}, corpusOf(1000))
}

func BenchmarkCorpusOfAThousandPairsWithCHRFAndTER(b *testing.B) {
	benchmark(b, options{tokenizer: bleu.Tokenizer13a, chrf: true, ter: true}, corpusOf(1000))
}

package ngram_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/translation/ngram"
)

// counted are the n-grams of sequences, counted one by one.
func counted(sequences [][]string, n int) map[string]ngram.Gram {
	grams := map[string]ngram.Gram{}
	place := 0
	for _, words := range sequences {
		for i := range words {
			if i+n <= len(words) {
				key := strings.Join(words[i:i+n], " ")
				gram, known := grams[key]
				if !known {
					gram.Place = place + i
				}
				gram.Count++
				grams[key] = gram
			}
		}
		place += len(words) + 1
	}
	return grams
}

func TestTableCountsWhatCountingOneByOneDoes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sequences := rapid.SliceOfN(rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c"}), 0, 12), 0, 4).Draw(t, "sequences")
		words := ngram.Words{}
		var text []int32
		for _, sequence := range sequences {
			text = append(text, words.Numbers(sequence)...)
		}
		const order = 4
		table := ngram.NewTable(text, order)
		for n := 1; n <= order; n++ {
			want, total := counted(sequences, n), 0
			got := map[string]ngram.Gram{}
			table.Grams(n, func(gram ngram.Gram) {
				if count := table.Count(gram.Words); count != gram.Count {
					t.Errorf("%v is there %d times by Grams and %d times by Count", gram.Words, gram.Count, count)
				}
				total += gram.Count
				got[name(words, gram.Words)] = ngram.Gram{Place: gram.Place, Count: gram.Count}
			})
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("n = %d: -want +got\n%s", n, diff)
			}
			if table.Total(n) != total {
				t.Errorf("n = %d: the total is %d, want %d", n, table.Total(n), total)
			}
		}
	})
}

// name writes an n-gram in words.
func name(words ngram.Words, gram []int32) string {
	var texts []string
	for _, number := range gram {
		for word, n := range words {
			if n == number {
				texts = append(texts, word)
			}
		}
	}
	return strings.Join(texts, " ")
}

func TestWhatIsNotThereCountsNothing(t *testing.T) {
	words := ngram.Words{}
	table := ngram.NewTable(slices.Concat(words.Numbers([]string{"a", "b"}), words.Numbers([]string{"c"})), 3)
	for _, gram := range [][]string{{"d"}, {"b", "a"}, {"b", "c"}, {"a", "b", "c"}} {
		numbers := words.Numbers(gram)
		if got := table.Count(numbers[:len(gram)]); got != 0 {
			t.Errorf("%v is counted %d times", gram, got)
		}
	}
}

func ExampleTable() {
	words := ngram.Words{}
	table := ngram.NewTable(words.Numbers(strings.Fields("to be or not to be")), 2)
	table.Grams(2, func(g ngram.Gram) {
		if g.Count > 1 {
			fmt.Println(g.Words, "from", g.Place, "on,", g.Count, "times")
		}
	})
	// Output: [1 2] from 0 on, 2 times
}

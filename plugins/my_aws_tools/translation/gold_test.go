package translation

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"hash"
	"io"
	"math"
	"os"
	"slices"
	"testing"

	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/translation/bleu"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/translation/jieba"
)

// tolerance is how far scores may be from those of the Python libraries, relative to them.
const tolerance = 1e-12

// goldenBits is the SHA-256 of our scores of testdata/gold.jsonl, which are the same on every processor.
const goldenBits = "29e0b2b8a668013d764785282469c40b810bd596fd8c72f7b4c047961d753e3b"

// A golden line is what testdata/oracle.py prints: a pair, or a corpus of pairs, with the scores of the libraries.
type golden struct {
	Kind        string      `json:"kind"`
	Translation string      `json:"translation"`
	References  []string    `json:"references"`
	Tokens      [][]string  `json:"tokens"` // of the translation and of each reference
	Corpus      [][2]string `json:"corpus"`

	BLEU                 map[bleu.Tokenizer]float64 `json:"bleu"`
	EffectiveBLEU        float64                    `json:"bleu_effective"`
	METEOR               float64                    `json:"meteor"`
	METEORWithoutWordNet float64                    `json:"meteor_without_wordnet"`
	NIST                 *float64                   `json:"nist"`
	CHRF                 float64                    `json:"chrf"`
	TER                  float64                    `json:"ter"`
}

// tally is what a comparison looked at.
type tally struct {
	pairs, corpora, scores, exact, wordNet int
	kinds                                  map[string]int
	bits                                   hash.Hash // of all of our scores
}

// compareAll compares every line with ours and reports all differences.
func compareAll(t *testing.T, lines io.Reader) tally {
	t.Helper()
	seen := tally{kinds: map[string]int{}, bits: sha256.New()}
	scanner := bufio.NewScanner(lines)
	scanner.Buffer(nil, 16<<20)
	for scanner.Scan() {
		var want golden
		if err := json.Unmarshal(scanner.Bytes(), &want); err != nil {
			t.Fatal(err)
		}
		seen.compare(t, want)
	}
	if err := scanner.Err(); err != nil {
		t.Fatal(err)
	}
	return seen
}

func (seen *tally) compare(t *testing.T, want golden) {
	t.Helper()
	pairs := []pair{{want.Translation, want.References}}
	if want.Corpus != nil {
		seen.corpora++
		pairs = nil
		for _, p := range want.Corpus {
			pairs = append(pairs, pair{p[0], p[1:]})
		}
	} else {
		seen.pairs++
		seen.kinds[want.Kind]++
		for i, text := range append([]string{want.Translation}, want.References...) {
			if got := jieba.Cut(text); !slices.Equal(got, want.Tokens[i]) {
				t.Errorf("jieba splits %q into %q, not %q", text, got, want.Tokens[i])
			}
		}
		if want.METEOR != want.METEORWithoutWordNet {
			seen.wordNet++
		}
	}
	o := options{chrf: true, ter: true}
	for _, tokenizer := range bleu.Tokenizers() {
		score := want.BLEU[tokenizer]
		o.tokenizer = tokenizer
		seen.score(t, "sacrebleu with "+string(tokenizer), pairs, &score, evaluated(t, o, pairs).BLEU)
	}
	o.tokenizer = bleu.Tokenizer13a
	got := evaluated(t, o, pairs)
	seen.score(t, "meteor", pairs, &want.METEOR, got.METEOR)
	seen.score(t, "nist", pairs, want.NIST, got.NIST)
	seen.score(t, "chrf", pairs, &want.CHRF, got.CHRF)
	seen.score(t, "ter", pairs, &want.TER, got.TER)
	if want.Corpus == nil {
		o.effectiveOrder = true
		seen.score(t, "sacrebleu with effective order", pairs, &want.EffectiveBLEU, evaluated(t, o, pairs).BLEU)
	}
}

func evaluated(t *testing.T, o options, pairs []pair) scores {
	t.Helper()
	found, err := o.evaluate(t.Context(), pairs)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func (seen *tally) score(t *testing.T, name string, pairs []pair, want, got *float64) {
	t.Helper()
	seen.scores++
	if got != nil {
		_ = binary.Write(seen.bits, binary.LittleEndian, *got) // a hash takes everything
	}
	switch {
	case want == nil && got == nil:
		seen.exact++
	case want == nil || got == nil || math.Abs(*want-*got) > tolerance*math.Abs(*want):
		t.Errorf("%s of %q is %v, not %v", name, pairs[:1], shown(got), shown(want))
	case *want == *got:
		seen.exact++
	}
}

func shown(score *float64) any {
	if score == nil {
		return nil
	}
	return *score
}

func TestScoresAreThoseOfTheLibraries(t *testing.T) {
	file, err := os.Open("testdata/gold.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	seen := compareAll(t, file)
	if seen.pairs < 150 || seen.wordNet < 20 || len(seen.kinds) != 4 {
		t.Errorf("the pairs do not cover what they are for: %+v", seen)
	}
	if got := hex.EncodeToString(seen.bits.Sum(nil)); got != goldenBits {
		t.Errorf("the last bits of scores have changed, or are others on this processor: the sum of all is %s", got)
	}
}

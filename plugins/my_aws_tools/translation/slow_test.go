//go:build slow

package translation

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/translation/porter"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/translation/wordnet"
)

// oracle runs testdata/oracle.py with the Python that DIFYPLUGIN_PYTHON names, which .ci/run sets, and returns what it
// prints.
func oracle(t *testing.T, arguments ...string) []byte {
	t.Helper()
	python := os.Getenv("DIFYPLUGIN_PYTHON")
	if python == "" {
		t.Skip("DIFYPLUGIN_PYTHON is not set: .ci/run installs the libraries to compare with and sets it")
	}
	python, err := filepath.Abs(python)
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), python, "-c", "import jieba, sacrebleu, nltk").CombinedOutput(); err != nil {
		t.Skipf("the Python of DIFYPLUGIN_PYTHON lacks a library (pip install jieba==0.42.1 sacrebleu==2.5.1 nltk==3.8): %s", strings.TrimSpace(string(out)))
	}
	var stderr bytes.Buffer
	command := exec.CommandContext(t.Context(), python, append([]string{"testdata/oracle.py"}, arguments...)...)
	command.Stderr = &stderr
	out, err := command.Output()
	if err != nil {
		t.Fatalf("oracle.py: %v\n%s", err, stderr.String())
	}
	return out
}

func TestSlowTwoThousandPairsHaveTheScoresOfTheLibraries(t *testing.T) {
	seen := compareAll(t, bytes.NewReader(oracle(t, "2000", "20261122")))
	t.Logf("%d pairs (%v) and %d corpora; %d scores, of which %d are equal to the last bit; %d pairs score otherwise without WordNet",
		seen.pairs, seen.kinds, seen.corpora, seen.scores, seen.exact, seen.wordNet)
	if seen.pairs != 2000 || seen.wordNet < 500 || len(seen.kinds) != 4 {
		t.Error("these are not the pairs that were asked for")
	}
	if seen.exact < seen.scores*98/100 {
		t.Errorf("only %d of %d scores are equal to the last bit", seen.exact, seen.scores)
	}
}

// The tables that are committed are those that the licensed data make, byte for byte.
func TestSlowTablesAreMadeFromTheDataOfTheRegistries(t *testing.T) {
	if os.Getenv("DIFYPLUGIN_PYTHON") == "" {
		t.Skip("DIFYPLUGIN_PYTHON is not set: this is for .ci/run, which has access to package registries")
	}
	for _, folder := range []string{"jieba", "wordnet"} {
		t.Run(folder, func(t *testing.T) {
			made := t.TempDir()
			program := filepath.Join(t.TempDir(), "generate")
			if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "./"+folder+"/generate").CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			generate := exec.CommandContext(t.Context(), program)
			generate.Dir = made
			if out, err := generate.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			tables, err := os.ReadDir(made)
			if err != nil || len(tables) < 6 {
				t.Fatalf("%d tables, %v", len(tables), err)
			}
			for _, table := range tables {
				want, err := os.ReadFile(filepath.Join(made, table.Name()))
				if err != nil {
					t.Fatal(err)
				}
				got, err := os.ReadFile(filepath.Join(folder, table.Name()))
				if err != nil || !bytes.Equal(want, got) {
					t.Errorf("%s is not what the generator makes; run go generate: %v", table.Name(), err)
				}
			}
		})
	}
}

func TestSlowEveryWordOfWordNetHasTheStemAndTheSynonymsOfNLTK(t *testing.T) {
	var words map[string][2]json.RawMessage
	if err := json.Unmarshal(oracle(t, "stems"), &words); err != nil {
		t.Fatal(err)
	}
	if len(words) < 100_000 {
		t.Fatalf("only %d words", len(words))
	}
	for word, known := range words {
		var stem string
		var synonyms []string
		if err := json.Unmarshal(known[0], &stem); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(known[1], &synonyms); err != nil {
			t.Fatal(err)
		}
		if got := porter.Stem(word); got != stem {
			t.Errorf("the stem of %q is %q, not %q", word, got, stem)
		}
		got := slices.Compact(slices.Sorted(wordnet.Synonyms(word)))
		if diff := cmp.Diff(synonyms, append([]string{}, got...)); diff != "" {
			t.Errorf("synonyms of %q: -NLTK +ours\n%s", word, diff)
		}
	}
}

// The program generate makes the tables of package jieba from the source distribution of jieba 0.42.1 on PyPI. Run it
// in the folder of that package, with "go generate".
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log"
	"math"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/translation/internal/source"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/translation/numeric"
)

var distribution = source.Archive{
	URL:    "https://files.pythonhosted.org/packages/c6/cb/18eeb235f833b726522d7ebed54f2278ce28ba9438e3135ab0278d9792a2/jieba-0.42.1.tar.gz",
	SHA256: "055ca12f62674fafed09427f176506079bc135638a14e23e25be909131928db2",
}

const (
	dictionaryFile = "jieba-0.42.1/jieba/dict.txt"
	modelFile      = "jieba-0.42.1/jieba/finalseg/prob_emit.py"
)

// group is how many words share an entry of starts.bin.
const group = 32

// never is jieba's logarithm of a probability of zero.
const never = -3.14e100

func main() {
	log.SetFlags(0)
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	files, err := distribution.Files(ctx, dictionaryFile, modelFile)
	if err != nil {
		return err
	}
	d, err := readDictionary(files[dictionaryFile])
	if err != nil {
		return fmt.Errorf("%s: %w", dictionaryFile, err)
	}
	emissions, err := readEmissions(string(files[modelFile]))
	if err != nil {
		return fmt.Errorf("%s: %w", modelFile, err)
	}
	tables := d.tables()
	tables["emissions.bin"] = emissions
	for name, table := range tables {
		if err := os.WriteFile(name, table, 0o644); err != nil {
			return err
		}
	}
	return nil
}

type word struct {
	chars     []uint16
	frequency int
}

type dictionary struct {
	words []word
	total int // of all frequencies, those of words that are left out included
}

// usable is what text has to be for jieba to look it up.
var usable = regexp.MustCompile(`^[\x{4E00}-\x{9FD5}a-zA-Z0-9+#&._%-]+$`)

func readDictionary(text []byte) (*dictionary, error) {
	d := &dictionary{}
	frequencies := map[string]int{} // of a word that is there twice, jieba takes the last one
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		fields := strings.Split(strings.TrimSpace(lines.Text()), " ")
		if len(fields) < 2 {
			return nil, fmt.Errorf("%q is not a word and its frequency", lines.Text())
		}
		frequency, err := strconv.Atoi(fields[1])
		if err != nil || frequency < 1 {
			return nil, fmt.Errorf("%q is not a frequency", fields[1])
		}
		d.total += frequency
		if usable.MatchString(fields[0]) {
			frequencies[fields[0]] = frequency
		}
	}
	for text, frequency := range frequencies {
		d.words = append(d.words, word{utf16.Encode([]rune(text)), frequency})
	}
	slices.SortFunc(d.words, func(a, b word) int { return slices.Compare(a.chars, b.chars) })
	return d, lines.Err()
}

func (d *dictionary) tables() map[string][]byte {
	frequencies := []int{1}
	for _, w := range d.words {
		frequencies = append(frequencies, w.frequency)
	}
	slices.Sort(frequencies)
	frequencies = slices.Compact(frequencies)
	var letters, lengths, starts, classes, weights []byte
	for i, w := range d.words {
		if i%group == 0 {
			starts = binary.LittleEndian.AppendUint32(starts, uint32(len(letters)/2))
		}
		for _, char := range w.chars {
			letters = binary.LittleEndian.AppendUint16(letters, char)
		}
		lengths = append(lengths, byte(len(w.chars)))
		class, _ := slices.BinarySearch(frequencies, w.frequency)
		classes = binary.LittleEndian.AppendUint16(classes, uint16(class))
	}
	logTotal := numeric.Log(float64(d.total))
	for _, f := range frequencies {
		weights = appendFloat(weights, numeric.Log(float64(f))-logTotal)
	}
	return map[string][]byte{"words.bin": letters, "lengths.bin": lengths, "starts.bin": starts, "classes.bin": classes, "weights.bin": weights}
}

func appendFloat(to []byte, x float64) []byte {
	return binary.LittleEndian.AppendUint64(to, math.Float64bits(x))
}

var (
	stateStart = regexp.MustCompile(`'([BEMS])': \{`)
	entry      = regexp.MustCompile(`'\\u([0-9a-f]{4})': (-[0-9.e+]+)`)
)

// readEmissions reads the probabilities of the model from the Python program that holds them.
func readEmissions(program string) ([]byte, error) {
	probabilities := map[uint16]*[4]float64{}
	starts := stateStart.FindAllStringSubmatchIndex(program, -1)
	if len(starts) != 4 {
		return nil, errors.New("there are not four states in it")
	}
	for i, start := range starts {
		state := strings.Index("BEMS", program[start[2]:start[3]])
		until := len(program)
		if i+1 < len(starts) {
			until = starts[i+1][0]
		}
		section := program[start[1]:until]
		found := entry.FindAllStringSubmatch(section, -1)
		if lines := strings.Count(section, ": -"); lines != len(found) {
			return nil, fmt.Errorf("%d of %d entries were understood", len(found), lines)
		}
		for _, match := range found {
			char, err := strconv.ParseUint(match[1], 16, 16)
			if err != nil {
				return nil, err
			}
			value, err := strconv.ParseFloat(match[2], 64)
			if err != nil {
				return nil, err
			}
			if probabilities[uint16(char)] == nil {
				probabilities[uint16(char)] = &[4]float64{never, never, never, never}
			}
			probabilities[uint16(char)][state] = value
		}
	}
	return emissionTable(probabilities), nil
}

func emissionTable(probabilities map[uint16]*[4]float64) []byte {
	var chars []uint16
	for char := range probabilities {
		if char >= 0x4e00 && char <= 0x9fd5 { // the model is asked about no other ones
			chars = append(chars, char)
		}
	}
	slices.Sort(chars)
	var table []byte
	for _, char := range chars {
		table = binary.LittleEndian.AppendUint16(table, char)
		for _, value := range probabilities[char] {
			table = appendFloat(table, value)
		}
	}
	return table
}

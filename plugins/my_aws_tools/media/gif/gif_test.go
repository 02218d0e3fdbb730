package gif

import (
	"crypto/sha256"
	_ "embed"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	"io"
	"strings"
	"testing"
)

// goldFiles are the random files among the gold, by seed.
const goldFiles = 400

// gold is what Pillow makes of the examples and of some random files, by name. TestSlowGoldIsWhatPillowSays writes it.
//
//go:embed testdata/pillow.txt
var gold string

// golden are the files that there is gold for, in its order.
func golden() []example {
	files := examples()
	for seed := range goldFiles {
		files = append(files, example{fmt.Sprintf("random %d", seed), generate(uint64(seed))})
	}
	return files
}

// short leaves the reason of a refusal out, and half of each sum.
func short(opinion string) string {
	if strings.HasPrefix(opinion, "!") {
		return "!"
	}
	pictures := strings.Fields(opinion)
	for i, picture := range pictures {
		pictures[i] = picture[8:]
	}
	return strings.Join(pictures, " ")
}

func TestFilesLookAsInPillow(t *testing.T) {
	want := map[string]string{}
	for line := range strings.Lines(gold) {
		name, opinion, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		want[name] = opinion
	}
	files := golden()
	if len(want) != len(files) {
		t.Errorf("there is gold for %d of %d files, or two have the same name", len(want), len(files))
	}
	for _, f := range files {
		t.Run(f.name, func(t *testing.T) {
			if got := opinion(t, f.file); short(got) != want[f.name] {
				t.Errorf("Pillow: %s\nwe:     %s, %s", want[f.name], short(got), got)
			}
		})
	}
}

// wide are limits that no file of the tests reaches.
var wide = Limits{Pixels: 64 << 20, Frames: 1000}

// opinion is what this package makes of a file, in the form of testdata/pillow.py.
func opinion(t testing.TB, file []byte) string {
	t.Helper()
	r, err := Open(file, wide)
	if err != nil {
		return "! " + err.Error()
	}
	var pictures []string
	for {
		err := r.Next(t.Context())
		if errors.Is(err, io.EOF) {
			break
		}
		var picture *image.NRGBA
		if err == nil {
			picture, err = r.Image()
		}
		if err != nil {
			return "! " + err.Error()
		}
		pictures = append(pictures, fmt.Sprintf("%s:%d", sum(picture), r.Delay()))
	}
	if len(pictures) != r.Frames() {
		t.Errorf("%d pictures of %d were composed", len(pictures), r.Frames())
	}
	return strings.Join(pictures, " ")
}

// sum is that of testdata/pillow.py.
func sum(picture *image.NRGBA) string {
	pixels := append([]byte(nil), picture.Pix...)
	for i := 3; i < len(pixels); i += 4 {
		if pixels[i] == 0 {
			clear(pixels[i-3 : i])
		}
	}
	size := picture.Rect.Size()
	head := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, uint32(size.X)), uint32(size.Y))
	digest := sha256.Sum256(append(head, pixels...))
	return hex.EncodeToString(digest[:8])
}

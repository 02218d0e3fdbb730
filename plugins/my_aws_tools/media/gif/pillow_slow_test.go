//go:build slow

package gif

import (
	"bytes"
	"encoding/binary"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

// pillow returns what Pillow makes of files: a line for each, see testdata/pillow.py.
func pillow(t *testing.T, files [][]byte) (version string, opinions []string) {
	t.Helper()
	python := os.Getenv("DIFYPLUGIN_PYTHON")
	if python == "" {
		t.Skip("DIFYPLUGIN_PYTHON is not set: it names a Python that has Pillow")
	}
	if out, err := exec.CommandContext(t.Context(), python, "-c", "import PIL").CombinedOutput(); err != nil {
		t.Skipf("the Python of DIFYPLUGIN_PYTHON has no Pillow (pip install pillow==11.3.0): %s", bytes.TrimSpace(out))
	}
	var input bytes.Buffer
	for _, file := range files {
		input.Write(binary.BigEndian.AppendUint32(nil, uint32(len(file))))
		input.Write(file)
	}
	var stderr strings.Builder
	command := exec.CommandContext(t.Context(), python, "testdata/pillow.py")
	command.Stdin, command.Stderr = &input, &stderr
	out, err := command.Output()
	if err != nil {
		t.Fatalf("testdata/pillow.py: %v\n%s", err, stderr.String())
	}
	lines := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	if len(lines) != len(files)+1 {
		t.Fatalf("testdata/pillow.py printed %d lines for %d files", len(lines), len(files))
	}
	return lines[0], lines[1:]
}

var update = flag.Bool("update", false, "write testdata/pillow.txt")

// excused reports whether a release of Pillow refuses a file for a reason of its own: before 11.1 gray frames could not be
// composed with colors, and since 12.2 a frame at the left edge must not be 0 wide.
func excused(version, opinion string) bool {
	switch opinion {
	case "! ValueError image has no palette":
		return strings.HasPrefix(version, "11.0.")
	case "! ValueError tile cannot extend outside image":
		return version >= "12.2"
	default:
		return false
	}
}

func TestSlowGoldIsWhatPillowSays(t *testing.T) {
	files := golden()
	contents := make([][]byte, len(files))
	for i, f := range files {
		contents[i] = f.file
	}
	version, opinions := pillow(t, contents)
	var lines strings.Builder
	for i, f := range files {
		fmt.Fprintf(&lines, "%s: %s\n", f.name, short(opinions[i]))
	}
	if *update {
		if err := os.WriteFile("testdata/pillow.txt", []byte(lines.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, want := strings.Split(lines.String(), "\n"), strings.Split(gold, "\n")
	if len(got) != len(want) {
		t.Fatalf("%d lines, want %d", len(got), len(want))
	}
	for i := range got {
		if got[i] != want[i] && !(i < len(opinions) && excused(version, opinions[i])) {
			t.Errorf("Pillow %s says %s, testdata/pillow.txt %s", version, got[i], want[i])
		}
	}
}

func TestSlowRandomFilesLookAsInPillow(t *testing.T) {
	number := 6000
	if text := os.Getenv("DIFYPLUGIN_GIFS"); text != "" {
		var err error
		if number, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	files := make([][]byte, number)
	for seed := range files {
		files[seed] = generate(uint64(seed))
	}
	version, opinions := pillow(t, files)
	var refused, frames, differ int
	for seed, want := range opinions {
		got := opinion(t, files[seed])
		if strings.HasPrefix(want, "!") {
			refused++
		} else {
			frames += strings.Count(want, " ") + 1
		}
		if got == want || strings.HasPrefix(got, "!") && strings.HasPrefix(want, "!") || excused(version, want) {
			continue
		}
		if differ++; differ <= 20 {
			t.Errorf("seed %d:\nPillow: %s\nwe:     %s", seed, want, got)
		}
	}
	t.Logf("Pillow %s: %d files, of which %d are refused, %d pictures in the others; %d files differ", version, number, refused, frames, differ)
}

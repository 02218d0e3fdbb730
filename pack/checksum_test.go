package pack

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
)

func TestChecksumIsThatOfTheHost(t *testing.T) {
	files := fstest.MapFS{
		"manifest.yaml":   {Data: []byte("name: greeter\n")},
		"_assets/i.svg":   {Data: []byte("<svg/>")},
		"a/b":             {Data: []byte("folder a sorts after file a.b")},
		"a.b":             {Data: []byte("bytes decide: . comes before /")},
		"empty":           {},
		"readme/问候.md":    {Data: []byte("any script")},
		"Z/upper case":    {Data: []byte("upper case comes first")},
		"requirements.tx": {Data: []byte{0xff, 0}},
	}
	dir := t.TempDir()
	for name, file := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		write(t, path, file.Data)
	}
	want := pythonChecksum(t, dir)
	got, err := Checksum(files)
	if err != nil {
		t.Fatal(err)
	}
	if got != want {
		t.Errorf("checksum %s, computed by Python %s", got, want)
	}
	const known = "c3d8f47b7b59fdfb"
	if !strings.HasPrefix(got, known) {
		t.Errorf("checksum %s, want %s...", got, known)
	}
}

// pythonChecksum computes the checksum of a folder or a package independently.
func pythonChecksum(t *testing.T, path string) string {
	t.Helper()
	const program = `
import hashlib, os, sys, zipfile
root, files = sys.argv[1], {}
if os.path.isdir(root):
    for folder, _, names in os.walk(root):
        for name in names:
            path = os.path.join(folder, name)
            files[os.path.relpath(path, root).replace(os.sep, "/").encode()] = open(path, "rb").read()
else:
    with zipfile.ZipFile(root) as package:
        for name in package.namelist():
            files[name.encode()] = package.read(name)
sha256 = lambda data: hashlib.sha256(data).digest()
print(sha256(b"".join(sha256(path) + sha256(files[path]) for path in sorted(files))).hex())`
	output, err := exec.Command(pythons(t)[0], "-c", program, path).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(output))
}

func TestChecksumOfAPackageThatCannotBeRead(t *testing.T) {
	dir := t.TempDir()
	if err := os.Symlink("nowhere", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	if _, err := Checksum(os.DirFS(dir)); err == nil || !strings.Contains(err.Error(), "reading link for the checksum") {
		t.Errorf("error %v", err)
	}
}

package pack

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudplugins/difyplugin/manifest"
)

// newPlugin copies the plugin greeter into a module of its own, with the
// program tiny in place of its own program. It returns the plugin's folder.
func newPlugin(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "module")
	if err := os.CopyFS(dir, os.DirFS("testdata/greeter")); err != nil {
		t.Fatal(err)
	}
	main, err := os.ReadFile("testdata/tiny/main.go")
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "main.go"), main)
	write(t, filepath.Join(dir, "go.mod"), []byte("module example.com/greeter\n\ngo 1.26\n"))
	return dir
}

// newSDKPlugin copies the plugin greeter with its own program into a module
// that takes the SDK from here.
func newSDKPlugin(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "module")
	if err := os.CopyFS(dir, os.DirFS("testdata/greeter")); err != nil {
		t.Fatal(err)
	}
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	module, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	const sdk = "github.com/cloudplugins/difyplugin"
	text := strings.Replace(string(module), "module "+sdk, "module example.com/greeter", 1)
	text += fmt.Sprintf("\nrequire %s v0.0.0\n\nreplace %s => %q\n", sdk, sdk, root)
	write(t, filepath.Join(dir, "go.mod"), []byte(text))
	sums, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "go.sum"), sums)
	return dir
}

// replace changes a text in a file of a plugin.
func replace(t *testing.T, dir, file, before, after string) {
	t.Helper()
	path := filepath.Join(dir, filepath.FromSlash(file))
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), before) {
		t.Fatalf("%s does not contain %q", file, before)
	}
	write(t, path, []byte(strings.ReplaceAll(string(text), before, after)))
}

func build(t *testing.T, opts Options) *Result {
	t.Helper()
	if opts.Output == "" {
		opts.Output = filepath.Join(t.TempDir(), "plugin.difypkg")
	}
	result, err := Build(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	if written, err := os.ReadDir(filepath.Dir(result.Path)); err != nil || len(written) != 1 {
		t.Errorf("written: %v (%v)", written, err)
	}
	return result
}

// wantProblems fails the test unless err is exactly the problems that hold the
// words, in any order.
func wantProblems(t *testing.T, err error, words ...string) {
	t.Helper()
	var problems Problems
	if !errors.As(err, &problems) {
		t.Fatalf("error %v, want problems", err)
	}
	if len(problems) != len(words) {
		t.Errorf("%d problems, want %d:\n%s", len(problems), len(words), problems)
	}
	for _, word := range words {
		if !strings.Contains(problems.Error(), word) {
			t.Errorf("no problem mentions %q:\n%s", word, problems)
		}
	}
}

// unzip reads a package.
func unzip(t *testing.T, path string) ([]*zip.File, entries) {
	t.Helper()
	r, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	es := entries{}
	for _, f := range r.File {
		rc, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		if es[f.Name], err = io.ReadAll(rc); err != nil {
			t.Fatal(err)
		}
		_ = rc.Close()
	}
	return r.File, es
}

// unpackPackage unpacks a package as the host does, without modes.
func unpackPackage(t *testing.T, path string) string {
	t.Helper()
	dir := t.TempDir()
	_, es := unzip(t, path)
	for name, content := range es {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		write(t, file, content)
	}
	return dir
}

func TestPackageHoldsWhatThePluginNeedsAndNothingElse(t *testing.T) {
	dir := newPlugin(t)
	for _, name := range []string{
		"main_test.go", ".env", ".gitignore", "notes.txt", "requirements.txt", "provider/unused.yaml", "_assets/.env",
		"_assets/draft.svg", "_assets/deep/icon.png", ".git/config", "_assets/__pycache__/x.pyc", "readme/draft.md",
		"LICENSE", "NOTICE.txt", "readme.go", "testdata/README.md",
	} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		content := "secret or useless"
		if strings.HasSuffix(name, ".go") {
			content = "package main\n"
		}
		write(t, path, []byte(content))
	}
	write(t, filepath.Join(dir, ".gitignore"), []byte("_assets/\n*.yaml\n"))
	write(t, filepath.Join(dir, ".difyignore"), []byte("draft.*\n"))
	var log []string
	result := build(t, Options{Dir: dir, Log: func(line string) { log = append(log, line) }})

	files, es := unzip(t, result.Path)
	var names []string
	for _, f := range files {
		names = append(names, f.Name)
		if f.Modified.Year() != 1980 || f.Mode() != 0 && f.Mode() != 0o666 {
			t.Errorf("%s: time %s, mode %s", f.Name, f.Modified, f.Mode())
		}
	}
	want := []string{
		"LICENSE", "NOTICE.txt", "PRIVACY.md", "README.md", "_assets/deep/icon.png", "_assets/icon.svg", "binaries.lzma", "binaries.txt",
		"main.py", "manifest.yaml", "provider/greeter.yaml", "readme/README_zh_Hans.md", "requirements.txt", "tools/greet.yaml",
	}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("entries, sorted (-want +got):\n%s", diff)
	}
	if len(es["requirements.txt"]) != 0 {
		t.Errorf("requirements.txt holds %q", es["requirements.txt"])
	}
	for _, name := range []string{"manifest.yaml", "provider/greeter.yaml", "README.md", "_assets/icon.svg"} {
		original, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
		if err != nil || !bytes.Equal(original, es[name]) {
			t.Errorf("%s was changed (%v)", name, err)
		}
	}
	if len(log) == 0 {
		t.Error("nothing was logged")
	}

	info := stat(t, result.Path)
	var unpacked int64
	for _, content := range es {
		unpacked += int64(len(content))
	}
	sum := pythonChecksum(t, result.Path)
	wantReport := Report{
		Author: "acme", Name: "greeter", Version: "0.0.1", Checksum: sum, UniqueIdentifier: "acme/greeter:0.0.1@" + sum,
		Packed: info.Size(), Unpacked: unpacked, Programs: result.Programs,
	}
	if diff := cmp.Diff(wantReport, result.Report); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
	if len(result.Programs) != 2 || result.Programs[0].Arch != "amd64" || result.Programs[1].Arch != "arm64" {
		t.Errorf("programs %v", result.Programs)
	}
	if checked, err := Check(t.Context(), result.Path); err != nil || cmp.Diff(result.Report, *checked) != "" {
		t.Errorf("the package's own check: %v %v", checked, err)
	}
}

// What Python unpacks from the archive are the programs of the list, one after
// the other.
func TestPythonUnpacksTheArchive(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, archiveName), shared.archive)
	const program = `
import hashlib, lzma, sys
data, at = lzma.open(sys.argv[1]).read(), 0
for size in map(int, sys.argv[2:]):
    print(hashlib.sha256(data[at:at + size]).hexdigest())
    at += size
assert at == len(data)`
	args := []string{"-c", program, filepath.Join(dir, archiveName)}
	var want string
	for _, p := range shared.programs {
		args = append(args, fmt.Sprint(p.Size))
		want += p.SHA256 + "\n"
	}
	for _, python := range pythons(t) {
		if got, err := exec.Command(python, args...).Output(); err != nil || string(got) != want {
			t.Errorf("%s: %v: %s, want %s", python, err, got, want)
		}
	}
}

func TestSameSourcesGiveTheSameBytes(t *testing.T) {
	first := newPlugin(t)
	second := filepath.Join(t.TempDir(), "elsewhere", "and", "deeper")
	if err := os.CopyFS(second, os.DirFS(first)); err != nil {
		t.Fatal(err)
	}
	commit(t, second)
	identity := &Identity{"acme", "greeter2", "greeter2"} // through the overlay as well
	t.Setenv("CGO_ENABLED", "0")
	one := build(t, Options{Dir: first, Identity: identity, Arches: []string{runtime.GOARCH}})
	t.Setenv("GOFLAGS", "-ldflags=-X=main.x=y")
	t.Setenv("GOAMD64", "v3")
	t.Setenv("CGO_ENABLED", "1")
	two := build(t, Options{Dir: second, Identity: identity, Arches: []string{runtime.GOARCH}})
	if got, want := fileSHA256(t, two.Path), fileSHA256(t, one.Path); got != want {
		t.Errorf("the packages differ: %s, %s", got, want)
	}
	if data, err := os.ReadFile(one.Path); err != nil || bytes.Contains(data, []byte(first)) {
		t.Errorf("the package holds the path of the folder it was built in (%v)", err)
	}
}

// commit makes the folder a Git repository with one commit, whose number Go
// would note in the program. Without Git there is nothing to note.
func commit(t *testing.T, dir string) {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		return
	}
	for _, args := range [][]string{{"init", "-q"}, {"-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "-q", "--allow-empty", "-m", "x"}} {
		if output, err := exec.Command("git", append([]string{"-C", dir}, args...)...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, output)
		}
	}
}

func fileSHA256(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

func TestAnotherIdentityStandsEverywhere(t *testing.T) {
	dir := newPlugin(t)
	before := fileTree(t, dir)
	id, err := ParseIdentity("langgenius/hello/hello_provider")
	if err != nil {
		t.Fatal(err)
	}
	result := build(t, Options{
		Dir: dir, Identity: &id, DropCredentials: true, Defaults: []Default{{"greet", "name", "world"}}, Arches: []string{runtime.GOARCH},
	})
	if diff := cmp.Diff(before, fileTree(t, dir)); diff != "" {
		t.Errorf("the sources were changed (-before +after):\n%s", diff)
	}
	if result.Author != "langgenius" || result.Name != "hello" || !strings.HasPrefix(result.UniqueIdentifier, "langgenius/hello:0.0.1@") {
		t.Errorf("report %+v", result.Report)
	}

	unpacked := unpackPackage(t, result.Path)
	want := map[string]string{}
	for file, edits := range map[string][]string{
		"manifest.yaml": {"author: acme #", "author: langgenius #", "\nname: greeter\n", "\nname: hello\n"},
		"provider/greeter.yaml": {
			"author: 'acme'", "author: langgenius", `name: "greeter"`, "name: hello_provider", "{author: acme, name: wave", "{author: langgenius, name: wave",
			credentials, "",
		},
		"tools/greet.yaml": {"author: acme\n", "author: langgenius\n", "- name: name\n", "- name: name\n    default: world\n"},
	} {
		want[file] = strings.NewReplacer(edits...).Replace(before[file])
		if got := fileTree(t, unpacked)[file]; got != want[file] {
			t.Errorf("%s (-want +got):\n%s", file, cmp.Diff(want[file], got))
		}
	}

	// The program tiny prints what is embedded in it.
	cmd := exec.Command(pythons(t)[0], "-m", "main")
	cmd.Dir = unpacked
	output, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	if diff := cmp.Diff(want["manifest.yaml"]+want["provider/greeter.yaml"]+want["tools/greet.yaml"], string(output)); diff != "" {
		t.Errorf("inside the program (-want +got):\n%s", diff)
	}

	notices := strings.Join(result.Notices, "\n")
	for _, word := range []string{"FORCE_VERIFYING_SIGNATURE=false", "ENFORCE_LANGGENIUS_PLUGIN_SIGNATURES=false", "no program for it"} {
		if !strings.Contains(notices, word) {
			t.Errorf("no notice mentions %s: %q", word, notices)
		}
	}
}

func TestADefaultIsForAParameterThatIsThere(t *testing.T) {
	for _, wrong := range []Default{{"greet", "nam", "world"}, {"greets", "name", "world"}} {
		_, err := Build(t.Context(), Options{Dir: newPlugin(t), Defaults: []Default{wrong}, Output: filepath.Join(t.TempDir(), "p.difypkg")})
		if err == nil || !strings.Contains(err.Error(), "parameter "+wrong.Parameter+" of the tool "+wrong.Tool) {
			t.Errorf("%+v: %v", wrong, err)
		}
	}
}

// credentials is what the provider of greeter declares.
const credentials = `credentials_for_provider:
  token:
    type: secret-input
    label: {en_US: Token}
    # In no format that anyone checks.
    required: true
`

func fileTree(t *testing.T, dir string) map[string]string {
	t.Helper()
	tree := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		tree[filepath.ToSlash(name)] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

func TestParseIdentityWantsThreeParts(t *testing.T) {
	for _, s := range []string{"", "a", "a/b", "a/b/", "/b/c", "a//c", "a/b/c/d"} {
		if id, err := ParseIdentity(s); err == nil {
			t.Errorf("%q became %v", s, id)
		}
	}
	if id, err := ParseIdentity("a/b/c"); err != nil || id.String() != "a/b/c" {
		t.Errorf("%v %v", id, err)
	}
}

func TestBuildRefuses(t *testing.T) {
	tests := map[string]struct {
		change func(t *testing.T, dir string)
		opts   Options
		want   []string
	}{
		"every fault of the declarations at once": {func(t *testing.T, dir string) {
			replace(t, dir, "manifest.yaml", "name: greeter", "name: Greeter")
			replace(t, dir, "manifest.yaml", "acme", "0f8fad5b-d9cb-469f-a165-70867728950e")
			replace(t, dir, "manifest.yaml", "language: python", "language: go")
			replace(t, dir, "provider/greeter.yaml", "icon: icon.svg", "icon: missing.svg")
			if err := os.Symlink("icon.svg", filepath.Join(dir, "_assets", "link.svg")); err != nil {
				t.Fatal(err)
			}
		}, Options{}, []string{"name: must be", "UUID", "language", "missing.svg", "_assets/link.svg: is not a regular file"}},
		"another entrypoint": {func(t *testing.T, dir string) {
			replace(t, dir, "manifest.yaml", "entrypoint: main", "entrypoint: start")
		}, Options{}, []string{"meta.runner.entrypoint: must be main"}},
		"a folder without a plugin": {func(t *testing.T, dir string) { remove(t, filepath.Join(dir, "manifest.yaml")) }, Options{}, []string{"manifest.yaml"}},
		"a declared file that is ignored": {func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, ".difyignore"), []byte("tools/\nicon.svg\n"))
		}, Options{}, []string{"tools/greet.yaml: is declared, and .difyignore keeps it out", "_assets/icon.svg: is declared"}},
		"an identity that the host refuses": {func(*testing.T, string) {}, Options{Identity: &Identity{"Acme", "my plugin", "a b"}}, []string{
			"author: must be", "name: must be", "identity.name: must consist",
		}},
		"a provider that cannot be renamed": {func(t *testing.T, dir string) {
			replace(t, dir, "provider/greeter.yaml", `name: "greeter"`, "name: !!str greeter")
		}, Options{Identity: &Identity{"a", "b", "c"}}, []string{"provider/greeter.yaml:4: replacing [identity name]"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			dir := newPlugin(t)
			test.change(t, dir)
			opts := test.opts
			opts.Dir, opts.Output = dir, filepath.Join(t.TempDir(), "x.difypkg")
			_, err := Build(t.Context(), opts)
			wantProblems(t, err, test.want...)
			if _, err := os.Stat(opts.Output); err == nil {
				t.Error("a package was written")
			}
		})
	}
}

func TestBuildSaysWhyItFailed(t *testing.T) {
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	tests := map[string]struct {
		ctx    context.Context
		change func(t *testing.T, dir string) Options
		want   string
	}{
		"a program that does not compile": {t.Context(), func(t *testing.T, dir string) Options {
			write(t, filepath.Join(dir, "broken.go"), []byte("package main\n\nvar x int = \"\"\n"))
			return Options{}
		}, "broken.go:3"},
		"a processor that the host does not know": {t.Context(), func(*testing.T, string) Options { return Options{Arches: []string{"riscv64"}} }, "riscv64"},
		"a folder that is not there":              {t.Context(), func(*testing.T, string) Options { return Options{Dir: "testdata/nowhere"} }, "nowhere"},
		"a flag that go build does not know":      {t.Context(), func(*testing.T, string) Options { return Options{GoFlags: []string{"-nonsense"}} }, "-nonsense"},
		"a caller that gave up":                   {cancelled, func(*testing.T, string) Options { return Options{} }, "context canceled"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			dir := newPlugin(t)
			opts := test.change(t, dir)
			if opts.Dir == "" {
				opts.Dir = dir
			}
			opts.Output = filepath.Join(t.TempDir(), "x.difypkg")
			_, err := Build(test.ctx, opts)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one about %s", err, test.want)
			}
			if left, _ := os.ReadDir(filepath.Dir(opts.Output)); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

func TestBuildWritesNothingThatTheHostRefuses(t *testing.T) {
	dir := newPlugin(t)
	write(t, filepath.Join(dir, "_assets", "zeros"), make([]byte, maxUnpacked))
	output := filepath.Join(t.TempDir(), "x.difypkg")
	_, err := Build(t.Context(), Options{Dir: dir, Output: output, Arches: []string{runtime.GOARCH}})
	wantProblems(t, err, "the host takes 52428800")
	if _, err := os.Stat(output); err == nil {
		t.Error("a package was written")
	}
}

func TestProgramsStandInAFixedOrder(t *testing.T) {
	m := &manifest.Manifest{Meta: manifest.Meta{Arch: []string{"arm64", "amd64"}}}
	for _, opts := range []Options{{}, {Arches: []string{"arm64", "amd64", "arm64"}}} {
		if got, err := opts.arches(m); err != nil || !slices.Equal(got, []string{"amd64", "arm64"}) {
			t.Errorf("%v: %v %v", opts.Arches, got, err)
		}
	}
}

// patient is a context that ends after it was asked a number of times.
type patient struct {
	context.Context
	left atomic.Int32
}

func (p *patient) Err() error {
	if p.left.Add(-1) < 0 {
		return context.Canceled
	}
	return nil
}

func TestCompressionStopsWhenTheCallerGivesUp(t *testing.T) {
	for questions := range int32(3) { // before the first write, between the writes, after the last
		ctx := &patient{Context: t.Context()}
		ctx.left.Store(questions)
		if _, err := compress(ctx, []byte("short")); !errors.Is(err, context.Canceled) {
			t.Errorf("the caller gave up at question %d: error %v", questions+1, err)
		}
	}
	ctx := &patient{Context: t.Context()}
	ctx.left.Store(3)
	if _, err := compress(ctx, []byte("short")); err != nil {
		t.Errorf("the caller did not give up: %v", err)
	}
}

func TestDictionaryHoldsEveryArchive(t *testing.T) {
	for size, want := range map[int]int{1: 7, 32 << 20: 7, 32<<20 + 1: 8, maxUnpacked: 8} {
		if got := compressionLevel(size); got != want {
			t.Errorf("%d bytes: level %d, want %d", size, got, want)
		}
	}
}

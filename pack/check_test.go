package pack

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// greeterEntries is a package of the plugin greeter, with programs that are no
// programs left out.
func greeterEntries(t *testing.T) entries {
	t.Helper()
	es, _, err := gather(os.DirFS("testdata/greeter"))
	if err != nil {
		t.Fatal(err)
	}
	es[launcherName], es[requirementsName] = launcher, nil
	return es
}

func (es entries) bytes(t *testing.T) []byte {
	t.Helper()
	data, err := es.zipped(zip.Store)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestCheckAcceptsAPackageOfAPythonPlugin(t *testing.T) {
	report, err := inspect(greeterEntries(t).bytes(t))
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Programs) != 0 || report.Name != "greeter" {
		t.Errorf("%+v", report)
	}
}

func TestCheckRefusesPackages(t *testing.T) {
	list := formatList(shared.programs)
	programs, archive := shared.programs, shared.archive
	liar := slices.Clone(archive)
	binary.LittleEndian.PutUint32(liar[1:], 1<<31)
	tests := map[string]struct {
		change func(es entries)
		want   []string
	}{
		"everything at once": {func(es entries) {
			delete(es, requirementsName)
			delete(es, launcherName)
			es[".env"], es["a/.git/config"] = nil, nil
		}, []string{"requirements.txt: is missing", "the package has no main.py", ".env: is secret", "a/.git/config: is secret"}},
		"no manifest":             {func(es entries) { delete(es, "manifest.yaml") }, []string{"manifest.yaml"}},
		"a missing tool":          {func(es entries) { delete(es, "tools/greet.yaml") }, []string{"tools/greet.yaml"}},
		"a missing icon":          {func(es entries) { delete(es, "_assets/icon.svg") }, []string{"manifest.yaml:7: icon", "provider/greeter.yaml:7: identity.icon"}},
		"a folder as an entry":    {func(es entries) { es["a/"] = nil }, []string{"a/: is an entry for a folder"}},
		"a way out of the folder": {func(es entries) { es["../a"] = nil }, []string{"../a: is not a plain path"}},
		"an absolute path":        {func(es entries) { es["/a"] = nil }, []string{"/a: is not a plain path"}},
		"a path of Windows":       {func(es entries) { es[`a\b`] = nil }, []string{`a\b: has \`}},
		"an archive without list": {func(es entries) { es[archiveName] = archive }, []string{"list of programs"}},
		"a list without archive":  {func(es entries) { es[listName] = list }, []string{"archive of programs"}},
		"a list of nonsense":      {func(es entries) { es[archiveName], es[listName] = archive, []byte("amd64 many\n") }, []string{"is not a processor, a size"}},
		"a size of nothing":       {func(es entries) { es[archiveName], es[listName] = archive, []byte("amd64 -1 00\n") }, []string{`"-1" is not the size`}},
		"a program that is none":  {func(es entries) { es[archiveName], es[listName] = archive, list }, []string{"is not a Linux program"}},
		"sizes that do not fit":   {func(es entries) { es[archiveName], es[listName] = archive, formatList(programs[:1]) }, []string{"binaries.txt lists 32"}},
		"a short archive":         {func(es entries) { es[archiveName], es[listName] = archive[:12], list }, []string{"is cut off"}},
		"a dictionary of gigabytes": {func(es entries) { es[archiveName], es[listName] = liar, list }, []string{
			"a dictionary of 2147483648 bytes",
		}},
		"an archive that is damaged": {func(es entries) {
			damaged := slices.Clone(archive)
			damaged[20] ^= 0xff
			es[archiveName], es[listName] = damaged, list
		}, []string{"the program for " + foreignArch()}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			es := maps.Clone(greeterEntries(t))
			test.change(es)
			_, err := inspect(es.bytes(t))
			wantProblems(t, err, test.want...)
		})
	}
}

func TestCheckRefusesBinariesThatLinuxWouldNotRun(t *testing.T) {
	if err := verifyMachine(shared.payload, foreignArch()); err == nil || !strings.Contains(err.Error(), "is for EM_") {
		t.Errorf("another processor: %v", err)
	}
	if err := verifyMachine(shared.payload, "riscv64"); err == nil {
		t.Error("a processor without hosts was accepted")
	}
	if shell, err := os.ReadFile("/bin/sh"); err == nil {
		if err := verifyMachine(shell, shared.programs[1].Arch); err == nil || !strings.Contains(err.Error(), "needs a C library") {
			t.Errorf("/bin/sh: %v", err)
		}
	}
	if err := verifyMachine(shared.payload, shared.programs[1].Arch); err != nil {
		t.Errorf("the payload: %v", err)
	}
}

func TestCheckRefusesOddArchives(t *testing.T) {
	withFile := func(header *zip.FileHeader) []byte {
		var b bytes.Buffer
		w := zip.NewWriter(&b)
		for name, content := range greeterEntries(t) {
			if err := addEntry(w, &zip.FileHeader{Name: name}, content); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := w.CreateHeader(header); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	link := &zip.FileHeader{Name: "link"}
	link.SetMode(fs.ModeSymlink | 0o777)
	_, err := inspect(withFile(link))
	wantProblems(t, err, "link: is a symbolic link")
	_, err = inspect(withFile(&zip.FileHeader{Name: "README.md"}))
	wantProblems(t, err, "README.md: is there twice")
	_, err = inspect(withFile(&zip.FileHeader{Name: "secret", Flags: 1}))
	wantProblems(t, err, "secret: is encrypted")
	_, err = inspect([]byte("not a package"))
	wantProblems(t, err, "is not a zip archive")
}

func TestCheckRefusesAPackageThatIsTooLarge(t *testing.T) {
	es := greeterEntries(t)
	es["_assets/zeros"] = make([]byte, maxUnpacked)
	_, err := inspect(es.bytes(t)) // stored, not compressed
	wantProblems(t, err, "Dify takes 15728640", "the host takes 52428800")
}

func TestCheckReadsFoldersAndFiles(t *testing.T) {
	dir := t.TempDir()
	for name, content := range greeterEntries(t) {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		write(t, path, content)
	}
	report, err := Check(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if want := pythonChecksum(t, dir); report.Checksum != want || report.Packed != 0 || report.Unpacked == 0 {
		t.Errorf("%+v, want the checksum %s", report, want)
	}

	remove(t, filepath.Join(dir, "_assets", "icon.svg"))
	if err := os.Symlink("manifest.yaml", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	_, err = Check(t.Context(), dir)
	wantProblems(t, err, "link: is not a regular file", "manifest.yaml:7: icon", "provider/greeter.yaml:7")

	large := filepath.Join(t.TempDir(), "large")
	write(t, large, nil)
	if err := os.Truncate(large, maxPacked+1); err != nil {
		t.Fatal(err)
	}
	_, err = Check(t.Context(), large)
	wantProblems(t, err, "the package has 15728641 bytes")

	if _, err := Check(t.Context(), "testdata/nowhere"); err == nil || !strings.Contains(err.Error(), "nowhere") {
		t.Errorf("error %v", err)
	}
}

func TestCheckComparesDeclarationsAndProgram(t *testing.T) {
	dir := newSDKPlugin(t)
	report, err := Check(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if report.Author != "acme" || report.Name != "greeter" || report.Version != "0.0.1" {
		t.Errorf("%+v", report)
	}
	replace(t, dir, "main.go", `plugin.Tool("wave", wave)`, `plugin.Tool("weave", wave)`)
	replace(t, dir, "main.go", `param:"name"`, `param:"nom"`)
	_, err = Check(t.Context(), dir)
	wantProblems(t, err, `tool "wave" has no function`, `tool "weave" is not declared`, `takes a parameter "nom"`, `parameter "name" has no field`)

	_, err = Build(t.Context(), Options{Dir: dir, Output: filepath.Join(t.TempDir(), "x")})
	wantProblems(t, err, `tool "wave" has no function`, `tool "weave" is not declared`, `takes a parameter "nom"`, `parameter "name" has no field`)
}

func TestAProgramThatKnowsNoCheckIsRefused(t *testing.T) {
	dir := newPlugin(t)
	write(t, filepath.Join(dir, "main.go"), []byte("package main\n\nimport \"os\"\n\nfunc main() { os.Exit(3) }\n"))
	_, err := Check(t.Context(), dir)
	wantProblems(t, err, "exit status 3; let main call plugin.Main")
}

package manifest

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "rewrite the golden JSON files and the expected faults in testdata")

// TestCases reads every testdata/*.txtar: the files of a plugin, and in the
// file "faults" what Load must say about it, one fault per line. A comment with
// the line "base: tool.txtar" starts from the files of that case and replaces
// or adds those given. Run with -update to have the faults written, and read
// them before you commit them.
func TestCases(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(paths) < 5 {
		t.Fatalf("found %d cases in testdata: %v", len(paths), err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			archive := parseArchive(t, path)
			_, err := Load(plugin(t, archive))
			got := lines(err)
			if *update {
				writeFaults(t, path, archive, got)
				return
			}
			if diff := cmp.Diff(expected(archive), got); diff != "" {
				t.Errorf("faults (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTheJSONIsWhatTheHostTakes(t *testing.T) {
	tool := loaded(t, "tool.txtar")
	datasource := loaded(t, "datasource.txtar")
	for _, c := range []struct {
		golden string
		value  any
	}{
		{"tool.manifest.json", tool},
		{"tool.provider.json", tool.Tools},
		{"tool.endpoints.json", tool.Endpoints},
		{"datasource.manifest.json", datasource},
		{"datasource.provider.json", datasource.Datasources},
	} {
		t.Run(c.golden, func(t *testing.T) {
			var got bytes.Buffer
			encoder := json.NewEncoder(&got)
			encoder.SetEscapeHTML(false)
			encoder.SetIndent("", "  ")
			if err := encoder.Encode(c.value); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join("testdata", c.golden)
			if *update {
				if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got.String()); diff != "" {
				t.Errorf("%s (-want +got):\n%s", path, diff)
			}
		})
	}
}

func TestListsAreNeverNullInJSON(t *testing.T) {
	for _, value := range []any{
		Plugin{},
		ToolProvider{OAuth: &OAuth{}, Credentials: List[Credential]{{}}, Tools: List[*Tool]{{Parameters: List[Parameter]{{}}}}},
		DatasourceProvider{Datasources: List[*Datasource]{{Parameters: List[DatasourceParameter]{{}}}}},
		DatasourceProvider{},
		Datasource{},
		EndpointGroup{},
		Tool{},
	} {
		got, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(got, []byte("null")) {
			t.Errorf("%T encodes to null: %s", value, got)
		}
	}
}

func TestCredentialsAreAlwaysAListWithNames(t *testing.T) {
	fsys := files(t, "tool.txtar")
	edit(t, fsys, "provider/weather.yaml", between(t, fsys, "provider/weather.yaml", "credentials_for_provider:", "oauth_schema:"), "")
	p, err := Load(fsys)
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(p.Tools)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(got, []byte(`"credentials_schema":[],"oauth_schema"`)) {
		t.Errorf("a provider without credentials encodes to %s", got)
	}

	var names []string
	for _, c := range loaded(t, "tool.txtar").Tools.Credentials {
		names = append(names, c.Name)
	}
	if diff := cmp.Diff([]string{"api_key", "region", "verbose", "judge"}, names); diff != "" {
		t.Errorf("names of credentials given as a mapping (-want +got):\n%s", diff)
	}
}

func TestAToolProviderInheritsDescriptionAndTags(t *testing.T) {
	const file = "provider/weather.yaml"
	fsys := files(t, "tool.txtar")
	edit(t, fsys, file, "  description:\n    en_US: Looks out of the window\n", "")
	edit(t, fsys, file, "  tags:\n    - weather\n", "")
	p, err := Load(fsys)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(p.Description, p.Tools.Identity.Description); diff != "" {
		t.Errorf("description (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(List[string]{"weather", "utilities"}, p.Tools.Identity.Tags); diff != "" {
		t.Errorf("tags (-want +got):\n%s", diff)
	}
}

func TestAByteOrderMarkIsAccepted(t *testing.T) {
	fsys := files(t, "tool.txtar")
	for name, f := range fsys {
		if strings.HasSuffix(name, ".yaml") {
			f.Data = append([]byte("\xef\xbb\xbf"), f.Data...)
		}
	}
	if _, err := Load(fsys); err != nil {
		t.Error(err)
	}
}

func TestCarriageReturnsDoNotShiftLines(t *testing.T) {
	fsys := files(t, "tool.txtar")
	edit(t, fsys, "manifest.yaml", "language: python", "language: go")
	f := fsys["manifest.yaml"]
	f.Data = bytes.ReplaceAll(f.Data, []byte("\n"), []byte("\r\n"))
	_, err := Load(fsys)
	want := lineOf(t, fsys, "manifest.yaml", "language: go")
	if faults := faultsOf(t, err); len(faults) != 1 || faults[0].Line != want {
		t.Errorf("got %v, want one fault on line %d", err, want)
	}
}

func parseArchive(t testing.TB, path string) *txtar.Archive {
	t.Helper()
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return archive
}

// plugin returns the files of a case, completed with those of its base.
func plugin(t testing.TB, archive *txtar.Archive) fstest.MapFS {
	t.Helper()
	fsys := fstest.MapFS{}
	for line := range strings.Lines(string(archive.Comment)) {
		if base, ok := strings.CutPrefix(line, "base: "); ok {
			fsys = plugin(t, parseArchive(t, filepath.Join("testdata", strings.TrimSpace(base))))
		}
	}
	for _, f := range archive.Files {
		if f.Name != "faults" {
			fsys[f.Name] = &fstest.MapFile{Data: bytes.Clone(f.Data)}
		}
	}
	return fsys
}

func expected(archive *txtar.Archive) []string {
	for _, f := range archive.Files {
		if f.Name == "faults" && len(f.Data) > 0 {
			return strings.Split(strings.TrimSuffix(string(f.Data), "\n"), "\n")
		}
	}
	return nil
}

func writeFaults(t *testing.T, path string, archive *txtar.Archive, faults []string) {
	t.Helper()
	for i, f := range archive.Files {
		if f.Name == "faults" {
			archive.Files[i].Data = []byte(strings.Join(faults, "\n"))
		}
	}
	if err := os.WriteFile(path, txtar.Format(archive), 0o644); err != nil {
		t.Fatal(err)
	}
}

func lines(err error) []string {
	if err == nil {
		return nil
	}
	return strings.Split(err.Error(), "\n")
}

func faultsOf(t *testing.T, err error) Faults {
	t.Helper()
	var faults Faults
	if err != nil && !errors.As(err, &faults) {
		t.Fatalf("got a %T, want Faults: %v", err, err)
	}
	return faults
}

// files returns the files of a case in testdata.
func files(t testing.TB, name string) fstest.MapFS {
	t.Helper()
	return plugin(t, parseArchive(t, filepath.Join("testdata", name)))
}

func loaded(t testing.TB, name string) *Plugin {
	t.Helper()
	p, err := Load(files(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// edit replaces the first occurrence of old, which must be there.
func edit(t *testing.T, fsys fstest.MapFS, file, old, replacement string) {
	t.Helper()
	f, ok := fsys[file]
	if !ok || !bytes.Contains(f.Data, []byte(old)) {
		t.Fatalf("%s does not hold %q", file, old)
	}
	fsys[file] = &fstest.MapFile{Data: bytes.Replace(f.Data, []byte(old), []byte(replacement), 1)}
}

func between(t *testing.T, fsys fstest.MapFS, file, from, to string) string {
	t.Helper()
	data := string(fsys[file].Data)
	start, end := strings.Index(data, from), strings.Index(data, to)
	if start < 0 || end < start {
		t.Fatalf("%s does not hold %q and then %q", file, from, to)
	}
	return data[start:end]
}

func lineOf(t *testing.T, fsys fstest.MapFS, file, part string) int {
	t.Helper()
	data := string(fsys[file].Data)
	at := strings.Index(data, part)
	if at < 0 {
		t.Fatalf("%s does not hold %q", file, part)
	}
	return 1 + strings.Count(data[:at], "\n")
}

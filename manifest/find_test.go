package manifest

import (
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// recorder notes which files are opened.
type recorder struct {
	fs.FS
	opened []string
}

func (r *recorder) Open(name string) (fs.File, error) {
	r.opened = append(r.opened, name)
	return r.FS.Open(name)
}

func TestFindToolOpensTheFileOfThatNameFirst(t *testing.T) {
	fsys := files(t, "tool.txtar")
	alarm := fsys["tools/alarm.yaml"]
	fsys["tools/storm_alarm.yaml"] = alarm
	edit(t, fsys, "provider/weather.yaml", "tools/alarm.yaml", "tools/storm_alarm.yaml")
	r := &recorder{FS: fsys}
	got, err := FindTool(r, "storm_alarm")
	if err != nil {
		t.Fatal(err)
	}
	if got.Identity.Name != "storm_alarm" || got.File != "tools/storm_alarm.yaml" {
		t.Errorf("found %s in %s", got.Identity.Name, got.File)
	}
	want := []string{"manifest.yaml", "provider/weather.yaml", "tools/storm_alarm.yaml"}
	if diff := cmp.Diff(want, r.opened); diff != "" {
		t.Errorf("opened files (-want +got):\n%s", diff)
	}
}

func TestFindToolGoesByTheNameInsideTheFile(t *testing.T) {
	t.Run("when the file has another name", func(t *testing.T) {
		got, err := FindTool(files(t, "tool.txtar"), "storm_alarm")
		if err != nil || got.File != "tools/alarm.yaml" {
			t.Errorf("found %v, %v", got, err)
		}
	})
	t.Run("when a file of that name holds another tool", func(t *testing.T) {
		fsys := files(t, "tool.txtar")
		edit(t, fsys, "tools/forecast.yaml", "name: forecast", "name: alarm")
		got, err := FindTool(fsys, "alarm")
		if err != nil || got.File != "tools/forecast.yaml" {
			t.Errorf("found %v, %v", got, err)
		}
	})
	t.Run("when the tool stands in the provider's file", func(t *testing.T) {
		fsys := files(t, "tool.txtar")
		edit(t, fsys, "provider/weather.yaml", "  - tools/alarm.yaml\n",
			"  - {identity: {author: a, name: storm_alarm, label: {en_US: S}}, description: {human: {en_US: S}, llm: S}}\n")
		got, err := FindTool(fsys, "storm_alarm")
		if err != nil || got.File != "provider/weather.yaml" {
			t.Errorf("found %v, %v", got, err)
		}
	})
	t.Run("when another tool's file is broken", func(t *testing.T) {
		fsys := files(t, "tool.txtar")
		fsys["tools/forecast.yaml"] = &fstest.MapFile{Data: []byte("identity: [")}
		got, err := FindTool(fsys, "storm_alarm")
		if err != nil || got.File != "tools/alarm.yaml" {
			t.Errorf("found %v, %v", got, err)
		}
	})
}

func TestFindToolSaysWhatItLookedFor(t *testing.T) {
	for _, c := range []struct {
		name string
		edit func(fstest.MapFS)
		base string
		want []string
	}{
		{"no such tool", func(fstest.MapFS) {}, "tool.txtar", []string{`the tool "tide"`, "provider/weather.yaml"}},
		{"a broken file could hold the tool", func(f fstest.MapFS) {
			f["tools/alarm.yaml"] = &fstest.MapFile{Data: []byte("identity: [")}
		}, "tool.txtar", []string{`the tool "tide"`, "tools/alarm.yaml:1: is not valid YAML"}},
		{"a plugin without tools", func(fstest.MapFS) {}, "datasource.txtar", []string{`the tool "tide"`, "plugins.tools"}},
		{"a plugin without manifest", func(f fstest.MapFS) { delete(f, Root) }, "tool.txtar", []string{`the tool "tide"`, `"manifest.yaml" does not exist`}},
		{"a plugin without provider", func(f fstest.MapFS) { delete(f, "provider/weather.yaml") }, "tool.txtar", []string{`the tool "tide"`, `"provider/weather.yaml" does not exist`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			fsys := files(t, c.base)
			c.edit(fsys)
			_, err := FindTool(fsys, "tide")
			if err == nil {
				t.Fatal("found a tool")
			}
			for _, part := range c.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("the error %q does not say %q", err, part)
				}
			}
		})
	}
}

func TestProviderName(t *testing.T) {
	for base, want := range map[string]string{"tool.txtar": "weather", "datasource.txtar": "shelf"} {
		got, err := ProviderName(files(t, base))
		if err != nil || got != want {
			t.Errorf("%s: got %q, %v", base, got, err)
		}
	}
	fsys := files(t, "tool.txtar")
	edit(t, fsys, Root, "  tools:\n    - provider/weather.yaml\n", "")
	if _, err := ProviderName(fsys); err == nil || !strings.Contains(err.Error(), "neither tools nor datasources") {
		t.Errorf("a plugin with endpoints alone: %v", err)
	}
	delete(fsys, Root)
	if _, err := ProviderName(fsys); err == nil {
		t.Error("a plugin without manifest has a provider")
	}
}

func TestReadingOneFileOpensNoOther(t *testing.T) {
	tool, datasource := files(t, "tool.txtar"), files(t, "datasource.txtar")
	for _, c := range []struct {
		file string
		fsys fs.FS
		read func(fs.FS, string) (any, error)
	}{
		{Root, tool, func(f fs.FS, _ string) (any, error) { return ReadManifest(f) }},
		{"provider/weather.yaml", tool, func(f fs.FS, n string) (any, error) { return ReadToolProvider(f, n) }},
		{"tools/forecast.yaml", tool, func(f fs.FS, n string) (any, error) { return ReadTool(f, n) }},
		{"provider/shelf.yaml", datasource, func(f fs.FS, n string) (any, error) { return ReadDatasourceProvider(f, n) }},
		{"datasources/shelf.yaml", datasource, func(f fs.FS, n string) (any, error) { return ReadDatasource(f, n) }},
	} {
		t.Run(c.file, func(t *testing.T) {
			r := &recorder{FS: c.fsys}
			if _, err := c.read(r, c.file); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{c.file}, r.opened); diff != "" {
				t.Errorf("opened files (-want +got):\n%s", diff)
			}
			if got, err := c.read(fstest.MapFS{}, c.file); len(faultsOf(t, err)) != 1 {
				t.Errorf("a missing file gives %v, %v", got, err)
			}
			broken := fstest.MapFS{c.file: &fstest.MapFile{Data: []byte("unknown: 1\n")}}
			if _, err := c.read(broken, c.file); len(faultsOf(t, err)) < 2 {
				t.Errorf("a file without any known key gives %v", err)
			}
		})
	}
}

func TestReadingOneFileYieldsWhatTheWholeCheckYields(t *testing.T) {
	fsys := files(t, "tool.txtar")
	whole, err := Load(fsys)
	if err != nil {
		t.Fatal(err)
	}
	provider, err := ReadToolProvider(fsys, whole.Tools.File)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"tools/forecast.yaml", "tools/alarm.yaml"}, provider.ToolFiles); diff != "" {
		t.Errorf("files of tools (-want +got):\n%s", diff)
	}
	for i, file := range provider.ToolFiles {
		got, err := ReadTool(fsys, file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(whole.Tools.Tools[i], got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", file, diff)
		}
	}
	provider.Tools = whole.Tools.Tools
	if diff := cmp.Diff(whole.Tools, provider); diff != "" {
		t.Errorf("provider (-want +got):\n%s", diff)
	}
}

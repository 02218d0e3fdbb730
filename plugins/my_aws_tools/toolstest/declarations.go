package toolstest

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
)

const providerFile = "provider/my_aws_tools.yaml"

// declarationsHere are the declarations of the plugin, with the tools of the current folder only.
func declarationsHere(t testing.TB) fs.FS {
	t.Helper()
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	root, folder := filepath.Dir(here), filepath.Base(here)
	declared := fstest.MapFS{}
	for _, pattern := range []string{"manifest.yaml", "PRIVACY.md", "_assets/*", providerFile, folder + "/*.yaml"} {
		copyFiles(t, declared, root, pattern)
	}
	var list strings.Builder
	for name := range declared {
		if strings.HasPrefix(name, folder+"/") {
			list.WriteString("  - " + name + "\n")
		}
	}
	provider := declared[providerFile]
	if provider == nil || list.Len() == 0 {
		t.Fatalf("%s is not a folder of tools: call Run from a test beside their YAML", here)
	}
	before, _, _ := strings.Cut(string(provider.Data), "\ntools:")
	provider.Data = []byte(before + "\ntools:\n" + list.String())
	return declared
}

func copyFiles(t testing.TB, into fstest.MapFS, root, pattern string) {
	t.Helper()
	found, err := fs.Glob(os.DirFS(root), pattern)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range found {
		content, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		into[name] = &fstest.MapFile{Data: content}
	}
}

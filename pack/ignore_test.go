package pack

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestIgnoreRulesMeanWhatGitMeans(t *testing.T) {
	tests := []struct {
		name  string
		rules string
		path  string
		want  bool
	}{
		{"no rules ignore nothing", "", "README.md", false},
		{"a name matches at the root", "README.md\n", "README.md", true},
		{"a name matches in every folder", "icon.svg\n", "_assets/icon.svg", true},
		{"a name matches whole names only", "icon\n", "_assets/icon.svg", false},
		{"a folder takes its files along", "_assets\n", "_assets/a/b.svg", true},
		{"a slash at the end wants a folder", "_assets/\n", "_assets/icon.svg", true},
		{"a slash at the end does not match a file", "LICENSE/\n", "LICENSE", false},
		{"a slash at the start means the root", "/icon.svg\n", "_assets/icon.svg", false},
		{"a slash inside means the root as well", "a/icon.svg\n", "_assets/a/icon.svg", false},
		{"a slash inside matches from the root", "_assets/icon.svg\n", "_assets/icon.svg", true},
		{"a star stays within a name", "_assets/*.svg\n", "_assets/a/icon.svg", false},
		{"a star matches part of a name", "*.svg\n", "_assets/icon.svg", true},
		{"a question mark is one character", "icon.sv?\n", "_assets/icon.svg", true},
		{"a question mark is not a slash", "a?b\n", "a/b", false},
		{"a class matches one of its characters", "icon.[ps]vg\n", "icon.svg", true},
		{"a negated class does not", "icon.[!ps]vg\n", "icon.svg", false},
		{"a negated class is never a slash", "a[!x]b\n", "a/b", false},
		{"a class may hold a bracket", "a[]]b\n", "a]b", true},
		{"a class may hold a range", "a[0-9]b\n", "a5b", true},
		{"a class may hold an escaped bracket", `a[\]]b` + "\n", "a]b", true},
		{"a class may have a name", "a[[:digit:]]b\n", "a5b", true},
		{"a class that does not end matches nothing", "a[bc\n", "a[bc", false},
		{"two stars at the start match any folder", "**/icon.svg\n", "a/b/icon.svg", true},
		{"two stars at the start match no folder as well", "**/icon.svg\n", "icon.svg", true},
		{"two stars at the end match all inside", "_assets/**\n", "_assets/a/icon.svg", true},
		{"two stars inside match any number of folders", "a/**/z\n", "a/b/c/z", true},
		{"two stars inside match no folder as well", "a/**/z\n", "a/z", true},
		{"the last rule decides", "*.svg\n!icon.svg\n", "_assets/icon.svg", false},
		{"the last rule decides again", "!icon.svg\n*.svg\n", "_assets/icon.svg", true},
		{"nothing comes back from an ignored folder", "_assets/\n!_assets/icon.svg\n", "_assets/icon.svg", true},
		{"a folder's files may come back from a pattern", "_assets/*\n!_assets/icon.svg\n", "_assets/icon.svg", false},
		{"a comment is no rule", "#README.md\n", "#README.md", false},
		{"an escaped comment is a rule", `\#README.md` + "\n", "#README.md", true},
		{"an escaped exclamation mark is a name", `\!a` + "\n", "!a", true},
		{"spaces at the end do not count", "README.md  \n", "README.md", true},
		{"an escaped space at the end counts", `a\ ` + "\n", "a ", true},
		{"a dot is a dot", "README.md\n", "READMEamd", false},
		{"names of any script match", "问*\n", "问候.md", true},
		{"a line of nothing but a slash is no rule", "/\n", "README.md", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := parseIgnoreRules(test.rules).ignores(test.path); got != test.want {
				t.Errorf("%q ignores %q: %t, want %t", test.rules, test.path, got, test.want)
			}
			if got, ok := gitIgnores(t, test.rules, test.path); ok && got != test.want {
				t.Errorf("Git differs: %q ignores %q: %t", test.rules, test.path, got)
			}
		})
	}
}

// gitIgnores asks Git, where it is installed.
func gitIgnores(t *testing.T, rules, path string) (ignored, ok bool) {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		return false, false
	}
	dir := t.TempDir()
	if output, err := exec.Command("git", "init", "-q", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	write(t, filepath.Join(dir, ".gitignore"), []byte(rules))
	file := filepath.Join(dir, filepath.FromSlash(path))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, file, nil)
	cmd := exec.Command("git", "-c", "core.excludesFile=/dev/null", "check-ignore", "-q", "--no-index", "--", path)
	cmd.Dir = dir
	return cmd.Run() == nil, true
}

func TestLinesOfWindowsMeanTheSame(t *testing.T) {
	if !parseIgnoreRules("README.md\r\n").ignores("README.md") {
		t.Error("a carriage return became part of the rule")
	}
}

func TestAnyIgnoreFileCanBeRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rules := rapid.StringOf(rapid.SampledFrom([]rune("ab/*?[]!\\-^: \n.\xff问"))).Draw(t, "rules")
		path := rapid.StringMatching(`[ab?]{1,3}(/[ab\]]{1,3}){0,2}`).Draw(t, "path")
		parsed := parseIgnoreRules(rules)
		if parsed.ignores(path) && strings.TrimSpace(rules) == "" {
			t.Fatal("no rules ignored a file")
		}
	})
}

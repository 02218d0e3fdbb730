package pack

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/cloudplugins/difyplugin/manifest"
)

// documents are the files at the root that a reader of the package looks for.
var documents = regexp.MustCompile(`(?i)^(readme|privacy|licen[sc]e|copying|notice|authors|third[_-]party)([._-].*)?$`)

// notText are endings that documents do not have.
var notText = regexp.MustCompile(`(?i)\.(go|mod|sum|difypkg|zip|exe)$`)

// readmes are the translations of README.md.
var readmes = regexp.MustCompile(`^readme/README_[a-z]{2}_[A-Za-z]{2,}\.md$`)

// never are names that are secret or belong to a tool, as a file or as a
// folder, whatever an ignore file says.
var never = []string{".env", ".git", ".venv", "__pycache__", ".DS_Store"}

// gather reads what belongs into the package from the root of a plugin. It
// returns what the declarations say, too.
func gather(fsys fs.FS) (entries, *manifest.Plugin, error) {
	declared := &tracedFS{FS: fsys, seen: map[string]bool{}}
	g := &gatherer{fsys: fsys, declared: declared.seen, found: entries{}}
	plugin, err := manifest.Load(declared)
	g.problems.add(err)
	if g.rules, err = readIgnoreRules(fsys); err != nil {
		return nil, nil, err
	}
	if err := fs.WalkDir(fsys, ".", g.visit); err != nil {
		return nil, nil, fmt.Errorf("reading the plugin's folder: %w", err)
	}
	if plugin != nil && plugin.Meta.Runner.Entrypoint != entrypoint {
		g.problems.addf("%s: meta.runner.entrypoint: must be %s, the launcher of the package, not %q", manifest.Root, entrypoint, plugin.Meta.Runner.Entrypoint)
	}
	return g.found, plugin, g.problems.err()
}

// readIgnoreRules returns no rules where there is no ignore file.
func readIgnoreRules(fsys fs.FS) (ignoreRules, error) {
	text, err := fs.ReadFile(fsys, ignoreFile)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("reading what not to pack: %w", err)
	}
	return parseIgnoreRules(string(text)), nil
}

// A gatherer walks through a plugin's folder.
type gatherer struct {
	fsys     fs.FS
	rules    ignoreRules
	declared map[string]bool
	found    entries
	problems Problems
}

func (g *gatherer) visit(file string, entry fs.DirEntry, err error) error {
	switch {
	case err != nil:
		return err
	case file == ".":
		return nil
	case entry.IsDir():
		if slices.Contains(never, entry.Name()) || !g.mayHold(file) {
			return fs.SkipDir
		}
		return nil
	case slices.Contains(never, entry.Name()) || !g.belongs(file):
		return nil
	case g.rules.ignores(file):
		if g.declared[file] {
			g.problems.addf("%s: is declared, and %s keeps it out of the package; remove one of the two", file, ignoreFile)
		}
		return nil
	case !entry.Type().IsRegular():
		g.problems.addf("%s: is not a regular file, which is all that a package can hold; replace it by a copy", file)
		return nil
	}
	g.found[file], err = fs.ReadFile(g.fsys, file)
	return err
}

// belongs reports whether a file is one that packages have.
func (g *gatherer) belongs(file string) bool {
	return g.declared[file] ||
		strings.HasPrefix(file, "_assets/") ||
		documents.MatchString(file) && !notText.MatchString(file) ||
		readmes.MatchString(file)
}

// mayHold reports whether a folder can have files that belong into the package.
func (g *gatherer) mayHold(folder string) bool {
	if folder == "_assets" || strings.HasPrefix(folder, "_assets/") || folder == "readme" {
		return true
	}
	for file := range g.declared {
		if strings.HasPrefix(file, folder+"/") {
			return true
		}
	}
	return false
}

// A tracedFS notes which files are asked for: what the declarations mention.
type tracedFS struct {
	fs.FS
	seen map[string]bool
}

func (t *tracedFS) Open(name string) (fs.File, error) {
	t.seen[path.Clean(name)] = true
	return t.FS.Open(name)
}

// Lstat makes symbolic links visible.
func (t *tracedFS) Lstat(name string) (fs.FileInfo, error) {
	t.seen[path.Clean(name)] = true
	return fs.Lstat(t.FS, name)
}

func (t *tracedFS) ReadLink(name string) (string, error) { return fs.ReadLink(t.FS, name) }

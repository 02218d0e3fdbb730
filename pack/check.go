package pack

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cloudplugins/difyplugin/manifest"
)

// Limits of a default installation, in bytes.
const (
	maxPacked   = 15 << 20 // PLUGIN_MAX_PACKAGE_SIZE of Dify: the file that is uploaded
	maxUnpacked = 50 << 20 // MAX_PLUGIN_PACKAGE_SIZE of the host: all files together
)

// A Report describes a package that can be installed.
type Report struct {
	Author, Name, Version string
	// UniqueIdentifier is AUTHOR/NAME:VERSION@CHECKSUM.
	UniqueIdentifier string
	// Checksum is that of the package, see [Checksum].
	Checksum string
	// Packed and Unpacked are the sizes of the file and of all files in it, in
	// bytes. Packed is 0 for a folder.
	Packed, Unpacked int64
	// Programs are the binaries in the archive.
	Programs []Program
	// Notices say what an operator has to know to install the package.
	Notices []string
}

// Check opens a package, the folder of an unpacked package, or the folder of a
// Go plugin, and returns all that the host, Dify or the launcher would refuse
// as [Problems]. For a Go plugin, which it builds for this machine, these
// include the disagreements between declarations and parts; the report then has
// no checksum, sizes and programs.
func Check(ctx context.Context, path string) (*Report, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("looking for the package: %w", err)
	}
	if info.IsDir() {
		return checkFolder(ctx, path)
	}
	if info.Size() > maxPacked {
		return nil, Problems{tooLarge(info.Size())}
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the package: %w", err)
	}
	return inspect(data)
}

func tooLarge(size int64) string {
	return fmt.Sprintf("the package has %d bytes, and Dify takes %d (PLUGIN_MAX_PACKAGE_SIZE); make the program or the assets smaller", size, maxPacked)
}

func checkFolder(ctx context.Context, folder string) (*Report, error) {
	sources, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		return nil, fmt.Errorf("looking for Go files: %w", err)
	}
	if len(sources) > 0 {
		return checkSources(ctx, folder)
	}
	in := &inspection{fsys: os.DirFS(folder), files: map[string]bool{}}
	in.walk()
	in.content()
	return in.result()
}

// checkSources checks the folder of a Go plugin.
func checkSources(ctx context.Context, folder string) (*Report, error) {
	dir, err := resolve(folder)
	if err != nil {
		return nil, err
	}
	_, m, err := Options{}.declarations(dir)
	if err != nil {
		return nil, err
	}
	scratch, err := os.MkdirTemp("", "difyplugin-check-")
	if err != nil {
		return nil, fmt.Errorf("making room for the build: %w", err)
	}
	defer func() { _ = os.RemoveAll(scratch) }() // what is left is the system's to clean up
	c, err := newCompiler(dir, scratch, nil, nil)
	if err != nil {
		return nil, err
	}
	problems, err := c.agreement(ctx)
	if err != nil {
		return nil, err
	}
	if len(problems) > 0 {
		return nil, problems
	}
	return &Report{Author: m.Author, Name: m.Name, Version: m.Version, Notices: notices(m.Author)}, nil
}

// An inspection gathers what is wrong with a package.
type inspection struct {
	fsys     fs.FS
	files    map[string]bool
	report   Report
	problems Problems
}

// inspect checks the bytes of a package.
func inspect(data []byte) (*Report, error) {
	archive, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, Problems{fmt.Sprintf("the package is not a zip archive: %s", err)}
	}
	in := &inspection{fsys: archive, files: map[string]bool{}}
	in.report.Packed = int64(len(data))
	if in.report.Packed > maxPacked {
		in.problems = append(in.problems, tooLarge(in.report.Packed))
	}
	readable := in.entries(archive.File)
	in.size()
	if readable {
		in.content()
	}
	return in.result()
}

// entries checks the table of contents and tells whether the files can be read
// by their names.
func (in *inspection) entries(files []*zip.File) bool {
	readable := true
	for _, f := range files {
		in.report.Unpacked += int64(min(f.UncompressedSize64, 1<<40))
		complaint := entryComplaint(f)
		if in.files[f.Name] {
			complaint = "is there twice"
		}
		if complaint != "" {
			in.problems.addf("%s: %s; pack the plugin again with difyplugin pack", f.Name, complaint)
			readable = false
		}
		in.files[f.Name] = true
	}
	return readable && in.report.Unpacked <= maxUnpacked
}

func entryComplaint(f *zip.File) string {
	switch {
	case strings.HasSuffix(f.Name, "/"):
		return "is an entry for a folder, which the host tries to read as a file"
	case strings.Contains(f.Name, `\`):
		return `has \ between names, where the host knows only /`
	case !fs.ValidPath(f.Name):
		return "is not a plain path inside the package"
	case f.Mode()&fs.ModeSymlink != 0:
		return "is a symbolic link, which the host turns into a small file"
	case f.Flags&1 != 0:
		return "is encrypted"
	}
	return ""
}

// walk lists the files of a folder.
func (in *inspection) walk() {
	err := fs.WalkDir(in.fsys, ".", func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		in.files[file] = true
		in.report.Unpacked += info.Size()
		if !info.Mode().IsRegular() {
			in.problems.addf("%s: is not a regular file, which is all that a package can hold", file)
		}
		return nil
	})
	in.problems.add(err)
	in.size()
}

func (in *inspection) size() {
	if in.report.Unpacked > maxUnpacked {
		in.problems.addf("the files have %d bytes together, and the host takes %d (MAX_PLUGIN_PACKAGE_SIZE); make the program or the assets smaller",
			in.report.Unpacked, maxUnpacked)
	}
}

// content checks the files themselves.
func (in *inspection) content() {
	for _, file := range slices.Sorted(maps.Keys(in.files)) {
		for name := range strings.SplitSeq(file, "/") {
			if slices.Contains(never, name) {
				in.problems.addf("%s: is secret or belongs to a tool; keep it out of the package", file)
				break
			}
		}
	}
	if !in.files[requirementsName] && !in.files["pyproject.toml"] {
		in.problems.addf("%s: is missing, without which the host does not start a plugin; it may be empty", requirementsName)
	}
	plugin, err := manifest.Load(in.fsys)
	if err != nil {
		in.problems.add(err)
		return
	}
	in.identity(&plugin.Manifest)
	in.programs(&plugin.Manifest)
}

func (in *inspection) identity(m *manifest.Manifest) {
	r := &in.report
	r.Author, r.Name, r.Version = m.Author, m.Name, m.Version
	r.Notices = append(r.Notices, notices(m.Author)...)
	module := path.Join(strings.Split(m.Meta.Runner.Entrypoint, ".")...)
	if !in.files[module+".py"] && !in.files[path.Join(module, "__main__.py")] {
		in.problems.addf("%s: meta.runner.entrypoint: the package has no %s.py", manifest.Root, module)
	}
	sum, err := Checksum(in.fsys)
	if err != nil {
		in.problems.add(err)
		return
	}
	r.Checksum = sum
	r.UniqueIdentifier = fmt.Sprintf("%s/%s:%s@%s", m.Author, m.Name, m.Version, sum)
}

// programs checks the archive, which packages of Python plugins do not have.
func (in *inspection) programs(m *manifest.Manifest) {
	if !in.files[archiveName] && !in.files[listName] {
		return
	}
	list, err := fs.ReadFile(in.fsys, listName)
	if err != nil {
		in.problems.addf("reading the list of programs: %s", err)
		return
	}
	archive, err := fs.ReadFile(in.fsys, archiveName)
	if err != nil {
		in.problems.addf("reading the archive of programs: %s", err)
		return
	}
	programs, err := parseList(list)
	if err == nil {
		err = verifyArchive(archive, programs)
	}
	in.problems.add(err)
	in.report.Programs = programs
	for _, arch := range m.Meta.Arch {
		if !slices.ContainsFunc(programs, func(p Program) bool { return p.Arch == arch }) {
			in.report.Notices = append(in.report.Notices, fmt.Sprintf("the manifest promises %s, and the package has no program for it: it does not start there", arch))
		}
	}
}

func (in *inspection) result() (*Report, error) {
	if err := in.problems.err(); err != nil {
		return nil, err
	}
	return &in.report, nil
}

// notices returns what an operator has to set for plugins of an author.
func notices(author string) []string {
	if author != "langgenius" {
		return nil
	}
	return []string{"the author langgenius is reserved for plugins that Dify has signed: to install this package the host needs " +
		"FORCE_VERIFYING_SIGNATURE=false and ENFORCE_LANGGENIUS_PLUGIN_SIGNATURES=false"}
}

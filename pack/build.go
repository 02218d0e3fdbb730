package pack

import (
	"archive/zip"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/cloudplugins/difyplugin/manifest"
)

// Options say what to pack, and how.
type Options struct {
	// Dir is the plugin's folder: manifest.yaml and a package main that calls
	// plugin.Main.
	Dir string
	// Output is the file to write. When empty it is NAME-VERSION.difypkg in the
	// current folder.
	Output string
	// Identity, when not nil, packs the plugin under another name: in the
	// declarations of the package and in those inside the program.
	Identity *Identity
	// DropCredentials leaves out the credentials that the provider declares.
	DropCredentials bool
	// Defaults are values that parameters of tools start with in this package,
	// in place of those that are declared.
	Defaults []Default
	// Arches are the processors to build for, amd64 and arm64. When empty they
	// are those of the manifest.
	Arches []string
	// GoFlags are further flags of go build, such as -tags=extra.
	GoFlags []string
	// Log, when not nil, receives a line about each part of the work.
	Log func(line string)
}

// A Default is the value that a parameter of a tool starts with.
type Default struct{ Tool, Parameter, Value string }

func (o Options) logf(format string, args ...any) {
	if o.Log != nil {
		o.Log(fmt.Sprintf(format, args...))
	}
}

// A Result describes a package that was built.
type Result struct {
	// Path is the file that was written.
	Path string
	Report
}

// Build packs the plugin in opts.Dir. It runs the go command for each
// processor and for this machine, on which the program compares its parts with
// the declarations, and takes some seconds.
//
// What the host, Dify or the launcher would refuse is returned as [Problems],
// and nothing is written then. Do not call Build twice at the same time in one
// process: the compressor keeps its tables in variables.
func Build(ctx context.Context, opts Options) (*Result, error) {
	dir, err := resolve(opts.Dir)
	if err != nil {
		return nil, err
	}
	es, m, err := opts.declarations(dir)
	if err != nil {
		return nil, err
	}
	arches, err := opts.arches(m)
	if err != nil {
		return nil, err
	}
	if err := opts.programs(ctx, dir, arches, es); err != nil {
		return nil, err
	}
	es[launcherName], es[requirementsName] = launcher, nil
	data, err := es.zipped(zip.Deflate)
	if err != nil {
		return nil, err
	}
	report, err := inspect(data)
	if err != nil {
		return nil, err
	}
	path := cmp.Or(opts.Output, report.Name+"-"+report.Version+".difypkg")
	if err := writeWhole(path, data); err != nil {
		return nil, err
	}
	return &Result{Path: path, Report: *report}, nil
}

// resolve returns the absolute path of a folder without symbolic links, which
// is how the go command knows it.
func resolve(dir string) (string, error) {
	absolute, err := filepath.Abs(dir)
	if err == nil {
		absolute, err = filepath.EvalSymlinks(absolute)
	}
	if err != nil {
		return "", fmt.Errorf("looking for the plugin's folder: %w", err)
	}
	return absolute, nil
}

// declarations gathers what stands in the plugin's folder, under the identity
// that is wanted.
func (o Options) declarations(dir string) (entries, *manifest.Manifest, error) {
	es, plugin, err := gather(os.DirFS(dir))
	if err != nil {
		return nil, nil, err
	}
	if o.Identity != nil {
		err = o.Identity.assume(es, plugin)
	}
	if o.DropCredentials {
		err = errors.Join(err, dropCredentials(es, plugin))
	}
	for _, value := range o.Defaults {
		err = errors.Join(err, value.apply(es, plugin))
	}
	if err != nil {
		return nil, nil, asProblems(err)
	}
	fsys, err := es.filesystem()
	if err != nil {
		return nil, nil, err
	}
	if plugin, err = manifest.Load(fsys); err != nil {
		return nil, nil, asProblems(err)
	}
	return es, &plugin.Manifest, nil
}

// asProblems turns what is wrong with declarations into problems.
func asProblems(err error) error {
	var problems Problems
	problems.add(err)
	return problems.err()
}

// programs builds the program for each processor and adds the archive of them.
func (o Options) programs(ctx context.Context, dir string, arches []string, es entries) error {
	scratch, err := os.MkdirTemp("", "difyplugin-pack-")
	if err != nil {
		return fmt.Errorf("making room for the build: %w", err)
	}
	defer func() { _ = os.RemoveAll(scratch) }() // what is left is the system's to clean up
	changed, err := changedFiles(dir, es)
	if err != nil {
		return err
	}
	c, err := newCompiler(dir, scratch, changed, o.GoFlags)
	if err != nil {
		return err
	}
	problems, err := c.agreement(ctx)
	if err != nil || len(problems) > 0 {
		return cmp.Or(err, problems.err())
	}
	o.logf("declarations and parts agree")
	return o.archive(ctx, c, arches, es)
}

func (o Options) archive(ctx context.Context, c *compiler, arches []string, es entries) error {
	var programs []Program
	var binaries [][]byte
	for _, arch := range arches {
		start := time.Now()
		path, err := c.build(ctx, "linux", arch)
		if err != nil {
			return err
		}
		binary, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("reading the program for %s: %w", arch, err)
		}
		programs = append(programs, describeProgram(arch, binary))
		binaries = append(binaries, binary)
		o.logf("built for linux/%s: %d bytes in %.1f s", arch, len(binary), time.Since(start).Seconds())
	}
	start := time.Now()
	packed, err := compress(ctx, binaries...)
	if err != nil {
		return err
	}
	o.logf("compressed to %d bytes in %.1f s", len(packed), time.Since(start).Seconds())
	es[archiveName], es[listName] = packed, formatList(programs)
	return nil
}

// arches returns the processors to build for, in a fixed order.
func (o Options) arches(m *manifest.Manifest) ([]string, error) {
	wanted := slices.Clone(o.Arches)
	if len(wanted) == 0 {
		wanted = slices.Clone(m.Meta.Arch)
	}
	for _, arch := range wanted {
		if _, known := architectures[arch]; !known {
			return nil, fmt.Errorf("building for %q: the host runs on amd64 and arm64 only", arch)
		}
	}
	slices.Sort(wanted)
	return slices.Compact(wanted), nil
}

// changedFiles returns the entries that differ from the files in dir.
func changedFiles(dir string, es entries) (entries, error) {
	changed := entries{}
	for file := range maps.Keys(es) {
		original, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(file)))
		if err != nil {
			return nil, fmt.Errorf("comparing the declarations with the plugin's folder: %w", err)
		}
		if !bytes.Equal(original, es[file]) {
			changed[file] = es[file]
		}
	}
	return changed, nil
}

// writeWhole writes a file that is there whole or not at all.
func writeWhole(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.partial")
	if err != nil {
		return fmt.Errorf("writing the package: %w", err)
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Chmod(0o644), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("writing the package: %w", err), os.Remove(f.Name()))
	}
	return nil
}

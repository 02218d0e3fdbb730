package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/cloudplugins/difyplugin/host"
	"github.com/cloudplugins/difyplugin/manifest"
)

// target is a plugin that can be started: a folder or a program.
type target struct {
	command host.Command
	// declared is nil when only a program was given.
	declared *manifest.Plugin
	cleanup  func()
}

// newTarget finds out how to start what lies at path. A folder of Go source is built for this machine; a folder with a
// main.py is started by Python (DIFYPLUGIN_PYTHON, else python3); a program is started as it is.
func newTarget(ctx context.Context, path string, log io.Writer) (*target, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, usagef("no plugin at %s: %v", path, errors.Unwrap(err))
	}
	path, err = filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return &target{command: host.Command{Path: path, Dir: filepath.Dir(path)}, cleanup: func() {}}, nil
	}
	declared, err := manifest.Load(os.DirFS(path))
	if err != nil {
		return nil, fmt.Errorf("the declarations in %s are wrong:\n%w", path, err)
	}
	switch {
	case hasGoFiles(path):
		program, cleanup, err := buildTemporary(ctx, path, log)
		if err != nil {
			return nil, err
		}
		return &target{command: host.Command{Path: program, Dir: path}, declared: declared, cleanup: cleanup}, nil
	case exists(filepath.Join(path, "main.py")):
		python := os.Getenv("DIFYPLUGIN_PYTHON")
		if python == "" {
			python = "python3"
		}
		return &target{
			command:  host.Command{Path: python, Args: []string{"-m", declared.Meta.Runner.Entrypoint}, Dir: path},
			declared: declared, cleanup: func() {},
		}, nil
	default:
		return nil, usagef("%s holds neither Go source nor a main.py", path)
	}
}

// providerName is the identity of the plugin's provider.
func (t *target) providerName() string {
	if t.declared == nil {
		return ""
	}
	return t.declared.ProviderName()
}

// datasourceName is the identity of the plugin's first data source.
func (t *target) datasourceName() string {
	if t.declared == nil || t.declared.Datasources == nil || len(t.declared.Datasources.Datasources) == 0 {
		return ""
	}
	return t.declared.Datasources.Datasources[0].Identity.Name
}

// permissions are what the manifest asks for; a program without a manifest gets all that a host can give.
func (t *target) permissions() host.Permissions {
	if t.declared == nil {
		return host.Permissions{Tool: true, Storage: true}
	}
	asked := t.declared.Resource.Permission
	return host.Permissions{
		Tool: asked.AllowsTools(), Storage: asked.StorageSize() > 0, StorageSize: asked.StorageSize(),
	}
}

func buildTemporary(ctx context.Context, dir string, log io.Writer) (program string, cleanup func(), err error) {
	folder, err := os.MkdirTemp("", "difyplugin-")
	if err != nil {
		return "", nil, err
	}
	cleanup = func() { _ = os.RemoveAll(folder) }
	program = filepath.Join(folder, filepath.Base(dir))
	if err := build(ctx, dir, program, log); err != nil {
		cleanup()
		return "", nil, err
	}
	return program, cleanup, nil
}

// build compiles the Go program in dir for this machine, with the flags that other builds here use, so that what they
// have compiled is not compiled again.
func build(ctx context.Context, dir, program string, log io.Writer) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-ldflags=-s -w", "-o", program, ".")
	cmd.Dir = dir
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("build the plugin in %s: %w", dir, err)
	}
	return nil
}

func hasGoFiles(dir string) bool {
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	return err == nil && len(files) > 0
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

package main

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"

	"github.com/cloudplugins/difyplugin/host"
	"github.com/cloudplugins/difyplugin/pack"
	"github.com/cloudplugins/difyplugin/sandbox"
	"github.com/cloudplugins/difyplugin/sandbox/cos"
	"github.com/cloudplugins/difyplugin/sandbox/sample"
)

const (
	module    = "github.com/cloudplugins/difyplugin"
	shipped   = "plugins/tencent_cos_storage" // the plugin whose size, package and start are measured
	mib       = 1 << 20
	testdata  = "internal/bench/testdata/"
	stripping = "-ldflags=-s -w"
)

// workshop makes what is measured, each thing when it is first needed.
type workshop struct {
	root    string // of the module
	scratch string
	log     io.Writer

	packed    lazy[*pack.Result]
	packedAWS lazy[*pack.Result]
	unpacked  lazy[string] // the folder
	python    lazy[interpreter]
	sdk       lazy[pythonSDK]
	cloud     lazy[*cloud]

	libraries lazy[string] // a Python that has them
	picture   lazy[string] // a GIF

	mu       sync.Mutex
	programs map[string]string // package -> binary
}

// newWorkshop makes a folder for everything; close removes it. choice is the flag -python.
func newWorkshop(ctx context.Context, choice string, log io.Writer) (*workshop, error) {
	if runtime.GOOS != "linux" {
		return nil, fmt.Errorf("figures come from /proc, which %s does not have: run it on Linux", runtime.GOOS)
	}
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", module).Output()
	if err != nil {
		return nil, fmt.Errorf("find the module %s: %w: run it inside of the module", module, err)
	}
	scratch, err := os.MkdirTemp("", "difyplugin-bench-")
	if err != nil {
		return nil, err
	}
	w := &workshop{root: strings.TrimSpace(string(out)), scratch: scratch, log: log, programs: map[string]string{}}
	w.packed.make = func() (*pack.Result, error) { return w.buildPackage(ctx, shipped) }
	w.packedAWS.make = func() (*pack.Result, error) { return w.buildPackage(ctx, awsTools) }
	w.unpacked.make = w.unpackPackage
	w.python.make = func() (interpreter, error) { return w.findPython(ctx, choice) }
	w.sdk.make = func() (pythonSDK, error) { return w.installSDK(ctx, choice) }
	w.cloud.make = newCloud
	w.libraries.make = func() (string, error) { return w.installLibraries(ctx, choice) }
	w.picture.make = w.drawPicture
	return w, nil
}

func (w *workshop) close() error {
	if c, made := w.cloud.made(); made {
		c.close()
	}
	return os.RemoveAll(w.scratch)
}

func (w *workshop) say(format string, args ...any) { fmt.Fprintf(w.log, format+"\n", args...) }

// folder makes a folder of its own.
func (w *workshop) folder(name string) (string, error) {
	return os.MkdirTemp(w.scratch, name+"-")
}

// program compiles a package of the module as it ships, stripped, for this machine.
func (w *workshop) program(ctx context.Context, pkg string) (host.Command, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	binary, built := w.programs[pkg]
	if !built {
		binary = filepath.Join(w.scratch, fmt.Sprintf("%s-%d", filepath.Base(pkg), len(w.programs)))
		if err := w.compile(ctx, pkg, binary); err != nil {
			return host.Command{}, err
		}
		w.programs[pkg] = binary
	}
	return host.Command{Path: binary, Dir: w.scratch, Env: w.environment()}, nil
}

func (w *workshop) compile(ctx context.Context, pkg, binary string, env ...string) error {
	w.say("  building %s", pkg)
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", stripping, "-o", binary, "./"+pkg)
	cmd.Dir = w.root
	cmd.Env = append(append(cmd.Environ(), "CGO_ENABLED=0"), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w: %s", pkg, err, bytes.TrimSpace(out))
	}
	return nil
}

// environment is that of a plugin, with nothing of this process's own that a plugin would act upon.
func (w *workshop) environment() []string {
	return []string{"INSTALL_METHOD=local", "PATH=" + os.Getenv("PATH"), "HOME=" + w.scratch, "TMPDIR=" + w.scratch}
}

func (w *workshop) buildPackage(ctx context.Context, plugin string) (*pack.Result, error) {
	w.say("  packing %s", plugin)
	return pack.Build(ctx, pack.Options{
		Dir:    filepath.Join(w.root, plugin),
		Output: filepath.Join(w.scratch, filepath.Base(plugin)+".difypkg"),
	})
}

// unpackPackage lays the package out as the host does and returns the folder.
func (w *workshop) unpackPackage() (string, error) {
	result, err := w.packed.get()
	if err != nil {
		return "", err
	}
	archive, err := zip.OpenReader(result.Path)
	if err != nil {
		return "", fmt.Errorf("unpack %s: %w", result.Path, err)
	}
	defer archive.Close()
	dir := filepath.Join(w.scratch, "unpacked")
	if err := os.CopyFS(dir, archive); err != nil {
		return "", fmt.Errorf("unpack %s: %w", result.Path, err)
	}
	return dir, nil
}

// launcher starts the package as the host does.
func (w *workshop) launcher() (host.Command, error) {
	python, err := w.python.get()
	if err != nil {
		return host.Command{}, err
	}
	dir, err := w.unpacked.get()
	if err != nil {
		return host.Command{}, err
	}
	return w.module(python.path, dir), nil
}

// bareLauncher starts a bare program through Python, too, by the shortest main.py there can be.
func (w *workshop) bareLauncher(ctx context.Context) (host.Command, error) {
	python, err := w.python.get()
	if err != nil {
		return host.Command{}, err
	}
	bare, err := w.program(ctx, testdata+"stream")
	if err != nil {
		return host.Command{}, err
	}
	dir := filepath.Join(w.scratch, "bare-launcher")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return host.Command{}, err
	}
	source := fmt.Sprintf("import os\n\nos.execv(%q, [%[1]q])\n", bare.Path)
	if err := os.WriteFile(filepath.Join(dir, "main.py"), []byte(source), 0o600); err != nil {
		return host.Command{}, err
	}
	return w.module(python.path, dir), nil
}

// module runs main.py in a folder.
func (w *workshop) module(python, dir string) host.Command {
	return host.Command{Path: python, Args: []string{"-m", "main"}, Dir: dir, Env: w.environment()}
}

// cloud is a COS on this machine with files to download.
type cloud struct {
	account sample.Account
	store   *cos.Store
	box     *sandbox.Sandbox
}

const (
	smallObject = "bench/small.bin"
	largeObject = "bench/1GiB.bin"
)

func newCloud() (c *cloud, err error) {
	store, err := cos.New("")
	if err != nil {
		return nil, err
	}
	box, err := sandbox.Start()
	if err != nil {
		_ = store.Close()
		return nil, err
	}
	c = &cloud{store: store, box: box}
	defer func() {
		if err != nil {
			c.close()
		}
	}()
	if c.account, err = sample.Fill(store); err != nil {
		return nil, err
	}
	for key, size := range map[string]int64{smallObject: 1000, largeObject: 1 << 30} {
		if err := store.PutGenerated(c.account.Backups, key, size, 1, cos.Meta{}); err != nil {
			return nil, err
		}
	}
	for _, pattern := range store.HostPatterns() {
		if err := box.Handle(pattern, store); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func (c *cloud) close() {
	_ = c.box.Close() // nothing is kept that could be lost
	_ = c.store.Close()
}

// caller is a user with the sample's keys.
func (c *cloud) caller() host.Caller {
	return host.Caller{
		UserID: "bench", Provider: filepath.Base(shipped), CredentialType: "api-key",
		Credentials: map[string]any{
			"secret_id": c.account.Reader.SecretID, "secret_key": c.account.Reader.SecretKey, "region": c.account.Region,
		},
	}
}

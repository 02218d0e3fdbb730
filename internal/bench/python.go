package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/cloudplugins/difyplugin/host"
)

// interpreter is a Python in a virtual environment of its own, as the host makes one for a plugin.
type interpreter struct {
	path    string
	version string
}

// pythonSDK is the same with Dify's SDK in it.
type pythonSDK struct {
	interpreter
	release string        // of the SDK
	took    time.Duration // to install it
}

// findPython makes a virtual environment with the first Python that works. The host wants 3.12.
func (w *workshop) findPython(ctx context.Context, choice string) (interpreter, error) {
	candidates := []string{"python3.12", "python3"}
	if choice != "auto" && choice != "off" {
		candidates = []string{choice}
	}
	for _, name := range candidates {
		path, err := w.virtualEnvironment(ctx, name, "venv", "--without-pip")
		if err != nil {
			w.say("  %v", err)
			continue
		}
		version, err := output(ctx, path, "-c", "import platform; print(platform.python_version())")
		if err == nil {
			return interpreter{path, version}, nil
		}
		w.say("  %v", err)
	}
	return interpreter{}, unavailable("no Python found; tried " + strings.Join(candidates, " and "))
}

// virtualEnvironment makes one and returns its Python.
func (w *workshop) virtualEnvironment(ctx context.Context, python, name string, flags ...string) (string, error) {
	dir, err := w.folder(name)
	if err != nil {
		return "", err
	}
	if _, err := output(ctx, python, append(append([]string{"-m", "venv"}, flags...), dir)...); err != nil {
		return "", err
	}
	return filepath.Join(dir, "bin", "python"), nil
}

// installTime is how long the package index may take.
const installTime = 5 * time.Minute

// installSDK fetches the newest SDK from the package index.
func (w *workshop) installSDK(ctx context.Context, choice string) (pythonSDK, error) {
	if choice == "off" {
		return pythonSDK{}, unavailable("switched off by -python=off")
	}
	base, err := w.python.get()
	if err != nil {
		return pythonSDK{}, err
	}
	w.say("  installing the Python SDK")
	ctx, cancel := context.WithTimeout(ctx, installTime)
	defer cancel()
	began := time.Now()
	path, err := w.virtualEnvironment(ctx, base.path, "sdk")
	if err == nil {
		_, err = output(ctx, path, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "dify_plugin")
	}
	if err != nil {
		return pythonSDK{}, unavailable("the SDK cannot be installed: " + oneLine(err.Error()))
	}
	took := time.Since(began)
	release, err := output(ctx, path, "-c", "import importlib.metadata as m; print(m.version('dify_plugin'))")
	if err != nil {
		return pythonSDK{}, err
	}
	return pythonSDK{interpreter{path, base.version}, release, took}, nil
}

// output runs a program and returns what it writes, on failure in the error.
func output(ctx context.Context, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	var stderr tail
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, oneLine(string(stderr)))
	}
	return strings.TrimSpace(string(out)), nil
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// pythonPlugin is the Python side of a plugin under testdata. It runs in a copy: Python leaves compiled files behind.
func (w *workshop) pythonPlugin(name string) (host.Command, error) {
	sdk, err := w.sdk.get()
	if err != nil {
		return host.Command{}, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	dir := filepath.Join(w.scratch, "python-"+name)
	if _, err := os.Stat(dir); err != nil {
		if err := os.CopyFS(dir, os.DirFS(filepath.Join(w.root, testdata, name))); err != nil {
			return host.Command{}, fmt.Errorf("copy the plugin %s: %w", name, err)
		}
	}
	return w.module(sdk.path, dir), nil
}

// Package shipped starts a plugin of this repository in a test as it is installed: built as packages have it, in a
// process of its own.
package shipped

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/cloudplugins/difyplugin/host"
)

// Plugin is a running plugin. The methods of host.Process are the calls that Dify makes.
type Plugin struct{ *host.Process }

// Start builds a plugin, such as my_aws_tools, and runs it with an environment of its own until the test ends. What it
// uploads to Dify goes into a folder of the test's.
func Start(t testing.TB, name string, env ...string) *Plugin {
	t.Helper()
	program := filepath.Join(t.TempDir(), name)
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags=-s -w", "-o", program, "github.com/cloudplugins/difyplugin/plugins/"+name)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the plugin: %v\n%s", err, out)
	}
	dify, err := host.NewDify(host.DifyOptions{Folder: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	p, err := host.Start(t.Context(), host.Command{
		Path: program, Dir: t.TempDir(), Env: slices.Concat(env, []string{"INSTALL_METHOD=local"}),
	}, host.Options{Strict: true, Backend: dify})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Errorf("the plugin: %v", err)
		}
		if err := dify.Close(); err != nil {
			t.Errorf("the stand-in for Dify: %v", err)
		}
	})
	return &Plugin{p}
}

// Resident is how much memory the process has now, in bytes.
func (p *Plugin) Resident(t testing.TB) int64 { t.Helper(); return p.memory(t, "VmRSS") }

// Peak is the most memory that the process ever had, in bytes.
func (p *Plugin) Peak(t testing.TB) int64 { t.Helper(); return p.memory(t, "VmHWM") }

func (p *Plugin) memory(t testing.TB, figure string) int64 {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.PID()))
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(status) {
		if value, ok := bytes.CutPrefix(line, []byte(figure+":")); ok {
			kib, err := strconv.ParseInt(string(bytes.Fields(value)[0]), 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return kib << 10
		}
	}
	t.Fatalf("no %s in /proc", figure)
	return 0
}

//go:build slow

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/cloudplugins/difyplugin/host"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/toolstest"
)

const mib = 1 << 20

// startShipped starts the plugin as it ships, as a process of its own.
func startShipped(t *testing.T, cloud *toolstest.AWS) *host.Process {
	t.Helper()
	program := filepath.Join(t.TempDir(), "plugin")
	if out, err := exec.Command("go", "build", "-ldflags=-s -w", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("build the plugin: %v\n%s", err, out)
	}
	p, err := host.Start(t.Context(), host.Command{
		Path: program, Dir: t.TempDir(), Env: slices.Concat(cloud.Environ(), []string{"INSTALL_METHOD=local"}),
	}, host.Options{Strict: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// resident is how much memory a process has now, in bytes.
func resident(t *testing.T, p *host.Process) int64 {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.PID()))
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(status) {
		if value, ok := bytes.CutPrefix(line, []byte("VmRSS:")); ok {
			kib, err := strconv.ParseInt(string(bytes.Fields(value)[0]), 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return kib << 10
		}
	}
	t.Fatal("no VmRSS in /proc")
	return 0
}

func TestSlowMemoryReturnsToIdleAfterTwoHundredCallsOfTwentyTenants(t *testing.T) {
	cloud := toolstest.Start(t)
	tenants := newTenants(t, cloud)
	p := startShipped(t, cloud)
	callAtOnce(t, p, tenants[:1]) // once, so that all code that is needed is there
	rest := func() int64 {
		timer := time.NewTimer(45 * time.Second) // idle connections close after 30 s, memory goes back after 10 s
		<-timer.C
		return resident(t, p)
	}
	before := rest()
	for range 5 {
		callAtOnce(t, p, tenants)
	}
	busy, after := resident(t, p), rest()
	t.Logf("%.1f MiB at rest before, %.1f just after the calls, %.1f at rest after them", float64(before)/mib, float64(busy)/mib, float64(after)/mib)
	if after > before+5*mib {
		t.Errorf("%d KiB at rest before, %d after", before>>10, after>>10)
	}
}

//go:build slow

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"

	"github.com/cloudplugins/difyplugin/host"
	standin "github.com/cloudplugins/difyplugin/sandbox/cos"
)

const mib = 1 << 20

// shipped is the plugin as it ships, started in front of a cloud.
type shipped struct {
	*cloud
	*host.Process
}

func startShipped(t *testing.T) *shipped {
	t.Helper()
	program := filepath.Join(t.TempDir(), "plugin")
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", program, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the plugin: %v\n%s", err, out)
	}
	dify, err := host.NewDify(host.DifyOptions{Folder: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	p := &shipped{cloud: newCloud(t)}
	p.Process, err = host.Start(t.Context(), host.Command{
		Path: program, Dir: t.TempDir(), Env: append(p.box.Environ(), "INSTALL_METHOD=local"),
	}, host.Options{Strict: true, Backend: dify})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Process.Close(); err != nil {
			t.Error(err)
		}
		if err := dify.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// memory reads a figure of the process's memory in bytes: VmRSS is what it has now, VmHWM the most it ever had.
func (p *shipped) memory(t *testing.T, figure string) int64 {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.PID()))
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(status) {
		if value, ok := bytes.CutPrefix(line, []byte(figure+":")); ok {
			kib, err := strconv.ParseInt(string(bytes.TrimSpace(bytes.TrimSuffix(bytes.TrimSpace(value), []byte("kB")))), 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return kib << 10
		}
	}
	t.Fatalf("no %s in /proc", figure)
	return 0
}

func TestSlowAnObjectOfOneGiBPassesInFortyMiB(t *testing.T) {
	p := startShipped(t)
	bucket := p.bucket(t, "large", "ap-guangzhou")
	const size = 1 << 30
	if err := p.PutGenerated(bucket, "backup.bin", size, 1, standin.Meta{}); err != nil {
		t.Fatal(err)
	}
	file, err := p.Download(t.Context(), as(), datasource, bucket, "backup.bin")
	if err != nil {
		t.Fatal(err)
	}
	if file.Size != size {
		t.Errorf("%d bytes arrived", file.Size)
	}
	peak := p.memory(t, "VmHWM")
	t.Logf("at most %d MiB resident", peak/mib)
	if peak > 40*mib {
		t.Errorf("%d MiB resident, more than 40", peak/mib)
	}
}

func TestSlowTwoHundredSmallFilesAtOnceShareOneBudget(t *testing.T) {
	p := startShipped(t)
	bucket := p.bucket(t, "many", "ap-guangzhou", "tiny.txt")
	const size = 3_900_000 // the largest that fit into one line, nearly
	if err := p.PutGenerated(bucket, "small.bin", size, 2, standin.Meta{}); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Download(t.Context(), as(), datasource, bucket, "tiny.txt"); err != nil {
		t.Fatal(err)
	}
	idle := p.memory(t, "VmRSS")
	var wg sync.WaitGroup
	for range 200 {
		wg.Go(func() {
			file, err := p.Download(t.Context(), as(), datasource, bucket, "small.bin")
			if err != nil {
				t.Error(err)
				return
			}
			if file.Size != size {
				t.Errorf("%d bytes arrived", file.Size)
			}
		})
	}
	wg.Wait()
	peak := p.memory(t, "VmHWM")
	t.Logf("%d MiB resident when idle, at most %d MiB", idle/mib, peak/mib)
	if peak > idle+64*mib {
		t.Errorf("%d MiB resident at most, more than %d when idle and the budget of 64", peak/mib, idle/mib)
	}
}

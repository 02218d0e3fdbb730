//go:build slow

package transcribe_test

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/cloudplugins/difyplugin/host"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/toolstest"
	"github.com/cloudplugins/difyplugin/sandbox/aws"
)

const mib = 1 << 20

// startShipped starts the whole plugin in a process of its own, as it ships.
func startShipped(t *testing.T, c *cloud) *host.Process {
	t.Helper()
	program := filepath.Join(t.TempDir(), "plugin")
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags=-s -w", "-o", program, "..")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the plugin: %v\n%s", err, out)
	}
	p, err := host.Start(t.Context(), host.Command{
		Path: program, Dir: t.TempDir(), Env: append(c.Environ(), "INSTALL_METHOD=local", "DIFYPLUGIN_FETCH_ALLOW="+mediaHost),
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

// peak is the most memory that a process ever had, in bytes.
func peak(t *testing.T, p *host.Process) int64 {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.PID()))
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(status) {
		if value, ok := bytes.CutPrefix(line, []byte("VmHWM:")); ok {
			kib, err := strconv.ParseInt(string(bytes.Fields(value)[0]), 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return kib << 10
		}
	}
	t.Fatal("no VmHWM in /proc")
	return 0
}

func TestSlowSection3_32_MediaOf300MiBPassThroughInConstantMemory(t *testing.T) {
	const size = 300 * mib
	for name, header := range map[string]http.Header{
		"of a size that is known": {"Content-Length": {strconv.Itoa(size)}}, "of a size that is not known": {},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCloud(t)
			c.media = func(w http.ResponseWriter, _ *http.Request) {
				for name, values := range header {
					w.Header()[name] = values
				}
				block := make([]byte, mib)
				copy(block, mp3)
				for range size / mib {
					if _, err := w.Write(block); err != nil {
						return
					}
				}
			}
			stored := 0 // seen by the job only: afterwards the media are gone
			hold := make(chan struct{})
			started := c.Inject(aws.Fault{Operation: "StartTranscriptionJob", Effects: []aws.Effect{aws.Hold(hold)}})
			go func() {
				defer close(hold)
				select {
				case <-started.Reached():
				case <-t.Context().Done():
					return
				}
				for _, key := range c.store.Keys(bucket) {
					if key != "call.mp3" {
						o, _ := c.store.Object(bucket, key)
						stored = len(o.Content)
					}
				}
			}()
			p := startShipped(t, c)
			result, err := p.Tool(t.Context(), toolstest.Caller(toolstest.Credentials()), tool, linked())
			if err != nil || result.Text != dialogue || stored != size {
				t.Fatalf("%q for %d bytes in S3, %v", result.Text, stored, err)
			}
			most := peak(t, p)
			t.Logf("at most %d MiB resident", most/mib)
			if most > 64*mib {
				t.Errorf("%d MiB resident, more than 64", most/mib)
			}
			c.wantOnlyTheCall(t)
		})
	}
}

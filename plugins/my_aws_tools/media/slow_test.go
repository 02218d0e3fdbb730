//go:build slow

package media_test

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"

	"github.com/cloudplugins/difyplugin/host"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/media"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/toolstest"
)

const mib = 1 << 20

// startShipped starts the whole plugin in a process of its own, as it ships.
func startShipped(t *testing.T, w *web) *host.Process {
	t.Helper()
	program := filepath.Join(t.TempDir(), "plugin")
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags=-s -w", "-o", program, "..")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the plugin: %v\n%s", err, out)
	}
	p, err := host.Start(t.Context(), host.Command{
		Path: program, Dir: t.TempDir(), Env: append(w.Environ(), "INSTALL_METHOD=local", "DIFYPLUGIN_FETCH_ALLOW="+pictureHost),
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

// film is a GIF of 1920 x 1080 pixels with much detail.
func film(t *testing.T, frames int) []byte {
	t.Helper()
	palette := make(color.Palette, 256)
	for i := range palette {
		palette[i] = color.RGBA{byte(i), byte(i * 7), byte(i * 31), 255}
	}
	file := &gif.GIF{}
	for n := range frames {
		picture := image.NewPaletted(image.Rect(0, 0, 1920, 1080), palette)
		for y := range 1080 {
			for x := range 1920 {
				picture.Pix[y*picture.Stride+x] = byte((x+n)/6 ^ y/6)
			}
		}
		file.Image, file.Delay = append(file.Image, picture), append(file.Delay, 4)
		file.Disposal = append(file.Disposal, gif.DisposalPrevious)
	}
	var out bytes.Buffer
	if err := gif.EncodeAll(&out, file); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// Decoded, each of the films would be a third of a gigabyte.
func TestSlowEightLargeFilmsAtOnceStayWithinTheMemoryOfThePlugin(t *testing.T) {
	content := film(t, 40)
	if len(content) > 40*mib {
		t.Fatalf("the film has %d MiB", len(content)/mib)
	}
	content = append(content, make([]byte, 40*mib-len(content))...) // what is behind the end counts as well
	for name, announced := range map[string]bool{"of a length that is known": true, "of a length that is not known": false} {
		t.Run(name, func(t *testing.T) {
			w := newWebWith(t, nil, media.ExtractFrame)
			w.answer = func(rw http.ResponseWriter, _ *http.Request) {
				if announced {
					rw.Header().Set("Content-Length", strconv.Itoa(len(content)))
				}
				_, _ = rw.Write(content)
			}
			p := startShipped(t, w)
			var calls sync.WaitGroup
			for range 8 {
				calls.Go(func() {
					result, err := p.Tool(t.Context(), toolstest.Caller(nil), tool, with())
					if err != nil || len(result.Files) != 3 {
						t.Errorf("%d pictures, %v", len(result.Files), err)
					}
				})
			}
			calls.Wait()
			most := peak(t, p)
			t.Logf("files of %d MiB: at most %d MiB resident", len(content)/mib, most/mib)
			if most > 256*mib {
				t.Errorf("%d MiB resident, more than the 256 that the manifest asks for", most/mib)
			}
		})
	}
}

//go:build slow

package media_test

import (
	"bytes"
	"image"
	"image/color"
	"image/gif"
	"net/http"
	"strconv"
	"sync"
	"testing"

	"github.com/cloudplugins/difyplugin/internal/shipped"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/media"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/toolstest"
)

const mib = 1 << 20

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
			p := shipped.Start(t, "my_aws_tools", append(w.Environ(), "DIFYPLUGIN_FETCH_ALLOW="+pictureHost)...)
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
			most := p.Peak(t)
			t.Logf("files of %d MiB: at most %d MiB resident", len(content)/mib, most/mib)
			if most > 256*mib {
				t.Errorf("%d MiB resident, more than the 256 that the manifest asks for", most/mib)
			}
		})
	}
}

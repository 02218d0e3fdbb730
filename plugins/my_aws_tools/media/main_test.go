package media_test

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/gif"
	"image/png"
	"net/http"
	"testing"

	"go.uber.org/goleak"

	"github.com/cloudplugins/difyplugin/host"
	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/media"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/toolstest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	tool = "extract_frame"
	// pictureHost serves what users link to.
	pictureHost = "pictures.example.com"
	link        = "https://" + pictureHost + "/funny/cat.gif?sign=secret"
)

// web is a server with pictures, and the tool that fetches them.
type web struct {
	*toolstest.AWS
	*toolstest.Tools
	answer http.HandlerFunc
}

func newWeb(t *testing.T, file []byte) *web {
	t.Helper()
	return newWebWith(t, file, media.ExtractFrame)
}

// newWebWith is newWeb with another variant of the tool.
func newWebWith(t *testing.T, file []byte, extract func(context.Context, *plugin.Call, media.ExtractFrameInput) error) *web {
	t.Helper()
	t.Setenv("DIFYPLUGIN_FETCH_ALLOW", pictureHost)
	w := &web{AWS: toolstest.Start(t)}
	w.answer = func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "image/gif")
		_, _ = rw.Write(file)
	}
	if err := w.Box.Handle(pictureHost, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { w.answer(rw, r) })); err != nil {
		t.Fatal(err)
	}
	w.Tools = w.Run(t, plugin.Tool(tool, extract))
	return w
}

// with are parameters that succeed, and more, which may replace them.
func with(pairs ...any) map[string]any {
	parameters := map[string]any{"input_url": link, "input_type": "GIF"}
	for i := 0; i+1 < len(pairs); i += 2 {
		parameters[pairs[i].(string)] = pairs[i+1]
	}
	return parameters
}

// animation is a GIF of 4 by 3 pixels. Picture i is gray in a shade of its own, and shown for i+1 tenths of a second.
func animation(t testing.TB, pictures int) []byte {
	t.Helper()
	return shaded(t, pictures, 0)
}

// shaded is animation with a tint, from 0 to 255.
func shaded(t testing.TB, pictures, tint int) []byte {
	t.Helper()
	file := &gif.GIF{}
	for i := range pictures {
		palette := color.Palette{color.NRGBA{uint8(i), uint8(i / 256), uint8(tint), 255}, color.Black}
		file.Image = append(file.Image, image.NewPaletted(image.Rect(0, 0, 4, 3), palette))
		file.Delay = append(file.Delay, 10*(i+1))
	}
	var out bytes.Buffer
	if err := gif.EncodeAll(&out, file); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// shade reads which picture of an animation a file is.
func shade(t testing.TB, file *host.File) (index, tint int) {
	t.Helper()
	content, err := file.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	picture, err := png.Decode(bytes.NewReader(content))
	if err != nil {
		t.Fatalf("%s: %v", file.Name, err)
	}
	if got := picture.Bounds(); got != image.Rect(0, 0, 4, 3) {
		t.Errorf("%s has %v", file.Name, got)
	}
	c := color.NRGBAModel.Convert(picture.At(2, 1)).(color.NRGBA)
	return int(c.R) + 256*int(c.G), int(c.B)
}

// shades reads which pictures files are.
func shades(t testing.TB, files []*host.File) []int {
	t.Helper()
	indices := make([]int, len(files))
	for i, file := range files {
		indices[i], _ = shade(t, file)
	}
	return indices
}

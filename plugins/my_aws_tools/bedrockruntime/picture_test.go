package bedrockruntime_test

import (
	"bytes"
	"encoding/base64"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"testing"
)

var (
	red    = color.NRGBA{R: 200, A: 255}
	blue   = color.NRGBA{B: 200, A: 255}
	black  = color.NRGBA{A: 255}
	white  = color.NRGBA{R: 255, G: 255, B: 255, A: 255}
	glassy = color.NRGBA{R: 200, A: 254}
)

// filled is a picture of one colour, whose file is small however large it is.
func filled(width, height int, shade color.Color) image.Image {
	return image.NewPaletted(image.Rect(0, 0, width, height), color.Palette{shade})
}

func pngOf(t *testing.T, picture image.Image) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := png.Encode(&out, picture); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func jpegOf(t *testing.T, picture image.Image) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := jpeg.Encode(&out, picture, nil); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func base64Of(data []byte) string { return base64.StdEncoding.EncodeToString(data) }

// spotted is a picture with one pixel of another colour.
func spotted(width, height int, shade, spot color.Color) image.Image {
	picture := image.NewPaletted(image.Rect(0, 0, width, height), color.Palette{shade, spot})
	picture.SetColorIndex(width-1, height-1, 1)
	return picture
}

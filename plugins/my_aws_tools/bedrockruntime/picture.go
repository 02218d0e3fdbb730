package bedrockruntime

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"io"
	"net/http"
	"strings"

	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/account"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/param"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/s3"
	"golang.org/x/image/webp"
)

// maxPicture is the largest file of an image in bytes that is read: what fits into a request in base64.
const maxPicture = 18_000_000

// source is where an image comes from: an object in S3 or a file of Dify's.
type source struct {
	parameter   string // for errors
	bucket, key string
	file        *plugin.InputFile
}

// fromS3 reads the address of an image.
func fromS3(parameter, uri string) (source, error) {
	from := source{parameter: parameter}
	var err error
	from.bucket, from.key, err = s3.ParseURI(strings.TrimSpace(uri))
	return from, err
}

// either is the one image that a pair of parameters names, or nil. Both at once are refused.
func either(wrong *param.Problems, uriParameter, uri, fileParameter string, file *plugin.InputFile) *source {
	switch {
	case strings.TrimSpace(uri) == "" && file == nil:
		return nil
	case file == nil:
		from, err := fromS3(uriParameter, uri)
		wrong.Add(uriParameter, err)
		return &from
	case strings.TrimSpace(uri) != "":
		wrong.Addf(fileParameter, "is filled in, and %s as well: clear one of them", uriParameter)
	}
	return &source{parameter: fileParameter, file: file}
}

// errorf is an error about the image, which names where it comes from.
func (from source) errorf(format string, args ...any) error {
	where := "s3://" + from.bucket + "/" + from.key
	if from.file != nil {
		where = fmt.Sprintf("the file %q", from.file.Name)
	}
	return plugin.Errorf(plugin.BadRequest, "%s cannot be used as %s: %w", param.Clip(where), from.parameter, fmt.Errorf(format, args...))
}

// load reads the file of an image.
func (from source) load(ctx context.Context, call *plugin.Call, acct *account.Account) ([]byte, error) {
	if from.file == nil {
		data, _, err := s3.OpenBucket(ctx, acct, from.bucket, call.Logger()).Read(ctx, from.key, maxPicture)
		return data, err
	}
	got, err := from.file.Open(ctx, maxPicture)
	if err != nil {
		return nil, err
	}
	defer got.Body.Close()
	data, err := io.ReadAll(got.Body)
	if err != nil {
		return nil, plugin.Errorf(plugin.Connection, "the file %q broke off while it was read from Dify: %w; try again", from.file.Name, err)
	}
	return data, nil
}

// format is a kind of image file.
type format struct {
	mediaType, extension string
	config               func(io.Reader) (image.Config, error)
	decode               func(io.Reader) (image.Image, error)
}

// formatOf finds out from its first bytes what an image is.
func formatOf(data []byte) (format, error) {
	switch kind := http.DetectContentType(data); kind {
	case "image/png":
		return format{kind, ".png", png.DecodeConfig, png.Decode}, nil
	case "image/jpeg":
		return format{kind, ".jpg", jpeg.DecodeConfig, jpeg.Decode}, nil
	case "image/webp":
		return format{kind, ".webp", webp.DecodeConfig, webp.Decode}, nil
	}
	return format{}, errors.New("it is neither a PNG nor a JPEG nor a WebP image")
}

// decode makes a picture of a file, if its size is allowed, and lets use look at it. No other picture is held meanwhile.
// The error names the image, unless the call is over.
func (from source) decode(ctx context.Context, data []byte, allowed func(width, height int) error, use func(image.Image) error) error {
	err := decode(ctx, data, allowed, use)
	switch {
	case err == nil:
		return nil
	case isOver(err):
		return fmt.Errorf("look at the image of %s: %w", from.parameter, err)
	}
	return from.errorf("%w", err)
}

func decode(ctx context.Context, data []byte, allowed func(width, height int) error, use func(image.Image) error) error {
	kind, err := formatOf(data)
	if err != nil {
		return err
	}
	config, err := kind.config(bytes.NewReader(data))
	if err != nil {
		return fmt.Errorf("it is damaged: %w", err)
	}
	if err := allowed(config.Width, config.Height); err != nil {
		return err
	}
	if err := oneAtATime().Acquire(ctx, 1); err != nil {
		return err
	}
	defer oneAtATime().Release(1)
	picture, err := kind.decode(bytes.NewReader(data))
	if err != nil {
		return fmt.Errorf("it is damaged: %w", err)
	}
	return use(picture)
}

// opaque refuses a picture one can see through.
func opaque(picture image.Image) error {
	if plain, ok := picture.(interface{ Opaque() bool }); ok && plain.Opaque() {
		return nil
	}
	bounds := picture.Bounds()
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			if _, _, _, alpha := picture.At(x, y).RGBA(); alpha != 0xffff {
				return fmt.Errorf("it is transparent at %d, %d, and the model takes only images without transparency: give it a background", x-bounds.Min.X, y-bounds.Min.Y)
			}
		}
	}
	return nil
}

func encodePNG(picture image.Image) ([]byte, error) {
	var out bytes.Buffer
	if err := png.Encode(&out, picture); err != nil {
		return nil, fmt.Errorf("write it as PNG: %w", err)
	}
	return out.Bytes(), nil
}

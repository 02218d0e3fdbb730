package plugin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/cloudplugins/difyplugin/internal/fetch"
)

// fetchSource is where downloads go through.
type fetchSource struct{ client *fetch.Client }

func (s *fetchSource) get(ctx context.Context, url string, limit int64) (*Fetched, error) {
	resp, err := s.client.Get(ctx, url, limit)
	if err != nil {
		return nil, fetchError(err)
	}
	return &Fetched{Body: resp.Body, Size: resp.Size, Type: resp.Type, Name: resp.Name}, nil
}

func (c *Call) fetch(ctx context.Context, url string, limit int64) (*Fetched, error) {
	return c.plugin.fetch.get(ctx, url, limit)
}

// inputFile reads the value of a file parameter. Dify marks it; some of its versions do not, which makes no
// difference: what has a URL is a file.
func (b *binding) inputFile(value any) (InputFile, error) {
	if list, ok := value.([]any); ok && len(list) == 1 {
		value = list[0]
	}
	object, ok := value.(map[string]any)
	if !ok {
		return InputFile{}, fmt.Errorf("must be a file, it is %s", kindOf(value))
	}
	get := func(name string) string { s, _ := object[name].(string); return s }
	f := InputFile{Type: get("mime_type"), Kind: get("type"), Size: -1, url: get("url"), source: b.files}
	if name := get("filename"); name != "" {
		f.Name = baseName(name)
	}
	if size, ok := object["size"].(json.Number); ok {
		if n, err := wholeNumber(size.String()); err == nil && n >= 0 {
			f.Size = n
		}
	}
	if f.url == "" {
		return f, errors.New("is a file without a url")
	}
	return f, nil
}

func (f InputFile) open(ctx context.Context, limit int64) (*Fetched, error) {
	if f.source == nil {
		return nil, Errorf(BadRequest, "no file was given")
	}
	if f.Size > limit {
		return nil, Errorf(BadRequest, "file %q has %s, at most %s are taken", f.Name, byteCount(f.Size), byteCount(limit))
	}
	got, err := f.source.get(ctx, f.url, limit)
	if err != nil {
		return nil, err
	}
	if f.Name != "" {
		got.Name = f.Name
	}
	if f.Type != "" {
		got.Type = mimeType(f.Type, f.Name)
	}
	return got, nil
}

func newTransport(official func(host string) bool) (http.RoundTripper, error) {
	client, err := fetch.New(environment())
	if err != nil {
		return nil, err
	}
	return refusing{client.Transport(official)}, nil
}

// refusing gives the refusals of a transport their kind: a cloud's library passes errors on, and does not try again
// what is refused for good.
type refusing struct{ http.RoundTripper }

func (r refusing) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := r.RoundTripper.RoundTrip(req)
	var known *fetch.Error
	if errors.As(err, &known) && (known.Kind == fetch.Refused || known.Kind == fetch.Invalid) {
		return nil, fetchError(err)
	}
	return resp, err
}

func (r refusing) CloseIdleConnections() {
	if c, ok := r.RoundTripper.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

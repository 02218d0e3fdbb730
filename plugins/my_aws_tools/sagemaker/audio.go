package sagemaker

import (
	"context"
	"io"
	"path"
	"strings"

	"github.com/cloudplugins/difyplugin/plugin"
)

// maxAudio is the longest audio in bytes that is made a file.
const maxAudio = 200 << 20

// sendAudio fetches what a model has stored and sends it as a file.
func sendAudio(ctx context.Context, call *plugin.Call, at string) error {
	if scheme, _, _ := strings.Cut(at, "://"); !strings.EqualFold(scheme, "https") {
		return plugin.Errorf(plugin.Unavailable, "the speech was made, but its URL begins with %q and not with https://, so that its audio is not fetched. Run this again without download_audio to get the URL", clip(scheme, 20))
	}
	fetched, err := call.Fetch(ctx, at, maxAudio)
	if err != nil {
		return plugin.Errorf(plugin.KindOf(err), "the speech was made, but its audio could not be fetched: %w. Run this again without download_audio to get its URL alone", err)
	}
	defer fetched.Body.Close()
	first := fetched.Body
	return call.File(ctx, plugin.File{
		Name: audioName(fetched.Name), Type: audioType(fetched), Size: fetched.Size,
		Open: func(ctx context.Context) (io.ReadCloser, error) {
			if body := first; body != nil {
				first = nil
				return body, nil
			}
			again, err := call.Fetch(ctx, at, maxAudio)
			if err != nil {
				return nil, err
			}
			return again.Body, nil
		},
	})
}

func audioName(name string) string {
	if name == "" {
		return "speech.wav"
	}
	return name
}

// audioType is the type that the store says, unless it says nothing; then the name decides.
func audioType(f *plugin.Fetched) string {
	if f.Type != "" && !strings.HasSuffix(f.Type, "/octet-stream") {
		return f.Type
	}
	switch strings.ToLower(path.Ext(audioName(f.Name))) {
	case ".wav":
		return "audio/wav"
	case ".mp3":
		return "audio/mpeg"
	case ".flac":
		return "audio/flac"
	case ".ogg", ".opus":
		return "audio/ogg"
	case ".m4a", ".mp4":
		return "audio/mp4"
	}
	return f.Type
}

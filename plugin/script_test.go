package plugin

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// scriptInput is the input of the tool "script": what it does, one step an element. A transcript thus shows beside
// each other what a tool does and what the host gets to see of it.
type scriptInput struct {
	Do  []string `param:"do"`
	Pin string   `param:"pin,secret"`
}

func script(ctx context.Context, call *Call, in scriptInput) error {
	s := scripted{call: call}
	for _, line := range in.Do {
		if err := s.step(ctx, line); err != nil {
			return err
		}
	}
	return nil
}

// scripted is a run of the tool.
type scripted struct {
	call  *Call
	steps []*Step // open ones, each below the one before
}

func (s *scripted) step(ctx context.Context, line string) error {
	verb, rest, _ := strings.Cut(line, " ")
	if send, ok := s.messages()[verb]; ok {
		return send(rest)
	}
	if act, ok := s.acts()[verb]; ok {
		return act(ctx, rest)
	}
	return fmt.Errorf("the script has an unknown step: %s", line)
}

func (s *scripted) messages() map[string]func(rest string) error {
	call := s.call
	return map[string]func(string) error{
		"text":       call.Text,
		"pad":        func(size string) error { return call.Text(strings.Repeat("x", number(size))) },
		"hex":        func(digits string) error { return call.Text(string(unhex(digits))) },
		"json":       func(text string) error { return call.JSON(json.RawMessage(text)) },
		"link":       call.Link,
		"image":      call.Image,
		"image_link": call.ImageLink,
		"variable": func(rest string) error {
			name, value, _ := strings.Cut(rest, " ")
			return call.Variable(name, json.RawMessage(value))
		},
		"stream": func(rest string) error {
			name, piece, _ := strings.Cut(rest, " ")
			return call.StreamVariable(name, piece)
		},
		"passage": func(content string) error {
			score := 0.9
			return call.RetrieverResources([]RetrieverResource{{Position: 1, Score: &score, Content: &content}}, "as the model reads it")
		},
		"step":  s.openStep,
		"spent": func(string) error { s.top().Spent(Usage{"acme", 0.5, "USD", 12}); return nil },
		"done": func(data string) error {
			var object map[string]any
			_ = json.Unmarshal([]byte(data), &object) // nothing means no data
			return s.pop().Done(object)
		},
		"failed": func(reason string) error { return s.pop().Fail(errors.New(reason)) },
		"note":   func(message string) error { call.Logger().Info(message, "n", 1); return nil },
		"error": func(rest string) error {
			kind, text, _ := strings.Cut(rest, " ")
			return Errorf(Kind(kind), "%s", text)
		},
		"plainly": func(text string) error { return errors.New(text) },
		"panic":   func(text string) error { panic(text) },
		"goexit":  func(string) error { runtime.Goexit(); return nil },
	}
}

func (s *scripted) acts() map[string]func(ctx context.Context, rest string) error {
	call := s.call
	return map[string]func(context.Context, string) error{
		"ignoring": func(ctx context.Context, step string) error { _ = s.step(ctx, step); return nil },
		"file": func(ctx context.Context, rest string) error {
			name, kind, size := three(rest)
			return call.File(ctx, Bytes(name, kind, bytes.Repeat([]byte("x"), number(size))))
		},
		"torn": func(ctx context.Context, rest string) error {
			name, size, got := three(rest)
			return call.File(ctx, tornFile(name, number(size), number(got)))
		},
		"upload": func(ctx context.Context, rest string) error {
			name, kind, content := three(rest)
			stored, err := call.Upload(ctx, Bytes(name, kind, []byte(content)))
			if err != nil {
				return err
			}
			return call.Text(fmt.Sprintf("%s %s %d %s %s", stored.ID, stored.Name, stored.Size, stored.Extension, stored.Type))
		},
		"relay": func(ctx context.Context, rest string) error {
			provider, tool, _ := strings.Cut(rest, " ")
			for m, err := range call.InvokeTool(ctx, ToolRequest{Provider: provider, Tool: tool}) {
				if err != nil {
					return err
				}
				if err := call.Relay(m); err != nil {
					return err
				}
			}
			return nil
		},
		"get": func(ctx context.Context, key string) error {
			value, err := call.Storage().Get(ctx, key)
			if errors.Is(err, ErrNotStored) {
				return call.Text("not stored")
			}
			if err != nil {
				return err
			}
			return call.Text("got " + string(value))
		},
		"set": func(ctx context.Context, rest string) error {
			key, value, _ := strings.Cut(rest, " ")
			return call.Storage().Set(ctx, key, []byte(value))
		},
		"delete": func(ctx context.Context, key string) error { return call.Storage().Delete(ctx, key) },
		"exists": func(ctx context.Context, key string) error {
			found, err := call.Storage().Exists(ctx, key)
			if err != nil {
				return err
			}
			return call.Text(strconv.FormatBool(found))
		},
		"progress": func(ctx context.Context, rest string) error {
			label, done, total := three(rest)
			call.Progress(ctx, label, int64(number(done)), int64(number(total)))
			return nil
		},
		"await": func(ctx context.Context, _ string) error { <-ctx.Done(); return ctx.Err() },
		"linger": func(_ context.Context, length string) error {
			d, err := time.ParseDuration(length)
			<-time.After(d) // whatever becomes of the call
			return err
		},
	}
}

func (s *scripted) openStep(label string) error {
	data := map[string]any{"k": "v"}
	var step *Step
	var err error
	if len(s.steps) == 0 {
		step, err = s.call.Step(label, data)
	} else {
		step, err = s.top().Step(label, data)
	}
	s.steps = append(s.steps, step)
	return err
}

func (s *scripted) top() *Step { return s.steps[len(s.steps)-1] }

func (s *scripted) pop() *Step {
	step := s.top()
	s.steps = s.steps[:len(s.steps)-1]
	return step
}

// tornFile announces size bytes and breaks off after got.
func tornFile(name string, size, got int) File {
	return File{Name: name, Size: int64(size), Open: func(context.Context) (io.ReadCloser, error) {
		return io.NopCloser(io.MultiReader(strings.NewReader(strings.Repeat("x", got)), failingReader{})), nil
	}}
}

type failingReader struct{}

func (failingReader) Read([]byte) (int, error) { return 0, errors.New("the checksum is wrong") }

func three(rest string) (a, b, c string) {
	a, rest, _ = strings.Cut(rest, " ")
	b, c, _ = strings.Cut(rest, " ")
	return a, b, c
}

func number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		panic(err)
	}
	return n
}

func unhex(digits string) []byte {
	data, err := hex.DecodeString(digits)
	if err != nil {
		panic(err)
	}
	return data
}

// scriptedDrive is a drive of fixed content.
type scriptedDrive struct{}

// Check refuses one key.
func (scriptedDrive) Check(_ context.Context, c Credentials) error { return checkKey(c) }

func checkKey(c Credentials) error {
	if c.Get("access_key") == "bad-key" {
		return Errorf(Authorization, "the access key is not known in %s", c.Get("region"))
	}
	return nil
}

// Browse shows buckets at the root, and in a bucket the folder that the prefix names.
func (scriptedDrive) Browse(_ context.Context, call *Call, in BrowseRequest) (Page, error) {
	switch {
	case in.Bucket == "" && call.Credentials().Get("region") == "empty":
		return Page{Buckets: []string{}}, nil
	case in.Bucket == "":
		return Page{Buckets: []string{"b1", "b2"}}, nil
	case in.Prefix == "empty/":
		return Page{}, nil
	case in.Prefix == "gone/":
		return Page{}, Errorf(BadRequest, "there is no folder %s", in.Prefix)
	case in.Cursor == nil:
		return Page{
			Entries: []Entry{{ID: "docs/sub/", Name: "sub", Folder: true}, {ID: "docs/a.pdf", Name: "a.pdf", Size: 1 << 40}},
			Next:    map[string]any{"marker": "docs/a.pdf", "seen": json.Number("9007199254740993")},
		}, nil
	default:
		name := fmt.Sprintf("after %v, %v at most %d", in.Cursor["marker"], in.Cursor["seen"], in.MaxKeys)
		return Page{Entries: []Entry{{ID: "docs/b.pdf", Name: name, Size: 2}}}, nil
	}
}

// Download knows files by their ids.
func (scriptedDrive) Download(_ context.Context, _ *Call, in DownloadRequest) (File, error) {
	switch in.ID {
	case "docs/a.txt":
		return Bytes(in.ID, "", []byte("hello from "+in.Bucket)), nil
	case "big.png":
		return Bytes(in.ID, "image/png", bytes.Repeat([]byte("x"), 1000)), nil
	case "torn.txt":
		return tornFile(in.ID, 20, 10), nil
	case "torn-big.txt":
		return tornFile(in.ID, 2000, 1500), nil
	default:
		return File{}, Errorf(BadRequest, "there is no file %s", in.ID)
	}
}

func listChoices(_ context.Context, call *Call) ([]Option, error) {
	switch call.Credentials().Get("region") {
	case "empty":
		return nil, nil
	case "broken":
		return []Option{{Value: ""}}, nil
	}
	return []Option{
		{Value: "b1", Label: map[string]string{"en_US": "Bucket 1", "zh_Hans": "存储桶", "ja_JP": ""}, Icon: "https://example.com/b.png"},
		{Value: "b2"},
	}, nil
}

package transcribe

import (
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/param"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/s3"
)

const (
	// maxMedia is the largest media in bytes that Transcribe takes, after "Guidelines and quotas" in its Developer Guide:
	// 2 GB.
	maxMedia = 2 << 30
	// sniffed is how many of the first bytes tell what media are. A WebM file names its type within these.
	sniffed = 64
)

// source is where media are: exactly one of the three is set.
type source struct {
	url  string
	file *plugin.InputFile
	s3   string // the address of an object that is there already
}

// readSource prefers a file: file_url cannot be left out in Dify's form.
func readSource(url string, file *plugin.InputFile) (source, error) {
	url = strings.TrimSpace(url)
	scheme, _, _ := strings.Cut(strings.ToLower(url), "://")
	switch {
	case file != nil:
		return source{file: file}, nil
	case scheme == "s3":
		bucket, key, err := s3.ParseURI(url)
		if err == nil && strings.HasPrefix(bucket, "arn:") {
			err = errors.New("names an access point, and Transcribe reads from buckets only: write the name of its bucket")
		}
		return source{s3: "s3://" + bucket + "/" + key}, err
	case scheme == "http", scheme == "https", strings.HasPrefix(url, "/"):
		return source{url: url}, nil
	}
	return source{}, fmt.Errorf("is %q, which is not an address: it begins with https:// or http://, or with s3:// where the media are in S3", param.Clip(withoutQuery(url)))
}

// withoutQuery leaves out the part of a URL that may hold a signature.
func withoutQuery(url string) string {
	before, _, _ := strings.Cut(url, "?")
	return before
}

// readBucket reads the name of the bucket for media.
func readBucket(text string) (string, error) {
	text = strings.TrimSpace(text)
	if !strings.Contains(text, "://") {
		text = "s3://" + text
	}
	bucket, folder, err := s3.ParseFolder(text)
	switch {
	case err != nil:
		return "", err
	case folder != "":
		return "", fmt.Errorf("is %q, which names a folder too: enter the name of the bucket alone", param.Clip(text))
	case strings.HasPrefix(bucket, "arn:"):
		return "", errors.New("is an access point, and Transcribe reads from buckets only: enter the name of its bucket")
	}
	return bucket, nil
}

// open begins the download of media that are not in S3.
func (s source) open(ctx context.Context, call *plugin.Call) (*media, error) {
	// One byte more than is permitted, so that the error is our own.
	var fetched *plugin.Fetched
	var err error
	if s.file != nil {
		fetched, err = s.file.Open(ctx, maxMedia+1)
	} else {
		fetched, err = call.Fetch(ctx, s.url, maxMedia+1)
	}
	if err != nil {
		return nil, err
	}
	m, err := newMedia(fetched)
	if err != nil {
		_ = fetched.Body.Close()
	}
	return m, err
}

// media are on their way from where the user has them to S3.
type media struct {
	fetched *plugin.Fetched
	content *bufio.Reader
	end     *bounded // what content reads from
	size    int64    // -1 when it is not known
	format  format
}

// newMedia finds out what is being downloaded. What was compressed with gzip, by its server or before, is decompressed:
// Transcribe does not do it.
func newMedia(fetched *plugin.Fetched) (*media, error) {
	name := fetched.Name
	m := &media{fetched: fetched, size: fetched.Size}
	head, err := m.readFrom(fetched.Body)
	if err == nil || errors.Is(err, io.EOF) {
		if len(head) > 1 && head[0] == 0x1f && head[1] == 0x8b {
			head, err = m.decompress()
			name = strings.TrimSuffix(strings.TrimSuffix(name, ".gz"), ".GZ")
		}
	}
	switch {
	case err != nil && !errors.Is(err, io.EOF):
		return nil, err
	case len(head) == 0:
		return nil, plugin.Errorf(plugin.BadRequest, "the media file %s is empty: check file_url", called(fetched.Name))
	}
	if m.format, err = detect(head, fetched.Type, name); err != nil {
		return nil, plugin.Errorf(plugin.BadRequest, "the media file %s %w", called(fetched.Name), err)
	}
	return m, nil
}

// decompress puts a decompressor in front of what is read.
func (m *media) decompress() (head []byte, err error) {
	plain, err := gzip.NewReader(m.content)
	if err != nil {
		return nil, broken(err)
	}
	m.size = -1
	return m.readFrom(plain)
}

// readFrom makes r what the content is read from, and returns its first bytes.
func (m *media) readFrom(r io.Reader) (head []byte, err error) {
	m.end = &bounded{from: r, left: maxMedia}
	m.content = bufio.NewReader(m.end)
	return m.content.Peek(sniffed)
}

// unreadable reports whether the content could not be read to its end.
func (m *media) unreadable() bool { return m.end.failed }

func (m *media) close() { _ = m.fetched.Body.Close() }

// called is how an error names a file.
func called(name string) string {
	if name == "" {
		return "without a name"
	}
	return fmt.Sprintf("%q", param.Clip(name))
}

// bounded reads at most as much as Transcribe takes: more is an error, and not a shorter file. It gives errors their
// kinds.
type bounded struct {
	from   io.Reader
	left   int64
	failed bool
}

// Read implements [io.Reader].
func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.from.Read(p)
	if b.left -= int64(n); b.left < 0 {
		b.failed = true
		return 0, plugin.Errorf(plugin.BadRequest, "the media file has more than 2 GB, the most that Transcribe takes: cut it into pieces, or convert it to a smaller format such as mp3")
	}
	if err != nil && !errors.Is(err, io.EOF) {
		b.failed = true
		err = broken(err)
	}
	return n, err
}

// broken is the error of a download that did not come to its end.
func broken(err error) error {
	var known *plugin.Error
	if errors.As(err, &known) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return plugin.Errorf(plugin.Connection, "the media file broke off while it was downloaded: %w; nothing was transcribed, try again", err)
}

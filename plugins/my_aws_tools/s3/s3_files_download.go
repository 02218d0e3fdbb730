package s3

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/account"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/param"
)

// maxBatch is how many objects one call downloads at most.
const maxBatch = 1000

// DownloadFilesInput is the input of s3_files_download.
type DownloadFilesInput struct {
	account.Input
	URIs          []any `param:"s3_uris"`
	RequesterPays bool  `param:"requester_pays"`
}

// DownloadFiles is the tool s3_files_download. It hands objects over as files, in the order in which they were asked
// for, followed by what became of each. An object that fails does not stop the others; when all fail, the call does.
//
// Four objects are on their way at a time. Those of up to 16 MiB are read while the ones before them are handed over, as
// far as there is memory for it; larger ones pass through as streams when it is their turn. Of files with the same name
// the later ones get a number in front of the extension.
func DownloadFiles(ctx context.Context, call *plugin.Call, in DownloadFilesInput) error {
	uris, err := in.uris()
	if err != nil {
		return err
	}
	a, err := in.Open(ctx, call)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	d := &downloads{call: call, buckets: openBuckets(ctx, a, uris, in.RequesterPays), uris: uris, taken: names{}}
	inOrder(len(uris), func(i int) fetched { return d.fetch(ctx, i) }, func(i int, f fetched) { d.send(ctx, i, f) })
	if d.lost != nil {
		return d.all.lost(d.lost)
	}
	return d.all.answer(call, "downloaded", downloadLine, "\n\n")
}

// uris are the addresses that were given, blanks left out. Faulty ones are kept: they are failures of their own.
func (in DownloadFilesInput) uris() ([]string, error) {
	var wrong param.Problems
	var uris []string
	faulty := 0
	for i, item := range in.URIs {
		uri, ok := item.(string)
		switch {
		case item != nil && !ok:
			wrong.Add("s3_uris", fmt.Errorf("holds something other than a text at place %d", i+1))
		case strings.TrimSpace(uri) != "":
			uris = append(uris, uri)
			if _, err := parseURI(uri); err != nil {
				faulty++
			}
		}
	}
	switch {
	case len(wrong) > 0:
	case len(uris) == 0:
		wrong.Add("s3_uris", errors.New("is empty: give at least one address, written like s3://bucket/key"))
	case faulty == len(uris):
		for _, uri := range uris[:min(len(uris), 5)] {
			_, err := parseURI(uri)
			wrong.Add("s3_uris", err)
		}
	case len(uris) > maxBatch:
		wrong.Add("s3_uris", fmt.Errorf("has %d addresses, at most %d are downloaded at once: use an iteration", len(uris), maxBatch))
	}
	return uris, wrong.Err("s3_files_download")
}

func openBuckets(ctx context.Context, a *account.Account, uris []string, requesterPays bool) map[string]*bucket {
	buckets := map[string]*bucket{}
	for _, uri := range uris {
		at, err := parseURI(uri)
		if err == nil && buckets[at.bucket] == nil {
			buckets[at.bucket] = openBucket(ctx, a, at.bucket, requesterPays)
		}
	}
	return buckets
}

// downloads is one run of s3_files_download.
type downloads struct {
	call    *plugin.Call
	buckets map[string]*bucket
	uris    []string
	taken   names
	all     batch
	lost    error // a file whose beginning Dify has already, after which the call cannot succeed
}

// fetched is an object that is ready to be handed over, or the reason why there is none.
type fetched struct {
	at      location
	object  *object
	content []byte // nil when it has to be read from the object
	release func()
	err     error
}

// fetch asks for an object and reads it, if it is small and there is memory for it. It never waits for memory, which
// those may hold that wait for this one to be handed over.
func (d *downloads) fetch(ctx context.Context, i int) fetched {
	f := fetched{release: func() {}}
	if f.at, f.err = parseURI(d.uris[i]); f.err != nil {
		f.err = plugin.Errorf(plugin.BadRequest, "the address %w", f.err)
		return f
	}
	if f.object, f.err = openObject(ctx, d.buckets[f.at.bucket], f.at.key, "", d.call.Logger()); f.err != nil {
		return f
	}
	memory, size := theProcess().memory, f.object.size
	if size < 0 || size > partSize || !memory.TryAcquire(size) {
		return f
	}
	f.release = func() { memory.Release(size) }
	f.content, f.err = readAll(ctx, f.object)
	return f
}

func readAll(ctx context.Context, o *object) ([]byte, error) {
	content, err := o.opener()(ctx)
	if err != nil {
		return nil, err
	}
	defer content.Close()
	data := make([]byte, 0, o.size+bytes.MinRead)
	buffer := bytes.NewBuffer(data)
	_, err = buffer.ReadFrom(content)
	return buffer.Bytes(), err
}

// send hands a file over and notes what became of it.
func (d *downloads) send(ctx context.Context, i int, f fetched) {
	defer f.release()
	e := entry{fields: map[string]any{"index": i, "s3_uri": d.uris[i]}}
	if f.at.bucket != "" {
		e.fields["bucket"], e.fields["key"] = f.at.bucket, f.at.key
	}
	if f.err == nil && d.lost == nil {
		f.err = d.handOver(ctx, f, e)
	}
	if f.err != nil {
		e = e.failed(f.err)
	}
	d.all = append(d.all, e)
}

func (d *downloads) handOver(ctx context.Context, f fetched, e entry) error {
	file := f.object.file(d.taken.unique(fileName(f.at.key)))
	if f.content != nil {
		file.Size = int64(len(f.content))
		file.Open = func(context.Context) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(f.content)), nil }
	}
	if err := d.call.File(ctx, file); err != nil {
		d.lost = handOver(f.at, err)
		return d.lost
	}
	first := f.object.first
	e.fields["status"], e.fields["filename"] = "ok", file.Name
	facts := f.object.facts(f.at)
	for _, name := range []string{"content_type", "content_length", "etag", "last_modified"} {
		e.fields[name] = facts[name]
	}
	kmsKey, _ := facts["kms_key_id"].(string)
	e.encryption(string(first.ServerSideEncryption), kmsKey, facts["bucket_key_enabled"] == true)
	return nil
}

// lost is the error of a call that cannot succeed any more; what else failed is part of it.
func (all batch) lost(cause error) error {
	lines := []string{cause.Error()}
	for _, e := range all {
		if e.err != nil && !errors.Is(cause, e.err) {
			lines = append(lines, downloadLine(e))
		}
	}
	return plugin.Errorf(plugin.KindOf(cause), "%s", strings.Join(lines, "\n"))
}

// downloadLine is the part of the text about an object.
func downloadLine(e entry) string {
	if e.err != nil {
		return fmt.Sprintf("FAILED [%v] %v: %v", e.fields["index"], e.fields["s3_uri"], e.err)
	}
	text := fmt.Sprintf("bucket: %v\nkey: %v", e.fields["bucket"], e.fields["key"])
	if length := e.fields["content_length"]; length != nil {
		text += fmt.Sprintf("\ncontent_length: %v", length)
	}
	return text
}

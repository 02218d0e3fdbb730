package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/tencentyun/cos-go-sdk-v5"
)

// download opens an object with GET, the only request that the permission to read objects allows, and decides by
// the answer's headers what kind of file it is. Its bytes are read when the file is sent.
func (d *drive) download(ctx context.Context, a account, in plugin.DownloadRequest, log *slog.Logger) (plugin.File, error) {
	if in.Bucket == "" {
		return plugin.File{}, errNoBucket()
	}
	if err := a.allows(in.Bucket); err != nil {
		return plugin.File{}, err
	}
	if in.ID == "" || strings.HasSuffix(in.ID, "/") {
		return plugin.File{}, plugin.Errorf(plugin.BadRequest, "%q is a folder of bucket %q, not a file: choose a file in it",
			clip(in.ID), in.Bucket)
	}
	o := &object{drive: d, account: a, bucket: in.Bucket, key: in.ID, log: log}
	first, err := o.get(ctx, 0)
	if err != nil {
		return plugin.File{}, err
	}
	o.describe(first)
	return plugin.File{
		Name: lastSegment(in.ID),
		Type: mediaType(first.Header.Get("Content-Type"), in.ID),
		Size: o.fileSize(),
		Open: o.opener(first),
	}, nil
}

// object is an object as its first answer described it. What is read later must be the same.
type object struct {
	drive       *drive
	account     account
	bucket, key string
	log         *slog.Logger

	etag     string
	size     int64  // of the bytes as they are stored; -1 when COS did not say
	checksum string // their CRC-64 in decimal; "" when COS did not say
	gzipped  bool
}

func (o *object) describe(first *http.Response) {
	o.etag = first.Header.Get("ETag")
	o.size = first.ContentLength
	o.checksum = first.Header.Get("X-Cos-Hash-Crc64ecma")
	switch strings.ToLower(strings.TrimSpace(first.Header.Get("Content-Encoding"))) {
	case "gzip", "x-gzip":
		o.gzipped = true
	}
}

// fileSize is the length of the file, which is not that of the object when it has to be unpacked first.
func (o *object) fileSize() int64 {
	if o.gzipped {
		return -1
	}
	return o.size
}

// opener returns the file's Open. The first call gets the answer that is already there.
func (o *object) opener(first *http.Response) func(ctx context.Context) (io.ReadCloser, error) {
	var once sync.Once
	return func(ctx context.Context) (io.ReadCloser, error) {
		var ready io.ReadCloser
		once.Do(func() { ready = first.Body })
		if ready == nil {
			again, err := o.get(ctx, 0)
			if err != nil {
				return nil, err
			}
			if err := o.same(again); err != nil {
				return nil, err
			}
			ready = again.Body
		}
		body := newBody(ctx, o, ready)
		if o.gzipped {
			return newUnpacked(body, o), nil
		}
		return body, nil
	}
}

// same makes sure that a later answer is about the same bytes. If-Match does that too, where COS honours it.
func (o *object) same(again *http.Response) error {
	if again.Header.Get("ETag") == o.etag && again.Header.Get("X-Cos-Hash-Crc64ecma") == o.checksum {
		return nil
	}
	_ = again.Body.Close()
	return o.operation().errorf(plugin.Connection, "it was replaced while it was being read; nothing was stored, try again")
}

// get asks for the object from an offset on. After the first answer it insists on the same object.
func (o *object) get(ctx context.Context, offset int64) (*http.Response, error) {
	header := http.Header{}
	query := &cos.ObjectGetOptions{XOptionHeader: &header}
	if offset > 0 {
		query.Range = "bytes=" + strconv.FormatInt(offset, 10) + "-"
	}
	if o.etag != "" {
		header.Set("If-Match", o.etag)
	}
	return inBucket(ctx, o.drive, o.account, o.operation(), func(region string) (*http.Response, error) {
		client, err := o.drive.objectClient(o.account, o.bucket, region)
		if err != nil {
			return nil, err
		}
		answer, err := client.Object.Get(withObjectKey(ctx, o.key), o.key, query)
		if err != nil {
			return nil, err
		}
		return answer.Response, nil
	})
}

func (o *object) operation() operation {
	return operation{
		doing:  fmt.Sprintf("download %q from bucket %q", clip(o.key), o.bucket),
		action: "name/cos:GetObject",
		bucket: o.bucket,
		key:    o.key,
	}
}

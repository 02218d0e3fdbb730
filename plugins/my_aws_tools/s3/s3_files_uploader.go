package s3

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/account"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/param"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/result"
)

// UploadFilesInput is the input of s3_files_uploader.
type UploadFilesInput struct {
	account.Input
	Presigning
	Storing
	Bucket        string             `param:"bucket_name"`
	Prefix        string             `param:"key_prefix"`
	Files         []plugin.InputFile `param:"input_files"`
	RequesterPays bool               `param:"requester_pays"`
}

// UploadFiles is the tool s3_files_uploader. It stores files in a bucket, four at a time, and returns what became of
// each in the order in which they were given. A file that fails does not stop the others; when all fail, the call does.
//
// Keys are made as in [UploadFile], from the files' names. Of files with the same name the later ones get a number in
// front of the extension: report.pdf, report-1.pdf.
func UploadFiles(ctx context.Context, call *plugin.Call, in UploadFilesInput) error {
	if err := in.check(); err != nil {
		return err
	}
	a, err := in.Open(ctx, call)
	if err != nil {
		return err
	}
	u := uploads{call: call, in: in, bucket: openBucket(ctx, a, in.Bucket, in.RequesterPays), keys: in.keys(ctx)}
	var all batch
	inOrder(len(in.Files), func(i int) entry { return u.one(ctx, i) }, func(_ int, e entry) { all = append(all, e) })
	return all.answer(call, "uploaded", uploadLine, "\n")
}

func (in UploadFilesInput) check() error {
	var wrong param.Problems
	wrong.Add("bucket_name", checkBucket(in.Bucket))
	if len(in.Files) == 0 {
		wrong.Add("input_files", errors.New("is empty: choose at least one file"))
	}
	in.Presigning.check(&wrong)
	in.Storing.check(&wrong)
	return wrong.Err("s3_files_uploader")
}

// keys are the keys of all files, none of them twice.
func (in UploadFilesInput) keys(ctx context.Context) []string {
	taken := names{}
	keys := make([]string, len(in.Files))
	for i, file := range in.Files {
		keys[i] = taken.unique(joinKey(in.Prefix, nameOf(ctx, file)))
	}
	return keys
}

// uploads is one run of s3_files_uploader.
type uploads struct {
	call   *plugin.Call
	in     UploadFilesInput
	bucket *bucket
	keys   []string
}

// one uploads one file. A URL that cannot be presigned is noted; the object is there all the same.
func (u uploads) one(ctx context.Context, i int) entry {
	at := location{u.in.Bucket, u.keys[i]}
	e := entry{fields: map[string]any{"index": i, "bucket_name": at.bucket, "object_key": at.key, "s3_uri": at.uri()}}
	if err := checkKey(at.key); err != nil {
		return e.failed(plugin.Errorf(plugin.BadRequest, "the key %q %w", param.Clip(at.key), err))
	}
	kept, err := uploadFile(ctx, &upload{bucket: u.bucket, key: at.key, storing: u.in.Storing, log: u.call.Logger()}, u.in.Files[i])
	if err != nil {
		return e.failed(err)
	}
	e.fields["status"] = "ok"
	e.encryption(string(kept.sse), kept.kmsKey, kept.bucketKey)
	if u.in.Presign {
		url, err := presign(ctx, u.bucket, at.key, u.in.Presigning)
		if err != nil {
			e.fields["presign_error"] = err.Error()
			return e
		}
		e.fields["presigned_url"], e.fields["presign_expiry"] = url, u.in.seconds()
	}
	return e
}

// uploadLine is the line of the text about a file.
func uploadLine(e entry) string {
	if e.err != nil {
		return fmt.Sprintf("FAILED [%v]: %v", e.fields["index"], e.err)
	}
	if url, ok := e.fields["presigned_url"].(string); ok {
		return url
	}
	return e.fields["s3_uri"].(string)
}

// entry is what became of one file of a batch.
type entry struct {
	fields map[string]any
	err    error
}

func (e entry) failed(err error) entry {
	e.err = err
	e.fields["status"], e.fields["error"] = "failed", err.Error()
	return e
}

// encryption notes how an object is encrypted, as far as S3 said so.
func (e entry) encryption(sse, kmsKey string, bucketKey bool) {
	for name, value := range map[string]string{"server_side_encryption": sse, "kms_key_id": kmsKey} {
		if value != "" {
			e.fields[name] = value
		}
	}
	if bucketKey {
		e.fields["bucket_key_enabled"] = true
	}
}

// batch is what became of all of them, in the order in which they were asked for.
type batch []entry

// answer sends the results, or fails where nothing succeeded.
func (all batch) answer(call *plugin.Call, done string, line func(entry) string, separator string) error {
	var first error
	failed := 0
	results, lines := make([]any, len(all)), make([]string, len(all))
	for i, e := range all {
		results[i], lines[i] = e.fields, line(e)
		if e.err != nil {
			failed++
			if first == nil {
				first = e.err
			}
		}
	}
	if failed == len(all) {
		return plugin.Errorf(plugin.KindOf(first), "none of the %d files could be %s:\n%s", len(all), done, strings.Join(lines, "\n"))
	}
	ok := len(all) - failed
	if err := call.JSON(map[string]any{"count": len(all), "ok": ok, "failed": failed, "results": results}); err != nil {
		return err
	}
	if err := call.Text(strings.Join(lines, separator)); err != nil {
		return err
	}
	return result.Outputs{"count": len(all), "ok": ok, "failed": failed, "results": results}.Send(call)
}

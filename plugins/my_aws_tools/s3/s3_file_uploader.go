package s3

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/account"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/param"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/result"
)

// UploadFileInput is the input of s3_file_uploader.
type UploadFileInput struct {
	account.Input
	Presigning
	Storing
	Bucket        string           `param:"bucket_name"`
	Prefix        string           `param:"key_prefix"`
	Key           string           `param:"object_key"`
	File          plugin.InputFile `param:"input_file"`
	RequesterPays bool             `param:"requester_pays"`
}

// UploadFile is the tool s3_file_uploader. It stores a file in a bucket and returns the object's address or, if asked
// for, a presigned URL for it.
//
// The key is object_key, or else the file's name, behind key_prefix and a slash. Slashes at either end of key_prefix and
// in front of object_key are not part of the key, so that "reports", "reports/" and "/reports/" mean the same folder;
// everything else is, spaces included. A file without a name is called dify-upload-, followed by 32 random digits.
//
// The file passes through as a stream, whatever its size up to 156 GiB. An object that has the key already is replaced,
// unless overwrite is off.
func UploadFile(ctx context.Context, call *plugin.Call, in UploadFileInput) error {
	if err := in.check(); err != nil {
		return err
	}
	a, err := in.Open(ctx, call)
	if err != nil {
		return err
	}
	base := in.Key
	if base == "" {
		base = nameOf(ctx, in.File)
	}
	at := location{in.Bucket, joinKey(in.Prefix, base)}
	if err := checkKey(at.key); err != nil {
		return plugin.Errorf(plugin.BadRequest, "s3_file_uploader was not run: the key %q %w", param.Clip(at.key), err)
	}
	b := openBucket(ctx, a, at.bucket, in.RequesterPays)
	kept, err := uploadFile(ctx, &upload{bucket: b, key: at.key, storing: in.Storing, log: call.Logger()}, in.File)
	if err != nil {
		return err
	}
	var url string
	if in.Presign {
		if url, err = presign(ctx, b, at.key, in.Presigning); err != nil {
			return err
		}
	}
	return in.answer(call, at, kept, url)
}

func (in UploadFileInput) check() error {
	var wrong param.Problems
	wrong.Add("bucket_name", checkBucket(in.Bucket))
	in.Presigning.check(&wrong)
	in.Storing.check(&wrong)
	if in.Key != "" || in.File.Name != "" {
		wrong.Add("object_key", checkJoined(in.Prefix, cmp.Or(in.Key, in.File.Name)))
	}
	return wrong.Err("s3_file_uploader")
}

func checkJoined(prefix, name string) error {
	if err := checkKey(joinKey(prefix, name)); err != nil {
		return fmt.Errorf("and key_prefix make a key that %w", err)
	}
	return nil
}

func (in UploadFileInput) answer(call *plugin.Call, at location, kept stored, url string) error {
	facts := map[string]any{"bucket_name": at.bucket, "object_key": at.key, "s3_uri": at.uri()}
	text := at.uri()
	if url != "" {
		facts["presigned_url"], facts["presign_expiry"] = url, in.seconds()
		text = url
	}
	if err := call.JSON(facts); err != nil {
		return err
	}
	if err := call.Text(text); err != nil {
		return err
	}
	return result.Outputs{
		"bucket_name": at.bucket, "object_key": at.key, "s3_uri": at.uri(),
		"presigned_url": facts["presigned_url"], "presign_expiry": facts["presign_expiry"],
		"size": kept.size, "etag": result.OrNull(kept.etag), "version_id": result.OrNull(kept.version),
		"server_side_encryption": result.OrNull(string(kept.sse)), "kms_key_id": result.OrNull(kept.kmsKey),
	}.Send(call)
}

// uploadFile streams a file from Dify to S3.
func uploadFile(ctx context.Context, u *upload, file plugin.InputFile) (stored, error) {
	content, err := file.Open(ctx, maxUpload)
	if err != nil {
		return stored{}, fmt.Errorf("upload %s: %w", u.uri(), err)
	}
	defer content.Body.Close()
	u.contentType = cmp.Or(content.Type, "application/octet-stream")
	return u.send(ctx, content.Body, content.Size)
}

// nameOf is the name of a file. One that came without a name is asked for its address, whose last part it is then called,
// without the signature behind it.
func nameOf(ctx context.Context, file plugin.InputFile) string {
	if file.Name != "" {
		return file.Name
	}
	content, err := file.Open(ctx, maxUpload)
	if err == nil {
		_ = content.Body.Close()
	}
	if err != nil || content.Name == "" {
		id := make([]byte, 16)
		_, _ = rand.Read(id) // never fails, by its documentation
		return "dify-upload-" + hex.EncodeToString(id)
	}
	return content.Name
}

// joinKey puts a folder in front of a name.
func joinKey(prefix, name string) string {
	name = strings.TrimLeft(name, "/")
	if prefix = strings.Trim(prefix, "/"); prefix != "" {
		return prefix + "/" + name
	}
	return name
}

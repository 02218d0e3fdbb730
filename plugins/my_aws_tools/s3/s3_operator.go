package s3

import (
	"context"
	"errors"
	"io"
	"mime"
	"path"
	"strings"
	"unicode/utf8"

	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/account"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/param"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/result"
)

// maxText is the largest object in bytes that is returned as a text: what fits into one line of the protocol, with room
// for escapes.
const maxText = 4 << 20

// OperateInput is the input of s3_operator.
type OperateInput struct {
	account.Input
	Presigning
	Storing
	URI           string  `param:"s3_uri"`
	Operation     string  `param:"operation_type"`
	Text          *string `param:"text_content,literal"`
	RequesterPays bool    `param:"requester_pays"`
}

// Operate is the tool s3_operator. It writes a text to an object, or reads an object as text; it returns the text, or
// the address of what was written, or instead of either a presigned URL.
//
// An empty text can be written; no text at all is an error. What is read must be UTF-8 and have at most 4 MiB. A URL for
// reading is presigned only for an object that exists and that the credentials may read, since nobody could use another.
func Operate(ctx context.Context, call *plugin.Call, in OperateInput) error {
	at, err := in.check()
	if err != nil {
		return err
	}
	a, err := in.Open(ctx, call)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	o := operation{call: call, in: in, at: at, bucket: openBucket(ctx, a, at.bucket, in.RequesterPays)}
	if in.Operation == "write" {
		return o.write(ctx)
	}
	return o.read(ctx)
}

func (in OperateInput) check() (location, error) {
	var wrong param.Problems
	at, err := parseURI(in.URI)
	wrong.Add("s3_uri", err)
	in.Presigning.check(&wrong)
	if in.Operation == "write" {
		in.Storing.check(&wrong)
		if in.Text == nil {
			wrong.Add("text_content", errors.New("is required to write; an empty text makes an empty object"))
		}
	}
	return at, wrong.Err("s3_operator")
}

// operation is one run of s3_operator.
type operation struct {
	call   *plugin.Call
	in     OperateInput
	at     location
	bucket *bucket
}

func (o operation) write(ctx context.Context) error {
	data := []byte(*o.in.Text)
	u := &upload{bucket: o.bucket, key: o.at.key, contentType: textType(o.at.key), storing: o.in.Storing, log: o.call.Logger()}
	kept, err := u.put(ctx, data)
	if err != nil {
		return err
	}
	answer := o.at.uri()
	var url string
	if o.in.Presign {
		if url, err = presign(ctx, o.bucket, o.at.key, o.in.Presigning); err != nil {
			return err
		}
		answer = url
	}
	return o.answer(answer, url, kept.size, kept.etag)
}

func (o operation) read(ctx context.Context) error {
	if o.in.Presign {
		return o.presignRead(ctx)
	}
	found, err := openObject(ctx, o.bucket, o.at.key, "", o.call.Logger())
	if err != nil {
		return err
	}
	text, err := readText(ctx, found)
	if err != nil {
		return err
	}
	return o.answer(text, "", int64(len(text)), found.etag)
}

func (o operation) presignRead(ctx context.Context) error {
	if err := probe(ctx, o.bucket, o.at.key); err != nil {
		return err
	}
	url, err := presign(ctx, o.bucket, o.at.key, o.in.Presigning)
	if err != nil {
		return err
	}
	return o.answer(url, url, -1, "")
}

// answer sends one text, and the outputs. The size is -1 where it is not known.
func (o operation) answer(text, url string, size int64, etag string) error {
	if err := o.call.Text(text); err != nil {
		return err
	}
	out := result.Outputs{
		"s3_uri": o.at.uri(), "bucket": o.at.bucket, "key": o.at.key, "etag": result.OrNull(etag),
		"presigned_url": result.OrNull(url), "presign_expiry": nil, "size": nil,
	}
	if url != "" {
		out["presign_expiry"] = o.in.seconds()
	}
	if size >= 0 {
		out["size"] = size
	}
	return out.Send(o.call)
}

// readText reads an object that is a text of reasonable length.
func readText(ctx context.Context, o *object) (string, error) {
	content, err := o.opener()(ctx)
	if err != nil {
		return "", err
	}
	defer content.Close()
	var data []byte
	if o.size <= maxText {
		if data, err = io.ReadAll(io.LimitReader(content, maxText+1)); err != nil {
			return "", err
		}
	}
	const instead = "use s3_file_download to get it as a file, or let this tool generate a presigned URL"
	switch {
	case o.size > maxText:
		return "", o.errorf(plugin.BadRequest, "it has %s, and at most %s are returned as text: "+instead, byteCount(o.size), byteCount(maxText))
	case len(data) > maxText:
		return "", o.errorf(plugin.BadRequest, "it has more than %s, the most that is returned as text: "+instead, byteCount(maxText))
	case !utf8.Valid(data):
		return "", o.errorf(plugin.BadRequest, "it is not a text in UTF-8: "+instead)
	}
	return string(data), nil
}

// textType is the content type of a text by the extension of its key. The extensions that texts have are listed, because
// the system's own table differs from one machine to the next.
func textType(key string) string {
	switch extension := strings.ToLower(path.Ext(key)); extension {
	case ".md", ".markdown":
		return "text/markdown"
	case ".csv":
		return "text/csv"
	case ".tsv":
		return "text/tab-separated-values"
	case ".htm", ".html":
		return "text/html"
	case ".xml":
		return "text/xml"
	case ".css":
		return "text/css"
	case ".js", ".mjs":
		return "text/javascript"
	case ".json":
		return "application/json"
	case ".jsonl":
		return "application/jsonl"
	case ".yaml", ".yml":
		return "application/yaml"
	case ".svg":
		return "image/svg+xml"
	case ".txt", ".text", ".log", "":
		return plainText
	default:
		if known := mime.TypeByExtension(extension); known != "" {
			return known
		}
		return plainText
	}
}

const plainText = "text/plain; charset=utf-8"

package opensearch

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/account"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/s3"
)

// picture is where the image is that is searched with. The zero value is none.
type picture struct {
	bucket, key string
	file        *plugin.InputFile
}

func (p picture) given() bool { return p.bucket != "" || p.file != nil }

// readPath reads s3://bucket/key, where s3:// may be missing.
func readPath(text string) (picture, error) {
	if strings.TrimSpace(text) == "" {
		return picture{}, nil
	}
	if !strings.Contains(text, "://") {
		text = "s3://" + text
	}
	bucket, key, err := s3.ParseURI(text)
	return picture{bucket: bucket, key: key}, err
}

// read returns an image that the model takes, and its type, by what it is and not by its name.
func (p picture) read(ctx context.Context, call *plugin.Call, acct *account.Account, m model) (content []byte, mediaType string, err error) {
	name := ""
	if p.file != nil {
		name = "the file " + p.file.Name
		content, err = readFile(ctx, *p.file, int64(m.maxImage))
	} else {
		bucket := s3.OpenBucket(ctx, acct, p.bucket, call.Logger())
		name = bucket.URI(p.key)
		content, _, err = bucket.Read(ctx, p.key, int64(m.maxImage))
	}
	if err != nil {
		return nil, "", err
	}
	mediaType = http.DetectContentType(content)
	if !slices.Contains(m.imageTypes, mediaType) {
		return nil, "", plugin.Errorf(plugin.BadRequest, "%s cannot be searched with: it is %s, and %s takes %s", name, mediaType, m.name, strings.Join(m.imageTypes, ", "))
	}
	return content, mediaType, nil
}

func readFile(ctx context.Context, file plugin.InputFile, limit int64) ([]byte, error) {
	fetched, err := file.Open(ctx, limit)
	if err != nil {
		return nil, err
	}
	defer fetched.Body.Close()
	return io.ReadAll(fetched.Body)
}

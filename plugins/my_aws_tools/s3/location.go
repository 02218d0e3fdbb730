package s3

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/param"
)

// maxKey is the longest key of an object in bytes.
const maxKey = 1024

var (
	// usableBucket also takes the names of buckets from before 2018, which may be longer and hold capitals and
	// underscores.
	usableBucket = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]$`)
	accessPoint  = regexp.MustCompile(`^arn:aws[a-z-]*:s3:[a-z0-9-]+:[0-9]{12}:accesspoint[/:][a-z0-9][a-z0-9-]{1,48}[a-z0-9]$`)
	// pointURI is an access point and a key behind it.
	pointURI = regexp.MustCompile(`(?s)^(arn:aws[a-z-]*:s3:[a-z0-9-]+:[0-9]{12}:accesspoint[/:][a-z0-9-]+)/(.*)$`)
)

// location is where an object is.
type location struct{ bucket, key string }

// uri is the location as parseURI reads it.
func (l location) uri() string { return "s3://" + l.bucket + "/" + l.key }

// parseURI reads s3://bucket/key. The key is taken as it stands.
func parseURI(uri string) (location, error) {
	rest, ok := cutScheme(uri)
	if !ok {
		return location{}, fmt.Errorf("is %q, which is not the address of an object: it is written like s3://bucket/key", param.Clip(uri))
	}
	var at location
	if match := pointURI.FindStringSubmatch(rest); match != nil {
		at.bucket, at.key = match[1], match[2]
	} else {
		at.bucket, at.key, _ = strings.Cut(rest, "/")
	}
	if err := checkBucket(at.bucket); err != nil {
		return location{}, fmt.Errorf("is %q, whose bucket %w", param.Clip(uri), err)
	}
	if err := checkKey(at.key); err != nil {
		return location{}, fmt.Errorf("is %q, whose key %w", param.Clip(uri), err)
	}
	return at, nil
}

// cutScheme takes s3:// off, which may be written in capitals.
func cutScheme(uri string) (rest string, ok bool) {
	const scheme = "s3://"
	if len(uri) < len(scheme) || !strings.EqualFold(uri[:len(scheme)], scheme) {
		return "", false
	}
	return uri[len(scheme):], true
}

func checkBucket(name string) error {
	if usableBucket.MatchString(name) || accessPoint.MatchString(name) {
		return nil
	}
	if name == "" {
		return fmt.Errorf("is missing")
	}
	return fmt.Errorf("is %q, which is neither the name of a bucket (letters, digits, dots and hyphens) nor the ARN of an access point", param.Clip(name))
}

func checkKey(key string) error {
	switch {
	case key == "":
		return fmt.Errorf("is missing: write the name of the object behind the bucket")
	case len(key) > maxKey:
		return fmt.Errorf("has %d bytes, at most %d are allowed", len(key), maxKey)
	}
	return nil
}

// fileName is the last part of a key.
func fileName(key string) string {
	path := strings.TrimRight(key, "/")
	if name := path[strings.LastIndexByte(path, '/')+1:]; name != "" {
		return name
	}
	return "downloaded_file"
}

// withNumber puts a number between a name and its extension: report-1.pdf. Only the last part of a path has one, and a
// name that begins with its only dot has none.
func withNumber(path string, number int) string {
	cut := strings.LastIndexByte(path, '/') + 1
	stem, extension := path, ""
	if dot := strings.LastIndexByte(path[cut:], '.'); dot > 0 {
		stem, extension = path[:cut+dot], path[cut+dot:]
	}
	return fmt.Sprintf("%s-%d%s", stem, number, extension)
}

// names hands out names that differ from each other.
type names map[string]bool

// unique returns the name, with a number if it was given out before.
func (n names) unique(name string) string {
	free := name
	for number := 1; n[free]; number++ {
		free = withNumber(name, number)
	}
	n[free] = true
	return free
}

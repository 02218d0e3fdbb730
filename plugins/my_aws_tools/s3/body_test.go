package s3

import (
	"errors"
	"io"
	"log/slog"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// bodyOf is a body that cannot be taken up again, of an object of so many bytes, -1 where that is not known.
func bodyOf(t *testing.T, size int64, current io.Reader) *body {
	t.Helper()
	o := &object{bucket: &bucket{name: "docs"}, key: "a", size: size, log: slog.New(slog.DiscardHandler)}
	return newBody(t.Context(), o, &awss3.GetObjectOutput{Body: io.NopCloser(current)})
}

func TestABodyEndsOnlyWhereTheObjectDoes(t *testing.T) {
	for name, test := range map[string]struct {
		size int64
		body io.Reader
		word string // in the error; "" for none
	}{
		"all of it":                  {5, strings.NewReader("hello"), ""},
		"all, and the end with it":   {5, iotest.DataErrReader(strings.NewReader("hello")), ""},
		"byte by byte":               {5, iotest.OneByteReader(strings.NewReader("hello")), ""},
		"of unknown length":          {-1, strings.NewReader("hello"), ""},
		"nothing of nothing":         {0, strings.NewReader(""), ""},
		"an end that comes early":    {6, strings.NewReader("hello"), "after 5 of 6 bytes"},
		"more than was announced":    {4, strings.NewReader("hello"), "after 5 of 4 bytes"},
		"a break":                    {9, io.MultiReader(strings.NewReader("hello"), iotest.ErrReader(io.ErrUnexpectedEOF)), "after 5 of 9 bytes"},
		"a break of unknown length":  {-1, io.MultiReader(strings.NewReader("hello"), iotest.ErrReader(io.ErrUnexpectedEOF)), "after 5 bytes"},
		"a break behind the last":    {5, io.MultiReader(strings.NewReader("hello"), iotest.ErrReader(io.ErrUnexpectedEOF)), ""},
		"a break in front of it all": {5, iotest.ErrReader(io.ErrUnexpectedEOF), "after 0 of 5 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			b := bodyOf(t, test.size, test.body)
			got, err := io.ReadAll(b)
			if test.word == "" {
				if err != nil || test.size != 0 && string(got) != "hello" {
					t.Errorf("%q, %v", got, err)
				}
				return
			}
			if err == nil {
				t.Fatalf("%q passed for the whole", got)
			}
			holds(t, err.Error(), test.word)
			if _, again := b.Read(make([]byte, 1)); !errors.Is(again, err) {
				t.Errorf("the next read says %v", again)
			}
		})
	}
}

func TestAClosedBodyIsNotRead(t *testing.T) {
	b := bodyOf(t, 5, strings.NewReader("hello"))
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	if _, err := b.Read(make([]byte, 1)); err == nil || err == io.EOF {
		t.Errorf("%v", err)
	}
}

// The values are checksums of "123456789", the text for which catalogues of CRC algorithms list them.
func TestChecksumsOfTheWholeAreCompared(t *testing.T) {
	for name, answer := range map[string]*awss3.GetObjectOutput{
		"CRC-32":         {ChecksumCRC32: aws.String("y/Q5Jg==")},
		"CRC-32C":        {ChecksumCRC32C: aws.String("4waSgw==")},
		"CRC-64/NVME":    {ChecksumCRC64NVME: aws.String("rosUhgp5mIg=")},
		"SHA-1":          {ChecksumSHA1: aws.String("98O8HYCOBHMq32eZZczDTKeuNEE=")},
		"SHA-256":        {ChecksumSHA256: aws.String("FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=")},
		"of checksums":   {ChecksumCRC32: aws.String("AAAAAA==-3")},
		"said composite": {ChecksumCRC32: aws.String("AAAAAA=="), ChecksumType: types.ChecksumTypeComposite},
		"none":           {},
	} {
		t.Run(name, func(t *testing.T) {
			whole := announcedChecksum(answer)
			whole.write([]byte("12345"))
			whole.write([]byte("6789"))
			composite := strings.HasPrefix(aws.ToString(answer.ChecksumCRC32), "AAAA")
			none := name == "none"
			if whole.hash == nil != (composite || none) {
				t.Errorf("compared: %v", whole.hash != nil)
			}
			if !whole.matches() {
				t.Error("the right bytes do not match")
			}
			whole.write([]byte("x"))
			if whole.hash != nil && whole.matches() {
				t.Error("other bytes match")
			}
		})
	}
}

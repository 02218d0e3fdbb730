package s3

import (
	"bytes"
	"cmp"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cloudplugins/difyplugin/sandbox/aws"
	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
)

// Bucket is a bucket and its settings.
type Bucket struct {
	Name string
	// Region is where the bucket is. Requests that go elsewhere are told where.
	Region string
	// Owner is the ID of the account that it belongs to. Others have access only where Shared or RequesterPays says so.
	Owner  string
	Shared bool
	// RequesterPays makes S3 refuse others who do not agree to pay.
	RequesterPays bool
	// MustEncrypt is the value of x-amz-server-side-encryption that the bucket's policy demands; "" demands nothing.
	MustEncrypt string
	// Versioned keeps older versions.
	Versioned bool
	// Created is the date of the bucket; the zero value is the time of AddBucket.
	Created time.Time
}

// Attributes are what S3 keeps about an object besides its bytes.
type Attributes struct {
	ContentType  string
	StorageClass string
	SSE          string
	KMSKeyID     string
	BucketKey    bool
}

// Object is a stored object.
type Object struct {
	Attributes
	Content []byte
	ETag    string
}

// Store is the stand-in. It implements [aws.Service], and its methods may be called from any goroutine.
type Store struct {
	backend *s3mem.Backend
	fake    http.Handler
	silent  bool // regions are told in texts only
	aliases bool // the list of buckets tells no regions and heeds no prefix

	mu      sync.Mutex
	buckets map[string]Bucket
	objects map[place]kept
	parts   map[string]*parts // by upload ID
	keys    []string
	private map[string]bool // buckets whose location nobody may know
	moves   map[string][]string

	replacements map[place][]byte
}

// place is where an object is.
type place struct{ bucket, key string }

// kept is what the backend does not keep.
type kept struct {
	Attributes
	crc32     string // of the whole object, in base64; "" when the object was stored without a checksum
	composite string // in its place, for objects in parts whose checksum is one of checksums
}

// Option changes how [New] makes a store.
type Option func(*Store)

// RegionInText makes the store tell the right region in the text of a refusal only, status 400 and without a header, as
// the hosts of some regions do.
func RegionInText() Option { return func(s *Store) { s.silent = true } }

// ListWithoutRegions makes the list of buckets name no regions and heed no prefix, and gives the oldest region its old
// name, as stores that imitate S3 do.
func ListWithoutRegions() Option { return func(s *Store) { s.aliases = true } }

// New makes a store without buckets.
func New(opts ...Option) *Store {
	s := &Store{
		backend: s3mem.New(), buckets: map[string]Bucket{}, objects: map[place]kept{}, parts: map[string]*parts{},
		private: map[string]bool{}, moves: map[string][]string{}, replacements: map[place][]byte{},
	}
	s.fake = gofakes3.New(s.backend, gofakes3.WithTimeSkewLimit(0)).Server()
	for _, opt := range opts {
		opt(s)
	}
	return s
}

// Protocol implements [aws.Service].
func (s *Store) Protocol() aws.Protocol { return aws.RestXML }

// AddBucket adds a bucket.
func (s *Store) AddBucket(b Bucket) error {
	if b.Created.IsZero() {
		b.Created = time.Now()
	}
	if err := s.backend.CreateBucket(b.Name); err != nil {
		return fmt.Errorf("sandbox/aws/s3: create bucket %s: %w", b.Name, err)
	}
	if b.Versioned {
		err := s.backend.SetVersioningConfiguration(b.Name, gofakes3.VersioningConfiguration{Status: gofakes3.VersioningEnabled})
		if err != nil {
			return fmt.Errorf("sandbox/aws/s3: keep versions in %s: %w", b.Name, err)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.buckets[b.Name] = b
	return nil
}

// Bucket returns a bucket.
func (s *Store) Bucket(name string) (Bucket, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, ok := s.buckets[name]
	return b, ok
}

// Move makes a bucket name another region with each refusal, the last one for good, as while it is being created anew
// elsewhere.
func (s *Store) Move(bucket string, regions ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.moves[bucket] = append(s.moves[bucket], regions...)
}

// moved takes the next region out of the list that Move made.
func (s *Store) moved(b Bucket) Bucket {
	s.mu.Lock()
	defer s.mu.Unlock()
	if next := s.moves[b.Name]; len(next) > 0 {
		b.Region, s.moves[b.Name] = next[0], next[1:]
		s.buckets[b.Name] = b
	}
	return b
}

// HideLocation makes GetBucketLocation of a bucket fail.
func (s *Store) HideLocation(bucket string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.private[bucket] = true
}

// AddKMSKey makes a KMS key usable, by whatever ID, ARN or alias clients name it.
func (s *Store) AddKMSKey(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys = append(s.keys, id)
}

// defaultType is the content type of objects that come without one.
const defaultType = "binary/octet-stream"

// Put stores an object and returns its version, "" where the bucket keeps none.
func (s *Store) Put(bucket, key string, content []byte, a Attributes) (version string, err error) {
	meta := map[string]string{
		"Last-Modified": time.Now().UTC().Format(http.TimeFormat), "Content-Type": cmp.Or(a.ContentType, defaultType),
	}
	result, err := s.backend.PutObject(bucket, key, meta, bytes.NewReader(content), int64(len(content)), nil)
	if err != nil {
		return "", fmt.Errorf("sandbox/aws/s3: put %s into %s: %w", key, bucket, err)
	}
	sum := crc32.ChecksumIEEE(content)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.objects[place{bucket, key}] = kept{Attributes: a, crc32: encodeCRC32(sum)}
	return string(result.VersionID), nil
}

// Damage makes the store announce a wrong checksum for an object.
func (s *Store) Damage(bucket, key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.objects[place{bucket, key}]
	o.crc32 = "AAAAAA=="
	s.objects[place{bucket, key}] = o
}

// ReplaceAfterRead replaces an object as soon as it has been read once.
func (s *Store) ReplaceAfterRead(bucket, key string, content []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.replacements[place{bucket, key}] = content
}

// replace does what ReplaceAfterRead planned.
func (s *Store) replace(at place) {
	s.mu.Lock()
	content, planned := s.replacements[at]
	delete(s.replacements, at)
	s.mu.Unlock()
	if planned {
		_, _ = s.Put(at.bucket, at.key, content, Attributes{}) // the bucket is there: it was just read from
	}
}

// Object returns an object.
func (s *Store) Object(bucket, key string) (Object, bool) {
	found, err := s.backend.GetObject(bucket, key, nil)
	if err != nil {
		return Object{}, false
	}
	defer found.Contents.Close()
	content, err := io.ReadAll(found.Contents)
	if err != nil {
		return Object{}, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.objects[place{bucket, key}].Attributes
	a.ContentType = found.Metadata["Content-Type"]
	return Object{Attributes: a, Content: content, ETag: fmt.Sprintf("%q", fmt.Sprintf("%x", found.Hash))}, true
}

// Keys returns the keys of all objects of a bucket, sorted.
func (s *Store) Keys(bucket string) []string {
	list, err := s.backend.ListBucket(bucket, nil, gofakes3.ListBucketPage{})
	if err != nil {
		return nil
	}
	var keys []string
	for _, content := range list.Contents {
		keys = append(keys, content.Key)
	}
	slices.Sort(keys)
	return keys
}

// Unfinished is the number of uploads in parts that were neither completed nor aborted.
func (s *Store) Unfinished() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.parts)
}

// names are the buckets of an account, sorted.
func (s *Store) names(owner string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []string
	for name, b := range s.buckets {
		if b.Owner == owner {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, strings.Compare)
	return names
}

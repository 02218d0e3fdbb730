package cos

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"
)

// Limits of the service.
const (
	// MaxKeyLength is the length of the longest object key, in bytes of UTF-8.
	MaxKeyLength = 850
	// MaxUploadSize is the size of the largest body of one PUT, in bytes.
	MaxUploadSize = 5 << 30
)

// Storage classes that the stand-in treats specially. Objects of any other
// class can be read at once.
const (
	Standard    = "STANDARD"
	Archive     = "ARCHIVE"
	DeepArchive = "DEEP_ARCHIVE"
)

// Store is a COS service. Its methods may be called from any goroutine.
type Store struct {
	root             *os.Root
	temporary        string // the folder to remove when the store closes
	now              func() time.Time
	redirectRegion   bool
	requireAllSigned bool

	files    atomic.Int64 // numbers the files that hold bodies
	requests atomic.Int64
	faults   faults

	context context.Context // ends when the store closes
	stop    context.CancelFunc

	serving sync.WaitGroup
	mu      sync.RWMutex
	closed  bool
	// accounts are by AppID, keys by SecretID, buckets by full name and
	// domains by host.
	accounts map[string]Account
	keys     map[string]accountKey
	buckets  map[string]*bucket
	domains  map[string]string
}

// accountKey is a key together with the account that it speaks for.
type accountKey struct {
	Key
	account string // AppID
}

// bucket is guarded by the store's mutex.
type bucket struct {
	name        string
	appID       string
	region      string
	created     time.Time
	accelerated bool
	keys        []string // sorted by bytes
	objects     map[string]*object
}

// object is immutable but for restored, which is replaced with the whole object.
type object struct {
	meta     Meta
	size     int64
	etag     string // without quotes
	checksum func() uint64
	content  content
}

// Meta is what is stored with an object besides its bytes.
type Meta struct {
	ContentType        string // application/octet-stream when empty
	ContentEncoding    string // "gzip" for bytes that are stored compressed
	ContentDisposition string
	CacheControl       string
	// StorageClass is [Standard] when empty.
	StorageClass string
	// Restored makes an archived object readable for now.
	Restored bool
	// LastModified is the time of the call when zero. The service keeps
	// whole seconds.
	LastModified time.Time
	// User holds the x-cos-meta- headers, by their names after that prefix,
	// in lower case.
	User map[string]string
}

// Option changes how [New] sets a store up.
type Option func(*Store)

// Clock makes the store read the time from now instead of from the system.
func Clock(now func() time.Time) Option { return func(s *Store) { s.now = now } }

// RedirectWrongRegion makes the store answer a request for a bucket at the host
// of another region with 301 PermanentRedirect, the right host in Location and
// the region in x-cos-bucket-region, instead of 404 NoSuchBucket.
func RedirectWrongRegion() Option { return func(s *Store) { s.redirectRegion = true } }

// RequireEverythingSigned makes the store refuse requests whose signature does
// not cover Host, every x-cos- header and every query parameter. The service
// recommends that and does not enforce it.
func RequireEverythingSigned() Option { return func(s *Store) { s.requireAllSigned = true } }

// New returns a store that keeps the bodies of objects as files in an existing
// folder, under names of its own; the folder should be empty. With dir empty it
// uses a temporary folder and removes it in [Store.Close]. Everything else
// lives in memory.
func New(dir string, opts ...Option) (*Store, error) {
	s := &Store{
		now:      time.Now,
		accounts: make(map[string]Account),
		keys:     make(map[string]accountKey),
		buckets:  make(map[string]*bucket),
		domains:  make(map[string]string),
	}
	for _, opt := range opts {
		opt(s)
	}
	if dir == "" {
		temporary, err := os.MkdirTemp("", "difyplugin-cos-")
		if err != nil {
			return nil, fmt.Errorf("cos: make a folder for objects: %w", err)
		}
		s.temporary, dir = temporary, temporary
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("cos: open the folder for objects: %w", err)
	}
	s.root = root
	s.context, s.stop = context.WithCancel(context.Background())
	return s, nil
}

// Close ends the requests that are being served, waits for them and, if the
// store made its folder itself, removes it. Requests that arrive later are
// answered with ServiceUnavailable.
func (s *Store) Close() error {
	s.mu.Lock()
	already := s.closed
	s.closed = true
	s.mu.Unlock()
	if already {
		return nil
	}
	s.stop()
	s.serving.Wait()
	err := s.root.Close()
	if s.temporary != "" {
		err = errors.Join(err, os.RemoveAll(s.temporary))
	}
	return err
}

// AddAccount makes an account and its keys known, or replaces them. A SecretID
// that another account uses is an error.
func (s *Store) AddAccount(a Account) error {
	if err := a.validate(); err != nil {
		return fmt.Errorf("cos: add account: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, key := range a.Keys {
		if known, ok := s.keys[key.SecretID]; ok && known.account != a.AppID {
			return fmt.Errorf("cos: add account %s: the SecretID %s belongs to account %s", a.AppID, key.SecretID, known.account)
		}
	}
	for _, key := range s.accounts[a.AppID].Keys {
		delete(s.keys, key.SecretID)
	}
	a.Keys = slices.Clone(a.Keys)
	s.accounts[a.AppID] = a
	for _, key := range a.Keys {
		s.keys[key.SecretID] = accountKey{Key: key, account: a.AppID}
	}
	return nil
}

var (
	bucketNamePattern = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`)
	regionPattern     = regexp.MustCompile(`^[a-z]+(-[a-z0-9]+)+$`)
)

// CreateBucket creates a bucket of an account in a region such as
// "ap-guangzhou" and returns its full name, which is name-AppID.
func (s *Store) CreateBucket(appID, name, region string) (string, error) {
	full := name + "-" + appID
	switch {
	case !bucketNamePattern.MatchString(name) || len(full) > 60:
		return "", fmt.Errorf("cos: create bucket %q: names have lower-case letters, digits and inner hyphens, at most 60 with the AppID", full)
	case !regionPattern.MatchString(region):
		return "", fmt.Errorf("cos: create bucket %q: %q is not a region", full, region)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.accounts[appID]; !ok {
		return "", fmt.Errorf("cos: create bucket %q: there is no account %s", full, appID)
	}
	if _, ok := s.buckets[full]; ok {
		return "", fmt.Errorf("cos: create bucket %q: it exists", full)
	}
	s.buckets[full] = &bucket{
		name:    full,
		appID:   appID,
		region:  region,
		created: s.now().UTC().Truncate(time.Second),
		objects: make(map[string]*object),
	}
	return full, nil
}

// Accelerate makes a bucket reachable at BUCKET.cos.accelerate.myqcloud.com.
func (s *Store) Accelerate(name string) error {
	return s.update(name, func(b *bucket) { b.accelerated = true })
}

// BindDomain makes a bucket reachable at a host of its own, as a custom domain
// does. Mount the store at that host, too; [Store.HostPatterns] lists it from
// then on.
func (s *Store) BindDomain(host, name string) error {
	return s.update(name, func(b *bucket) { s.domains[strings.ToLower(host)] = b.name })
}

func (s *Store) update(name string, change func(*bucket)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, ok := s.buckets[name]
	if !ok {
		return fmt.Errorf("cos: there is no bucket %q", name)
	}
	change(b)
	return nil
}

// HostPatterns returns the host patterns under which a sandbox should mount the
// store.
func (s *Store) HostPatterns() []string {
	patterns := []string{"*.myqcloud.com", "*.tencentcos.cn"}
	s.mu.RLock()
	defer s.mu.RUnlock()
	for host := range s.domains {
		patterns = append(patterns, host)
	}
	slices.Sort(patterns[2:])
	return patterns
}

// Put stores an object, replacing one of the same key. It reads body to its end.
func (s *Store) Put(bucket, key string, body io.Reader, meta Meta) error {
	upload, err := s.receive(body)
	if err != nil {
		return fmt.Errorf("cos: put %q into %s: %w", key, bucket, err)
	}
	if err := s.commit(bucket, key, upload.object(meta)); err != nil {
		return errors.Join(fmt.Errorf("cos: put %q into %s: %w", key, bucket, err), upload.discard())
	}
	return nil
}

// PutGenerated stores an object of any size that takes neither disk nor memory:
// its bytes are those of [Generated]. Its ETag is not an MD5, as for multipart
// uploads. Its checksum is computed when it is first read, about a second per
// gigabyte.
func (s *Store) PutGenerated(bucket, key string, size int64, seed uint64, meta Meta) error {
	if size < 0 {
		return fmt.Errorf("cos: put %q into %s: the size %d is negative", key, bucket, size)
	}
	body := generated{seed: seed, size: size}
	o := &object{meta: meta, size: size, etag: body.etag(), checksum: body.checksum(), content: body}
	if err := s.commit(bucket, key, o); err != nil {
		return fmt.Errorf("cos: put %q into %s: %w", key, bucket, err)
	}
	return nil
}

// Open returns the stored bytes of an object, for checks of what a client
// uploaded. The caller closes the reader.
func (s *Store) Open(bucket, key string) (io.ReadCloser, error) {
	o, err := s.object(bucket, key)
	if err != nil {
		return nil, fmt.Errorf("cos: open %q in %s: %w", key, bucket, err)
	}
	return o.content.open(0)
}

// Stat returns an object's metadata and size in bytes.
func (s *Store) Stat(bucket, key string) (Meta, int64, error) {
	o, err := s.object(bucket, key)
	if err != nil {
		return Meta{}, 0, fmt.Errorf("cos: look at %q in %s: %w", key, bucket, err)
	}
	return o.meta, o.size, nil
}

// Restore makes an archived object readable.
func (s *Store) Restore(name, key string) error {
	var missing error
	err := s.update(name, func(b *bucket) {
		o, ok := b.objects[key]
		if !ok {
			missing = fmt.Errorf("cos: restore %q in %s: %w", key, name, errNoSuchKey)
			return
		}
		restored := *o
		restored.meta.Restored = true
		b.objects[key] = &restored
	})
	return errors.Join(err, missing)
}

// Keys returns the keys of a bucket in the order of their bytes.
func (s *Store) Keys(bucket string) ([]string, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	b, ok := s.buckets[bucket]
	if !ok {
		return nil, fmt.Errorf("cos: there is no bucket %q", bucket)
	}
	return slices.Clone(b.keys), nil
}

var (
	errNoSuchBucket = errors.New("there is no such bucket")
	errNoSuchKey    = errors.New("there is no such object")
	errKeyLength    = fmt.Errorf("an object key has 1 to %d bytes", MaxKeyLength)
	errKeyEncoding  = errors.New("an object key is UTF-8")
)

func checkKey(key string) error {
	switch {
	case key == "" || len(key) > MaxKeyLength:
		return errKeyLength
	case !utf8.ValidString(key):
		return errKeyEncoding
	}
	return nil
}

func (s *Store) object(bucket, key string) (*object, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	b, ok := s.buckets[bucket]
	if !ok {
		return nil, errNoSuchBucket
	}
	o, ok := b.objects[key]
	if !ok {
		return nil, errNoSuchKey
	}
	return o, nil
}

// commit makes an object visible and removes the body that it replaces.
func (s *Store) commit(bucketName, key string, o *object) error {
	if err := checkKey(key); err != nil {
		return err
	}
	if o.meta.StorageClass == "" {
		o.meta.StorageClass = Standard
	}
	if o.meta.ContentType == "" {
		o.meta.ContentType = "application/octet-stream"
	}
	if o.meta.LastModified.IsZero() {
		o.meta.LastModified = s.now()
	}
	o.meta.LastModified = o.meta.LastModified.UTC().Truncate(time.Second)

	s.mu.Lock()
	defer s.mu.Unlock()
	b, ok := s.buckets[bucketName]
	if !ok {
		return errNoSuchBucket
	}
	index, found := slices.BinarySearch(b.keys, key)
	if !found {
		b.keys = slices.Insert(b.keys, index, key)
	}
	s.discard(b.objects[key])
	b.objects[key] = o
	return nil
}

// remove makes an object invisible; it need not exist.
func (s *Store) remove(bucketName, key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, ok := s.buckets[bucketName]
	if !ok {
		return
	}
	index, found := slices.BinarySearch(b.keys, key)
	if !found {
		return
	}
	b.keys = slices.Delete(b.keys, index, index+1)
	s.discard(b.objects[key])
	delete(b.objects, key)
}

// discard removes the file of a replaced object. Those who read it keep their
// open file; where the system forbids the removal, the file stays until the
// folder goes.
func (s *Store) discard(o *object) {
	if o == nil {
		return
	}
	if f, ok := o.content.(file); ok {
		_ = s.root.Remove(f.name)
	}
}

// nextFile returns a name for a new body.
func (s *Store) nextFile() string {
	return "body-" + strconv.FormatInt(s.files.Add(1), 10)
}

// begin counts a request in; it reports false once the store is closed.
func (s *Store) begin() bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return false
	}
	s.serving.Add(1)
	return true
}

var _ http.Handler = (*Store)(nil)

package s3

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"sync"
	"time"
)

const (
	regionLifetime = 10 * time.Minute
	maxRegions     = 4096
)

// regionCache remembers for minutes in which region a bucket is. Its keys are keyed hashes of the whole credentials and
// the bucket: who does not have the credentials gets nothing out of it, and no secret and no name can be read back. A
// new process starts with a new hash key.
type regionCache struct {
	secret []byte

	mu      sync.Mutex
	entries map[regionKey]regionEntry
}

type regionKey [sha256.Size]byte

type regionEntry struct {
	region  string
	expires time.Time
}

func newRegionCache() *regionCache {
	return &regionCache{secret: []byte(rand.Text() + rand.Text()), entries: map[regionKey]regionEntry{}}
}

// key stands for everything that the region of a bucket may depend on. Each part is hashed with its length, so that no
// two lists are hashed alike.
func (c *regionCache) key(parts ...string) regionKey {
	mac := hmac.New(sha256.New, c.secret)
	for _, part := range parts {
		_ = binary.Write(mac, binary.BigEndian, uint64(len(part))) // a hash never fails to write
		mac.Write([]byte(part))
	}
	return regionKey(mac.Sum(nil))
}

// get returns the region of a bucket, or "" where it is not known.
func (c *regionCache) get(key regionKey) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	entry := c.entries[key]
	if !time.Now().Before(entry.expires) {
		delete(c.entries, key)
		return ""
	}
	return entry.region
}

func (c *regionCache) put(key regionKey, region string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, known := c.entries[key]; !known && len(c.entries) >= maxRegions {
		c.makeRoom()
	}
	c.entries[key] = regionEntry{region: region, expires: time.Now().Add(regionLifetime)}
}

// makeRoom drops what has expired, or else any one entry: to forget a region costs one more request, no more.
func (c *regionCache) makeRoom() {
	now := time.Now()
	for key, entry := range c.entries {
		if !now.Before(entry.expires) {
			delete(c.entries, key)
		}
	}
	for key := range c.entries {
		if len(c.entries) < maxRegions {
			return
		}
		delete(c.entries, key)
	}
}

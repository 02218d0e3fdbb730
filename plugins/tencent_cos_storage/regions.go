package main

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"sync"
	"time"
)

// knownRegionsHint helps whoever mistyped a region. Regions that it does not name work too.
const knownRegionsHint = "Common regions are ap-beijing, ap-nanjing, ap-shanghai, ap-guangzhou, ap-chengdu, ap-chongqing, " +
	"ap-hongkong, ap-singapore, ap-jakarta, ap-bangkok, ap-seoul, ap-tokyo, na-siliconvalley, na-ashburn, " +
	"sa-saopaulo and eu-frankfurt; the bucket's page in the COS console shows its region"

// renamedRegions are names from the time before COS's current API, which COS's Python client still accepts.
func renamedRegions() map[string]string {
	return map[string]string{
		"cossh":  "ap-shanghai",
		"cosgz":  "ap-guangzhou",
		"cosbj":  "ap-beijing",
		"costj":  "ap-beijing-1",
		"coscd":  "ap-chengdu",
		"cossgp": "ap-singapore",
		"coshk":  "ap-hongkong",
		"cosca":  "na-toronto",
		"cosger": "eu-frankfurt",
	}
}

// firstGeneration reports whether a region is one of the few that have hosts of their own form.
func firstGeneration(region string) bool {
	switch region {
	case "cn-north", "cn-south", "cn-east", "cn-south-2", "cn-southwest", "sg":
		return true
	}
	return false
}

const (
	regionLifetime = 10 * time.Minute
	maxRegions     = 4096
)

// regionCache remembers for minutes in which region a bucket is. Its keys are keyed hashes of the whole credentials
// and the bucket: who does not have the credentials gets nothing out of it, and no secret and no name can be read
// back. A new process starts with a new hash key.
type regionCache struct {
	key []byte

	mu      sync.Mutex
	entries map[[sha256.Size]byte]regionEntry
}

type regionEntry struct {
	region  string
	expires time.Time
}

func newRegionCache() *regionCache {
	key := make([]byte, sha256.Size)
	_, _ = rand.Read(key) // never fails, by its documentation
	return &regionCache{key: key, entries: map[[sha256.Size]byte]regionEntry{}}
}

// hash is over every field and its length, so that no two sets of credentials are hashed alike.
func (c *regionCache) hash(a account, bucket string) [sha256.Size]byte {
	mac := hmac.New(sha256.New, c.key)
	for _, field := range []string{a.secretID, a.secretKey, a.sessionToken, a.region, string(a.endpoint), bucket} {
		var length [8]byte
		binary.BigEndian.PutUint64(length[:], uint64(len(field)))
		mac.Write(length[:])
		mac.Write([]byte(field))
	}
	return [sha256.Size]byte(mac.Sum(nil))
}

// get returns the bucket's region as far as it is known to these credentials.
func (c *regionCache) get(a account, bucket string) (region string, ok bool) {
	key := c.hash(a, bucket)
	c.mu.Lock()
	defer c.mu.Unlock()
	entry, ok := c.entries[key]
	if !ok || time.Now().After(entry.expires) {
		delete(c.entries, key)
		return "", false
	}
	return entry.region, true
}

func (c *regionCache) put(a account, bucket, region string) {
	if !validRegion(region) {
		return
	}
	key := c.hash(a, bucket)
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
		if now.After(entry.expires) {
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

func (c *regionCache) forget(a account, bucket string) {
	key := c.hash(a, bucket)
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.entries, key)
}

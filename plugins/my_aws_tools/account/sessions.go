package account

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

const (
	// sessionLife is how long temporary keys are kept, and sessionMargin how long before their end they are no longer
	// used, so that the longest call can finish with them.
	sessionLife   = 5 * time.Minute
	sessionMargin = time.Minute
	// maxSessions bounds the memory; the one that is kept longest makes room for a new one.
	maxSessions = 256
)

// cacheKey is everything that temporary keys depend on, secrets included. Only an HMAC of it is kept.
type cacheKey []string

// fingerprint stands for a cacheKey; the secrets in that cannot be read back from it.
type fingerprint [sha256.Size]byte

// sessions keeps temporary keys for a few minutes. When nobody asks any more, a timer removes them.
type sessions struct {
	secret []byte

	mu      sync.Mutex
	entries map[fingerprint]*session
}

// session is a place for the temporary keys of one cacheKey.
type session struct {
	turn   chan struct{} // holds one token; who has it may fetch
	keys   aws.Credentials
	until  time.Time
	remove *time.Timer
}

func newSessions() *sessions {
	return &sessions{secret: []byte(rand.Text() + rand.Text()), entries: map[fingerprint]*session{}}
}

// get returns the keys that are kept, or fetches them. Of several that ask at once, one fetches and the others wait for
// it; each only as long as its own context allows, and when the one gives up the next tries.
func (s *sessions) get(ctx context.Context, key cacheKey, fetch func(context.Context) (aws.Credentials, error)) (aws.Credentials, error) {
	print := s.fingerprint(key)
	entry := s.entry(print)
	select {
	case <-entry.turn:
		defer func() { entry.turn <- struct{}{} }()
	case <-ctx.Done():
		return aws.Credentials{}, context.Cause(ctx)
	}
	if keys, ok := s.kept(entry); ok {
		return keys, nil
	}
	keys, err := fetch(ctx)
	if err != nil {
		s.dropEntry(print, entry)
		return aws.Credentials{}, err
	}
	s.keep(print, entry, keys)
	return keys, nil
}

func (s *sessions) entry(print fingerprint) *session {
	s.mu.Lock()
	defer s.mu.Unlock()
	entry, ok := s.entries[print]
	if !ok {
		entry = &session{turn: make(chan struct{}, 1)}
		entry.turn <- struct{}{}
		s.makeRoom()
		s.entries[print] = entry
	}
	return entry
}

func (s *sessions) kept(entry *session) (aws.Credentials, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return entry.keys, time.Now().Before(entry.until)
}

// keep stores keys, unless the entry was dropped while they were fetched.
func (s *sessions) keep(print fingerprint, entry *session, keys aws.Credentials) {
	life := sessionLife
	if keys.CanExpire {
		life = min(life, time.Until(keys.Expires)-sessionMargin)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if life <= 0 || s.entries[print] != entry {
		s.removeLocked(print, entry)
		return
	}
	entry.keys, entry.until = keys, time.Now().Add(life)
	entry.remove = time.AfterFunc(life, func() { s.dropEntry(print, entry) })
}

// drop forgets the keys of a cacheKey.
func (s *sessions) drop(key cacheKey) {
	print := s.fingerprint(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	if entry, ok := s.entries[print]; ok {
		s.removeLocked(print, entry)
	}
}

func (s *sessions) dropEntry(print fingerprint, entry *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.removeLocked(print, entry)
}

// clear forgets everything.
func (s *sessions) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for print, entry := range s.entries {
		s.removeLocked(print, entry)
	}
}

func (s *sessions) removeLocked(print fingerprint, entry *session) {
	if entry.remove != nil {
		entry.remove.Stop()
	}
	entry.keys, entry.until, entry.remove = aws.Credentials{}, time.Time{}, nil
	if s.entries[print] == entry {
		delete(s.entries, print)
	}
}

// makeRoom removes the session that ends first when there are too many.
func (s *sessions) makeRoom() {
	if len(s.entries) < maxSessions {
		return
	}
	var first fingerprint
	var oldest *session
	for print, entry := range s.entries {
		if oldest == nil || entry.until.Before(oldest.until) {
			first, oldest = print, entry
		}
	}
	s.removeLocked(first, oldest)
}

func (s *sessions) fingerprint(key cacheKey) fingerprint {
	mac := hmac.New(sha256.New, s.secret)
	for _, part := range key {
		_ = binary.Write(mac, binary.BigEndian, uint64(len(part))) // a hash never fails to write
		mac.Write([]byte(part))
	}
	return fingerprint(mac.Sum(nil))
}

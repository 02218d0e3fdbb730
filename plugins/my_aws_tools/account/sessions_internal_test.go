package account

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// counter counts how often keys were fetched and hands out keys of a given life.
type counter struct {
	mu    sync.Mutex
	count int
	life  time.Duration
}

func (c *counter) fetch(context.Context) (aws.Credentials, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.count++
	return aws.Credentials{AccessKeyID: fmt.Sprint("key", c.count), CanExpire: c.life != 0, Expires: time.Now().Add(c.life)}, nil
}

func (s *sessions) size() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.entries)
}

func TestTemporaryKeysAreKeptForAFewMinutes(t *testing.T) {
	for _, tt := range []struct {
		name string
		life time.Duration // of the keys; 0 for ever
		wait time.Duration
		want string
	}{
		{"at once", time.Hour, 0, "key1"},
		{"just before five minutes", time.Hour, sessionLife - time.Second, "key1"},
		{"after five minutes", time.Hour, sessionLife, "key2"},
		{"keys without an end, before five minutes", 0, sessionLife - time.Second, "key1"},
		{"keys without an end, after five minutes", 0, sessionLife, "key2"},
		{"just before the last minute of the keys", 3 * time.Minute, 2*time.Minute - time.Second, "key1"},
		{"in the last minute of the keys", 3 * time.Minute, 2 * time.Minute, "key2"},
		{"keys that end within a minute", 30 * time.Second, 0, "key2"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, c := newSessions(), &counter{life: tt.life}
				if _, err := s.get(t.Context(), cacheKey{"a"}, c.fetch); err != nil {
					t.Fatal(err)
				}
				time.Sleep(tt.wait)
				got, err := s.get(t.Context(), cacheKey{"a"}, c.fetch)
				if err != nil || got.AccessKeyID != tt.want {
					t.Errorf("%s, %v", got.AccessKeyID, err)
				}
				s.clear()
			})
		})
	}
}

func TestTemporaryKeysAreGoneWhenNobodyAsksAnyMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := newSessions(), &counter{life: time.Hour}
		for i := range 10 {
			if _, err := s.get(t.Context(), cacheKey{fmt.Sprint(i)}, c.fetch); err != nil {
				t.Fatal(err)
			}
		}
		if s.size() != 10 {
			t.Errorf("%d are kept", s.size())
		}
		time.Sleep(sessionLife)
		synctest.Wait()
		if s.size() != 0 {
			t.Errorf("%d are still kept", s.size())
		}
	})
}

func TestTheNumberOfTemporaryKeysIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := newSessions(), &counter{life: time.Hour}
		for i := range maxSessions + 20 {
			time.Sleep(time.Millisecond)
			if _, err := s.get(t.Context(), cacheKey{fmt.Sprint(i)}, c.fetch); err != nil {
				t.Fatal(err)
			}
		}
		if s.size() != maxSessions {
			t.Errorf("%d are kept", s.size())
		}
		before := c.count
		if _, err := s.get(t.Context(), cacheKey{fmt.Sprint(maxSessions + 19)}, c.fetch); err != nil || c.count != before {
			t.Errorf("the newest was removed, %v", err)
		}
		if _, err := s.get(t.Context(), cacheKey{"0"}, c.fetch); err != nil || c.count != before+1 {
			t.Errorf("the oldest was kept, %v", err)
		}
		s.clear()
	})
}

func TestManyWhoAskAtOnceFetchOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := newSessions(), &counter{life: time.Hour}
		slowly := func(ctx context.Context) (aws.Credentials, error) {
			time.Sleep(time.Second)
			return c.fetch(ctx)
		}
		var running sync.WaitGroup
		for range 50 {
			running.Go(func() {
				if got, err := s.get(t.Context(), cacheKey{"a"}, slowly); err != nil || got.AccessKeyID != "key1" {
					t.Errorf("%s, %v", got.AccessKeyID, err)
				}
			})
		}
		running.Wait()
		s.clear()
	})
}

func TestWhoGivesUpDoesNotTakeTheOthersAlong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := newSessions(), &counter{life: time.Hour}
		first, giveUp := context.WithCancel(t.Context())
		failing := func(ctx context.Context) (aws.Credentials, error) {
			<-ctx.Done()
			return aws.Credentials{}, context.Cause(ctx)
		}
		var running sync.WaitGroup
		running.Go(func() {
			if _, err := s.get(first, cacheKey{"a"}, failing); !errors.Is(err, context.Canceled) {
				t.Errorf("the first: %v", err)
			}
		})
		synctest.Wait()
		impatient, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := s.get(impatient, cacheKey{"a"}, c.fetch); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("who waits for the first: %v", err)
		}
		running.Go(func() {
			if got, err := s.get(t.Context(), cacheKey{"a"}, c.fetch); err != nil || got.AccessKeyID != "key1" {
				t.Errorf("who comes after the first: %s, %v", got.AccessKeyID, err)
			}
		})
		synctest.Wait()
		giveUp()
		running.Wait()
		s.clear()
	})
}

func TestAFailureIsNotKept(t *testing.T) {
	s, c := newSessions(), &counter{life: time.Hour}
	broken := errors.New("broken")
	if _, err := s.get(t.Context(), cacheKey{"a"}, func(context.Context) (aws.Credentials, error) { return aws.Credentials{}, broken }); !errors.Is(err, broken) {
		t.Error(err)
	}
	if s.size() != 0 {
		t.Error("a failure is kept")
	}
	if _, err := s.get(t.Context(), cacheKey{"a"}, c.fetch); err != nil {
		t.Error(err)
	}
	s.clear()
}

func TestKeysThatAreDroppedWhileTheyAreFetchedAreNotKept(t *testing.T) {
	s, c := newSessions(), &counter{life: time.Hour}
	entry := s.entry(s.fingerprint(cacheKey{"a"}))
	_, err := s.get(t.Context(), cacheKey{"a"}, func(ctx context.Context) (aws.Credentials, error) {
		s.drop(cacheKey{"a"})
		return c.fetch(ctx)
	})
	if err != nil || s.size() != 0 || entry.keys.HasKeys() || entry.keys.AccessKeyID != "" {
		t.Errorf("%d are kept, %v, %v", s.size(), entry.keys.AccessKeyID, err)
	}
}

func TestTheFingerprintIsOfTheWholeCredential(t *testing.T) {
	s, other := newSessions(), newSessions()
	seen := map[fingerprint]string{}
	for _, key := range []cacheKey{
		{"role", "id", "secret", "", "arn"},
		{"role", "id", "secret", "arn"},
		{"role", "ids", "ecret", "", "arn"},
		{"role", "id", "secret", "token", "arn"},
		{"role", "id", "other", "", "arn"},
		{"role", "id", "secret", "", "arn", ""},
	} {
		print := s.fingerprint(key)
		if same, ok := seen[print]; ok {
			t.Errorf("%q and %q have the same fingerprint", key, same)
		}
		seen[print] = strings.Join(key, ",")
		if print == other.fingerprint(key) {
			t.Error("two processes have the same fingerprints")
		}
	}
}

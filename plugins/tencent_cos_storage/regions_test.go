package main

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

func TestRegionCacheKeepsAccountsApart(t *testing.T) {
	base := account{secretID: "id", secretKey: "key", region: "ap-tokyo"}
	others := map[string]account{
		"another SecretId":             {secretID: "id2", secretKey: "key", region: "ap-tokyo"},
		"another SecretKey":            {secretID: "id", secretKey: "key2", region: "ap-tokyo"},
		"a session token":              {secretID: "id", secretKey: "key", sessionToken: "t", region: "ap-tokyo"},
		"another region":               {secretID: "id", secretKey: "key", region: "ap-seoul"},
		"another endpoint":             {secretID: "id", secretKey: "key", region: "ap-tokyo", endpoint: "{bucket}.x.example.com"},
		"fields that join to the same": {secretID: "idk", secretKey: "ey", region: "ap-tokyo"},
	}
	cache := newRegionCache()
	cache.put(base, "b-1", "ap-seoul")
	if region, ok := cache.get(base, "b-1"); !ok || region != "ap-seoul" {
		t.Errorf("get = %q, %v", region, ok)
	}
	if _, ok := cache.get(base, "b-2"); ok {
		t.Error("another bucket has the region too")
	}
	for name, other := range others {
		if _, ok := cache.get(other, "b-1"); ok {
			t.Errorf("%s sees the region", name)
		}
	}
}

func TestRegionCacheForgetsAfterMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cache := newRegionCache()
		a := account{secretID: "id"}
		cache.put(a, "b-1", "ap-tokyo")
		<-time.After(regionLifetime - time.Second)
		if _, ok := cache.get(a, "b-1"); !ok {
			t.Error("forgotten too early")
		}
		<-time.After(2 * time.Second)
		if _, ok := cache.get(a, "b-1"); ok {
			t.Error("still remembered")
		}
		if len(cache.entries) != 0 {
			t.Error("what expired still takes room")
		}
	})
}

func TestRegionCacheIsBounded(t *testing.T) {
	cache := newRegionCache()
	for i := range maxRegions + 100 {
		cache.put(account{secretID: "id"}, fmt.Sprintf("b-%d", i), "ap-tokyo")
	}
	if len(cache.entries) > maxRegions {
		t.Errorf("%d entries", len(cache.entries))
	}
	last := fmt.Sprintf("b-%d", maxRegions+99)
	if _, ok := cache.get(account{secretID: "id"}, last); !ok {
		t.Error("the newest entry is not there")
	}
}

func TestRegionCacheKeepsNoWrongRegion(t *testing.T) {
	cache := newRegionCache()
	cache.put(account{}, "b-1", "ap-tokyo.evil.example/")
	if _, ok := cache.get(account{}, "b-1"); ok {
		t.Error("a region that leads to another host is kept")
	}
}

func TestRegionCachesOfTwoProcessesHashDifferently(t *testing.T) {
	one, other := newRegionCache(), newRegionCache()
	if one.hash(account{}, "b-1") == other.hash(account{}, "b-1") {
		t.Error("the hash key is the same twice")
	}
}

package s3

import (
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/toolstest"
)

func TestRegionsAreRememberedForTenMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newRegionCache()
		key := c.key("id", "secret", "docs")
		c.put(key, "eu-west-1")
		time.Sleep(regionLifetime - time.Second)
		toolstest.Same(t, "before", "eu-west-1", c.get(key))
		time.Sleep(time.Second)
		toolstest.Same(t, "after", "", c.get(key))
		toolstest.Same(t, "entries that are left", 0, len(c.entries))
	})
}

func TestKeysDifferWhereverTheListsDiffer(t *testing.T) {
	c := newRegionCache()
	if c.key("ab", "c") == c.key("a", "bc") || c.key("a", "") == c.key("a") || c.key("a") == newRegionCache().key("a") {
		t.Error("two lists, or two processes, share a key")
	}
}

func TestMemoryForRegionsIsBounded(t *testing.T) {
	c := newRegionCache()
	for i := range maxRegions + 10 {
		c.put(c.key(strconv.Itoa(i)), "eu-west-1")
	}
	toolstest.Same(t, "entries", maxRegions, len(c.entries))
}

//go:build slow

package main

import (
	"testing"
	"time"

	"github.com/cloudplugins/difyplugin/internal/shipped"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/toolstest"
)

const mib = 1 << 20

func TestSlowMemoryReturnsToIdleAfterTwoHundredCallsOfTwentyTenants(t *testing.T) {
	cloud := toolstest.Start(t)
	tenants := newTenants(t, cloud)
	p := shipped.Start(t, "my_aws_tools", cloud.Environ()...)
	callAtOnce(t, p, tenants[:1]) // once, so that all code that is needed is there
	rest := func() int64 {
		timer := time.NewTimer(45 * time.Second) // idle connections close after 30 s, memory goes back after 10 s
		<-timer.C
		return p.Resident(t)
	}
	before := rest()
	for range 5 {
		callAtOnce(t, p, tenants)
	}
	busy, after := p.Resident(t), rest()
	t.Logf("%.1f MiB at rest before, %.1f just after the calls, %.1f at rest after them", float64(before)/mib, float64(busy)/mib, float64(after)/mib)
	if after > before+5*mib {
		t.Errorf("%d KiB at rest before, %d after", before>>10, after>>10)
	}
}

package browser_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cloudplugins/difyplugin/sandbox/aws/browser"
)

// verdict is a test that notes how it ends.
type verdict struct{ said string }

func (*verdict) Helper() {}

func (v *verdict) Skipf(format string, args ...any) {
	v.said = "skipped: " + fmt.Sprintf(format, args...)
}

func (v *verdict) Fatalf(format string, args ...any) {
	v.said = "failed: " + fmt.Sprintf(format, args...)
}

func TestATestWithoutChromiumIsSkippedOrFails(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	for setting, want := range map[string]string{"": "skipped: there is no Chromium", "0": "skipped: ", "1": "failed: there is no Chromium on this machine, and DIFYPLUGIN_REQUIRE_CHROMIUM=1"} {
		t.Setenv(browser.RequireVariable, setting)
		var v verdict
		browser.Require(&v)
		if !strings.HasPrefix(v.said, want) {
			t.Errorf("%q: %s", setting, v.said)
		}
	}
	none := browser.NewChromium()
	if err := none.Close(); err != nil {
		t.Errorf("a Chromium that nobody used: %v", err)
	}
}

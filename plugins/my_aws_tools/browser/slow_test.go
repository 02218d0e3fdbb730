//go:build slow

package browser_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
)

func TestSlowTwentySessionsAreUsedAtOnce(t *testing.T) { useAtOnce(t, 20) }

// The replaced plugin drives browsers with Playwright. It, too, finds one that ours has started, as long as the stored
// signature is fresh; and ours finds the page where it was left.
func TestSlowPlaywrightFindsABrowserByTheParameter(t *testing.T) {
	python := os.Getenv("DIFYPLUGIN_PYTHON")
	if python == "" {
		t.Skip("DIFYPLUGIN_PYTHON names no Python with playwright (pip install playwright==1.65.2)")
	}
	if out, err := exec.CommandContext(t.Context(), python, "-c", "import playwright").CombinedOutput(); err != nil {
		t.Skipf("the Python of DIFYPLUGIN_PYTHON has no playwright (pip install playwright==1.65.2): %s", strings.TrimSpace(string(out)))
	}
	c, s := newBrowsers(t), newSite(t)
	id := c.open(t)
	at := s.page("/left", "<title>Left</title>here")
	stored, _ := c.stored(t)
	// Playwright takes no proxy to a browser: it goes round the sandbox's, to the same cloud.
	const host = "bedrock-agentcore.us-east-1.amazonaws.com"
	relay := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Host = host
		c.Cloud.ServeHTTP(w, r)
	}))
	t.Cleanup(relay.Close)
	peer := exec.CommandContext(t.Context(), python, "testdata/playwright_peer.py", at)
	peer.Stdin = strings.NewReader(strings.Replace(stored.Value, "wss://"+host, "ws"+strings.TrimPrefix(relay.URL, "http"), 1))
	out, err := peer.CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) != "Left / here" {
		t.Fatalf("%s, %v", out, err)
	}
	if got := c.use(t, id, "extract_content")["content"].(map[string]any); got["url"] != at {
		t.Errorf("the page is %v", got["url"])
	}
}

package account_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/account"
)

func TestAnAnswerIsNoLongerThanItsLimit(t *testing.T) {
	for name, tt := range map[string]struct {
		limit     int64
		size      int
		announced bool
		fails     bool
	}{
		"as long as it may be":    {limit: 1000, size: 1000, announced: true},
		"one byte more":           {limit: 1000, size: 1001, announced: true, fails: true},
		"in pieces, at the limit": {limit: 100_000, size: 100_000},
		"in pieces, one more":     {limit: 100_000, size: 100_001, fails: true},
		"without a limit":         {size: 100_001},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if !tt.announced {
					_ = http.NewResponseController(w).Flush()
				}
				_, _ = io.WriteString(w, strings.Repeat("x", tt.size))
			}))
			defer server.Close()
			line := account.NewLine(server.Client(), "Bedrock", tt.limit)
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			var got []byte
			answer, err := line.Do(request)
			if err == nil {
				got, err = io.ReadAll(answer.Body)
				_ = answer.Body.Close()
			}
			if !tt.fails && (err != nil || len(got) != tt.size) {
				t.Errorf("%d of %d bytes came, and %v", len(got), tt.size, err)
			}
			if tt.fails && (plugin.KindOf(err) != plugin.Unavailable || !strings.Contains(err.Error(), "what answers in place of Bedrock sends more than") || !strings.Contains(err.Error(), "check aws_endpoint_url")) {
				t.Errorf("the error is %v", err)
			}
			if !line.Sent() {
				t.Error("the request was not seen leaving")
			}
		})
	}
}

// broken is a client whose connections cannot be made after the first.
type broken struct {
	first *http.Client
	asked bool
}

func (b *broken) Do(r *http.Request) (*http.Response, error) {
	if b.asked {
		return nil, errors.New("no route to host")
	}
	b.asked = true
	return b.first.Do(r)
}

func TestWhatWasSentIsSaidOfTheLatestRequest(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	line := account.NewLine(&broken{first: server.Client()}, "Lambda", 10)
	if line.Sent() {
		t.Error("something was sent before anything was asked for")
	}
	for _, want := range []bool{true, false} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		if answer, err := line.Do(request); err == nil {
			_ = answer.Body.Close()
		}
		if line.Sent() != want {
			t.Errorf("sent is %v, want %v", line.Sent(), want)
		}
	}
}

package account

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// asked keeps the request that reached the network.
type asked struct{ request *http.Request }

func (a *asked) RoundTrip(r *http.Request) (*http.Response, error) {
	a.request = r
	return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}, nil
}

// closing is a body as the SDK sends it: it writes itself, and says that it is at its end once it is closed.
type closing struct{ *strings.Reader }

func (closing) Close() error { return nil }

func TestBodiesOfRequestsAreReadAndNeverWriteThemselves(t *testing.T) {
	network := &asked{}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://lambda.us-east-1.amazonaws.com/", closing{strings.NewReader("payload")})
	if err != nil {
		t.Fatal(err)
	}
	given := request.Body
	resp, err := NewProcess(network).client().Transport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if _, writes := network.request.Body.(io.WriterTo); writes {
		t.Error("the body writes itself, and its end may tear the connection down in the middle of the answer")
	}
	if content, err := io.ReadAll(network.request.Body); err != nil || string(content) != "payload" {
		t.Errorf("the body holds %q, %v", content, err)
	}
	if request.Body != given {
		t.Error("the caller's own request was changed")
	}
}

package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloudplugins/difyplugin/internal/wire"
)

// slowDaemon writes one line after each pause, without end.
type slowDaemon struct {
	pause time.Duration
	line  func(n int) string
}

func (d slowDaemon) RoundTrip(r *http.Request) (*http.Response, error) {
	body, answer := io.Pipe()
	go func() {
		for n := 1; ; n++ {
			select {
			case <-time.After(d.pause):
			case <-r.Context().Done():
				answer.CloseWithError(r.Context().Err())
				return
			}
			if _, err := io.WriteString(answer, d.line(n)+"\n"); err != nil {
				return
			}
		}
	}()
	return &http.Response{StatusCode: http.StatusOK, Status: "200 OK", Body: body, Request: r}, nil
}

// wait measures a call to a slow daemon whose replies are looked at for a while each.
func (d slowDaemon) wait(t *testing.T, look time.Duration, most int) (replies int, took time.Duration, failure error) {
	t.Helper()
	calls := &daemonCalls{url: "http://daemon" + backcallPath, client: &http.Client{Transport: d}}
	session := &Session{id: "S1", calls: calls}
	begin := time.Now()
	for _, err := range calls.backcall(t.Context(), session, "C1", []byte("{}\n")) {
		if err != nil {
			return replies, time.Since(begin), err
		}
		replies++
		<-time.After(look)
		if replies == most {
			break
		}
	}
	return replies, time.Since(begin), nil
}

func TestOnlyAnswersRestartTheLimitOfACallOverHTTP(t *testing.T) {
	t.Run("keep-alives do not", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			daemon := slowDaemon{25 * time.Second, func(int) string { return "" }}
			replies, took, err := daemon.wait(t, 0, 1)
			if replies != 0 || took != InvokeTimeout || !errors.Is(err, ErrNoAnswer) {
				t.Errorf("got %d replies and %v after %s, want %v after %s", replies, err, took, ErrNoAnswer, InvokeTimeout)
			}
		})
	})
	t.Run("answers do", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			daemon := slowDaemon{240 * time.Second, func(n int) string {
				return fmt.Sprintf(`{"session_id":"S1","event":"backwards_response","data":{"backwards_request_id":"C1","event":"response","data":%d}}`, n)
			}}
			replies, took, err := daemon.wait(t, 0, 5)
			if replies != 5 || took != 5*240*time.Second || err != nil {
				t.Errorf("got %d replies and %v after %s, want 5 after 20 minutes", replies, err, took)
			}
		})
	})
	t.Run("silence after an answer counts from that answer", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			daemon := slowDaemon{100 * time.Second, func(n int) string {
				if n > 1 {
					return ""
				}
				return `{"session_id":"S1","event":"backwards_response","data":{"backwards_request_id":"C1","event":"response","data":1}}`
			}}
			replies, took, err := daemon.wait(t, 0, 2)
			if replies != 1 || took != 100*time.Second+InvokeTimeout || !errors.Is(err, ErrNoAnswer) {
				t.Errorf("got %d replies and %v after %s, want 1 and %v after %s", replies, err, took, ErrNoAnswer, 100*time.Second+InvokeTimeout)
			}
		})
	})
	t.Run("the author's own time does not count", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			daemon := slowDaemon{time.Second, func(n int) string {
				return fmt.Sprintf(`{"session_id":"S1","event":"backwards_response","data":{"backwards_request_id":"C1","event":"response","data":%d}}`, n)
			}}
			replies, _, err := daemon.wait(t, 2*InvokeTimeout, 3)
			if replies != 3 || err != nil {
				t.Errorf("got %d replies and %v, want 3", replies, err)
			}
		})
	})
}

func TestADaemonThatNeverAnswersIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := &daemonCalls{url: "http://daemon", client: &http.Client{Transport: silentDaemon{}}}
		begin := time.Now()
		for reply, err := range calls.backcall(context.Background(), &Session{id: "S1"}, "C1", []byte("{}\n")) {
			if !errors.Is(err, ErrNoAnswer) || time.Since(begin) != InvokeTimeout {
				t.Errorf("got %v, %v after %s, want %v after %s", reply, err, time.Since(begin), ErrNoAnswer, InvokeTimeout)
			}
		}
	})
}

// silentDaemon takes a call and says nothing.
type silentDaemon struct{}

func (silentDaemon) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func TestLinesOfACallKeepTheirNewlineOutOfTheBody(t *testing.T) {
	var sent string
	calls := &daemonCalls{url: "http://daemon", client: &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		body, err := io.ReadAll(r.Body)
		sent = string(body)
		return nil, err
	})}}
	line, err := wire.InvokeLine("S1", wire.Invoke{Type: "storage", ID: "C1"})
	if err != nil {
		t.Fatal(err)
	}
	for range calls.backcall(t.Context(), &Session{id: "S1"}, "C1", line) {
	}
	if want := `{"event":"session","session_id":"S1","data":{"type":"invoke","data":{"type":"storage","backwards_request_id":"C1","request":null}}}`; sent != want {
		t.Errorf("the body is %q, want %q", sent, want)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

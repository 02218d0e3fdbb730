package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/cloudplugins/difyplugin/host"
)

// echoRequest is a call of the tool echo, as the daemon writes it.
func echoRequest(session string) string {
	return `{"session_id":"` + session + `","conversation_id":null,"message_id":null,"app_id":null,"endpoint_id":null,"context":null,` +
		`"event":"request","data":{"action":"invoke_tool","credential_type":"api-key","credentials":{},"provider":"echo","tool":"echo",` +
		`"tool_parameters":{"text":"Round and round it goes"},"type":"tool","user_id":"bench"}}`
}

// downloadRequest asks the drive for a file of so many bytes.
func downloadRequest(session string, size int64) string {
	return `{"session_id":"` + session + `","conversation_id":null,"message_id":null,"app_id":null,"endpoint_id":null,"context":null,` +
		`"event":"request","data":{"action":"invoke_online_drive_download_file","credential_type":"api-key","credentials":{},` +
		`"provider":"drive","datasource":"drive","request":{"bucket":null,"id":"` + strconv.FormatInt(size, 10) + `"},` +
		`"type":"datasource","user_id":"bench"}}`
}

// traffic keeps a number of calls of the tool echo in flight: each end of a call is the start of the next.
type traffic struct {
	child   *child
	pending map[string]time.Time // session -> when its request was handed over
	started int
	// requests is the way to the writer, which has to be a goroutine of its own: the program may not read on before
	// its answers were read.
	requests  chan string
	latencies series // in seconds
}

// roundTrips calls the tool for so long, and returns calls per second, the median and the 99th percentile of the time
// that a call took.
func roundTrips(ctx context.Context, command host.Command, inFlight int, warmUp, length time.Duration) ([]float64, error) {
	c, err := started(ctx, command)
	if err != nil {
		return nil, err
	}
	defer c.kill()
	if _, _, err := c.exchange(inFlight, warmUp); err != nil {
		return nil, err
	}
	latencies, took, err := c.exchange(inFlight, length)
	if err != nil {
		return nil, err
	}
	return []float64{float64(len(latencies)) / took.Seconds(), latencies.median(), latencies.quantile(0.99)}, nil
}

// exchange starts calls for so long and returns how long each took, and how long all took, to the end of the last.
func (c *child) exchange(inFlight int, length time.Duration) (series, time.Duration, error) {
	t := &traffic{child: c, pending: map[string]time.Time{}, requests: make(chan string, inFlight)}
	written := make(chan error, 1)
	go func() { written <- t.write() }()

	began := time.Now()
	for range inFlight {
		t.call()
	}
	err := t.read(began.Add(length))
	took := time.Since(began)
	close(t.requests)
	if err != nil {
		_ = c.in.Close() // so that a write that is blocked returns
		<-written
		return nil, 0, err
	}
	return t.latencies, took, <-written
}

// write hands the requests to the program, each in a write of its own as the daemon does.
func (t *traffic) write() error {
	var failed error
	for request := range t.requests {
		if failed == nil {
			failed = t.child.write(request)
		}
	}
	return failed
}

func (t *traffic) call() {
	t.started++
	session := "s" + strconv.Itoa(t.started)
	t.pending[session] = time.Now()
	t.requests <- echoRequest(session)
}

// read takes the answers, and calls again until the deadline.
func (t *traffic) read(deadline time.Time) error {
	for len(t.pending) > 0 {
		head, _, err := t.child.next()
		if err != nil {
			return err
		}
		e := parseEvent(head)
		began, mine := t.pending[e.session]
		if !mine {
			continue
		}
		switch e.message {
		case "error":
			return fmt.Errorf("%s failed: %s", t.child.name, head)
		case "end":
			now := time.Now()
			t.latencies = append(t.latencies, now.Sub(began).Seconds())
			delete(t.pending, e.session)
			if now.Before(deadline) {
				t.call()
			}
		}
	}
	return nil
}

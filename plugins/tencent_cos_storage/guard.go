package main

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"time"
)

// patience is how long COS may send nothing before a connection counts as broken.
const patience = time.Minute

// errSilent is the cause of a wait that lasted longer than the patience.
var errSilent = errors.New("no data arrived for too long")

// errTooLong is what reading a list ends with when it has no end.
var errTooLong = errors.New("the answer is longer than any list of COS")

// bodyLimit says how much of a good answer is read.
type bodyLimit int64

const (
	// limitedBodies are lists. The longest possible one, a thousand keys of 850 bytes, has about 3 MiB.
	limitedBodies bodyLimit = 16 << 20
	// endlessBodies are objects.
	endlessBodies bodyLimit = 0

	maxErrorBody = 64 << 10
)

// guard stands between the library and the network. It gives up on a server that has gone silent, bounds what a
// server can make the library hold in memory, and asks for bytes as they are stored.
type guard struct {
	next     http.RoundTripper
	patience time.Duration
	bodies   bodyLimit
}

func (g guard) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(req.Context())
	req = req.Clone(ctx)
	req.Header.Set("Accept-Encoding", "identity") // else net/http asks for gzip, and unpacks what it gets

	timer := time.AfterFunc(g.patience, func() { cancel(errSilent) })
	resp, err := g.next.RoundTrip(req)
	timer.Stop()
	if err != nil {
		err = silence(ctx, err)
		cancel(nil)
		return nil, err
	}
	body := &guardedBody{ctx: ctx, cancel: cancel, body: resp.Body, timer: timer, patience: g.patience}
	resp.Body = body
	switch {
	case resp.StatusCode >= http.StatusMultipleChoices:
		return holdError(resp)
	case g.bodies != endlessBodies:
		body.left, body.limited = int64(g.bodies), true
	}
	return resp, nil
}

// silence replaces the error of a connection that was given up, which would only say "canceled".
func silence(ctx context.Context, err error) error {
	if err != nil && err != io.EOF && errors.Is(context.Cause(ctx), errSilent) {
		return errSilent
	}
	return err
}

// guardedBody is a body whose reads end when nothing arrives. Time that its reader spends elsewhere does not count.
type guardedBody struct {
	ctx      context.Context
	cancel   context.CancelCauseFunc
	body     io.ReadCloser
	timer    *time.Timer
	patience time.Duration
	limited  bool
	left     int64
}

func (b *guardedBody) Read(p []byte) (int, error) {
	if b.limited && b.left <= 0 {
		return 0, errTooLong
	}
	if b.limited {
		p = p[:min(int64(len(p)), b.left)]
	}
	b.timer.Reset(b.patience)
	n, err := b.body.Read(p)
	b.timer.Stop()
	b.left -= int64(n)
	return n, silence(b.ctx, err)
}

func (b *guardedBody) Close() error {
	b.timer.Stop()
	err := b.body.Close()
	b.cancel(nil)
	return err
}

// regionHeader is where COS names a bucket's region.
const regionHeader = "X-Cos-Bucket-Region"

// holdError reads an error document, of which the library keeps only a part. Where the service names the right host
// in a place that the library does not look at, its region goes into the header for it.
func holdError(resp *http.Response) (*http.Response, error) {
	document, err := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody))
	if closeErr := resp.Body.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(document))
	if resp.Header.Get(regionHeader) == "" {
		if region := redirectRegion(resp.Header.Get("Location"), document); region != "" {
			resp.Header.Set(regionHeader, region)
		}
	}
	return resp, nil
}

// redirectRegion finds the region in the host that a redirect points to: in its Location, or in the Endpoint of its
// document. It is never gone to, only its region is used.
func redirectRegion(location string, document []byte) string {
	var details struct{ Endpoint string }
	_ = xml.Unmarshal(document, &details) // what is no document has no endpoint
	for _, place := range []string{location, details.Endpoint} {
		if u, err := url.Parse(place); err == nil && u.Host != "" {
			place = u.Hostname()
		}
		if region := hostRegion(place); region != "" {
			return region
		}
	}
	return ""
}

func hostRegion(host string) string {
	pattern := regexp.MustCompile(`^(?:[a-z0-9-]+\.)?cos(?:-internal)?\.([a-z0-9-]+)\.(?:myqcloud\.com|tencentcos\.cn)$`)
	match := pattern.FindStringSubmatch(host)
	if match == nil || !validRegion(match[1]) || match[1] == accelerate {
		return ""
	}
	return match[1]
}

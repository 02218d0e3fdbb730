package main

import (
	"cmp"
	"context"
	"errors"
	"net/http"

	"github.com/tencentyun/cos-go-sdk-v5"
)

// connect returns a client that speaks for one account to one host. It is made for one request and holds the
// account's keys; the connections beneath it are shared, and carry none.
func (d *drive) connect(a account, urls cos.BaseURL, bodies bodyLimit) (*cos.Client, error) {
	shared, err := d.transport()
	if err != nil {
		return nil, err
	}
	urls.ServiceURL = cmp.Or(urls.ServiceURL, https(serviceHost)) // the library's own default is not encrypted
	client := cos.NewClient(&urls, &http.Client{
		Transport: exactPath{&cos.AuthorizationTransport{
			SecretID:     a.secretID,
			SecretKey:    a.secretKey,
			SessionToken: a.sessionToken,
			Transport:    guard{next: shared, patience: d.patience, bodies: bodies},
		}},
		CheckRedirect: neverRedirect,
	})
	client.Conf.RetryOpt.Count = 1 // tries in all; see retry
	client.Conf.ObjectKeySimplifyCheck = false
	return client, nil
}

// listClient asks a host of COS for buckets.
func (d *drive) listClient(a account, host string) (*cos.Client, error) {
	return d.connect(a, cos.BaseURL{ServiceURL: https(host)}, limitedBodies)
}

// bucketClient lists one bucket, objectClient reads objects of it.
func (d *drive) bucketClient(a account, bucket, region string) (*cos.Client, error) {
	return d.connect(a, cos.BaseURL{BucketURL: https(a.endpoint.host(bucket, region))}, limitedBodies)
}

func (d *drive) objectClient(a account, bucket, region string) (*cos.Client, error) {
	return d.connect(a, cos.BaseURL{BucketURL: https(a.endpoint.host(bucket, region))}, endlessBodies)
}

// neverRedirect makes every redirect an answer, which the library then reports as an error: to follow one would send
// a signed request to wherever the answer says.
func neverRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// objectKey is the key of the context under which exactPath finds the key of the object that is asked for.
type objectKey struct{}

func withObjectKey(ctx context.Context, key string) context.Context {
	return context.WithValue(ctx, objectKey{}, key)
}

// exactPath asks for the object that is meant. The library resolves the path as a browser does, which makes another
// request of the keys "." and "..": a list of the bucket.
type exactPath struct{ next http.RoundTripper }

func (t exactPath) RoundTrip(req *http.Request) (*http.Response, error) {
	key, ok := req.Context().Value(objectKey{}).(string)
	if !ok {
		return t.next.RoundTrip(req)
	}
	req = req.Clone(req.Context())
	req.URL.Path = "/" + key
	req.URL.RawPath = "/" + escapeKey(key)
	return t.next.RoundTrip(req)
}

func escapeKey(key string) string {
	switch key {
	case ".":
		return "%2E"
	case "..":
		return "%2E%2E"
	}
	return cos.EncodeURIComponent(key)
}

// answered returns the error document that COS sent, if err is one.
func answered(err error) (*cos.ErrorResponse, bool) {
	var answer *cos.ErrorResponse
	ok := errors.As(err, &answer)
	return answer, ok
}

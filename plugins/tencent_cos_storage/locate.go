package main

import (
	"context"
	"net/http"

	"github.com/tencentyun/cos-go-sdk-v5"
)

// inBucket sends a request to a bucket, in the region where the bucket is. That is the remembered one or, at first,
// the one of the credentials; when the bucket turns out to be elsewhere, the request is sent there.
func inBucket[T any](ctx context.Context, d *drive, a account, op operation, send func(region string) (T, error)) (T, error) {
	region, remembered := d.regions.get(a, op.bucket)
	if !remembered || !a.endpoint.usesRegion() {
		region = a.region
	}
	try := func() (T, error) {
		op.host, op.region = a.endpoint.host(op.bucket, region), region
		return retry(ctx, d.firstWait, func() (T, error) { return send(region) })
	}
	result, err := try()
	if err == nil || !a.endpoint.usesRegion() {
		return result, op.explain(a, err)
	}
	right := d.locate(ctx, a, op.bucket, region, err)
	if right == "" {
		return result, op.explain(a, err)
	}
	region = right
	if result, err = try(); err == nil {
		d.regions.put(a, op.bucket, region)
	}
	return result, op.explain(a, err)
}

// locate returns the region of a bucket that was not found in another one, or "". The answer may name it; else the
// list of buckets does, if the credentials may see it.
func (d *drive) locate(ctx context.Context, a account, bucket, tried string, failure error) string {
	answer, ok := answered(failure)
	if !ok {
		return ""
	}
	named := answer.Response.Header.Get(regionHeader)
	if named != tried && validRegion(named) {
		return named
	}
	if !elsewhere(answer) {
		return ""
	}
	d.regions.forget(a, bucket)
	if _, err := d.listBuckets(ctx, a); err != nil {
		return "" // the first answer says more to the user than this one
	}
	if listed, ok := d.regions.get(a, bucket); ok && listed != tried {
		return listed
	}
	return ""
}

// elsewhere reports whether COS says that the bucket is not in the region that was asked.
func elsewhere(answer *cos.ErrorResponse) bool {
	status := answer.Response.StatusCode
	return answer.Code == "NoSuchBucket" || status >= http.StatusMultipleChoices && status < http.StatusBadRequest
}

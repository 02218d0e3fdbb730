package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/tencentyun/cos-go-sdk-v5"
)

// drive is the online drive. It belongs to no user: what it keeps are connections, which carry no credentials, and
// for minutes the regions of buckets.
type drive struct {
	transport func() (http.RoundTripper, error)
	patience  time.Duration
	firstWait time.Duration
	regions   *regionCache
}

// newDrive makes a drive. The transport is opened at the first request.
func newDrive(open func(official func(host string) bool) (http.RoundTripper, error)) *drive {
	return &drive{
		transport: sync.OnceValues(func() (http.RoundTripper, error) { return open(officialHost) }),
		patience:  patience,
		firstWait: firstWait,
		regions:   newRegionCache(),
	}
}

// Check accepts credentials with which something can be listed, in a region that exists. It asks for no more than
// that: one entry of each bucket that was entered or, where none was, one entry of the list of buckets.
func (d *drive) Check(ctx context.Context, c plugin.Credentials) error {
	a, err := newAccount(c)
	if err != nil {
		return err
	}
	if len(a.buckets) == 0 {
		return d.checkAll(ctx, a)
	}
	var faults []error
	for _, bucket := range a.buckets {
		if _, err := d.listObjects(ctx, a, bucket, &cos.BucketGetOptions{MaxKeys: 1, EncodingType: "url"}); err != nil {
			faults = append(faults, err)
		}
		if ctx.Err() != nil {
			break
		}
	}
	return joinSentences(faults)
}

// checkAll lists one bucket of the account, then asks the same of the region's own host: only the second fails when
// there is no such region.
func (d *drive) checkAll(ctx context.Context, a account) error {
	one := &cos.ServiceGetOptions{MaxKeys: 1}
	if _, err := d.listBucketsAt(ctx, a, serviceHost, one); err != nil {
		return err
	}
	if !a.endpoint.usesRegion() || firstGeneration(a.region) {
		return nil
	}
	_, err := d.listBucketsAt(ctx, a, regionHost(a.region), one)
	return err
}

// Browse lists the buckets, or one page of a folder.
func (d *drive) Browse(ctx context.Context, call *plugin.Call, in plugin.BrowseRequest) (plugin.Page, error) {
	a, err := newAccount(call.Credentials())
	if err != nil {
		return plugin.Page{}, err
	}
	return d.browse(ctx, a, in)
}

func (d *drive) browse(ctx context.Context, a account, in plugin.BrowseRequest) (plugin.Page, error) {
	if in.Bucket != "" {
		return d.browseFolder(ctx, a, in)
	}
	if len(a.buckets) > 0 {
		return plugin.Page{Buckets: slices.Clone(a.buckets)}, nil
	}
	names, err := d.listBuckets(ctx, a)
	return plugin.Page{Buckets: names}, err
}

// maxEmptyPages bounds how long an answer is looked for behind pages that show nothing, such as a page that holds
// only the folder's own placeholder.
const maxEmptyPages = 100

func (d *drive) browseFolder(ctx context.Context, a account, in plugin.BrowseRequest) (plugin.Page, error) {
	if err := a.allows(in.Bucket); err != nil {
		return plugin.Page{}, err
	}
	marker, err := cursorMarker(in.Cursor)
	if err != nil {
		return plugin.Page{}, err
	}
	prefix := folderPrefix(in.Prefix)
	for range maxEmptyPages {
		page, err := d.listFolder(ctx, a, in.Bucket, prefix, marker, in.MaxKeys)
		if err != nil {
			return plugin.Page{}, err
		}
		if len(page.entries) > 0 || page.next == "" {
			return page.page(), nil
		}
		marker = page.next
	}
	return plugin.Page{}, plugin.Errorf(plugin.Unavailable, "COS sent %d pages of bucket %q in a row without a single entry: "+
		"try again later", maxEmptyPages, in.Bucket)
}

// listFolder asks for one page.
func (d *drive) listFolder(ctx context.Context, a account, bucket, prefix, marker string, maxKeys int) (listing, error) {
	answer, err := d.listObjects(ctx, a, bucket, &cos.BucketGetOptions{
		Prefix:       prefix,
		Delimiter:    "/",
		EncodingType: "url", // keys may hold characters that XML cannot
		Marker:       marker,
		MaxKeys:      min(max(maxKeys, 1), maxPage),
	})
	if err != nil {
		return listing{}, err
	}
	page, err := readListing(answer, prefix, marker)
	if err != nil {
		return listing{}, plugin.Errorf(plugin.Unavailable, "could not list bucket %q: %w", bucket, err)
	}
	return page, nil
}

// listObjects sends GET Bucket.
func (d *drive) listObjects(ctx context.Context, a account, bucket string, query *cos.BucketGetOptions) (*cos.BucketGetResult, error) {
	op := operation{doing: fmt.Sprintf("list bucket %q", bucket), action: "name/cos:GetBucket", bucket: bucket}
	return inBucket(ctx, d, a, op, func(region string) (*cos.BucketGetResult, error) {
		client, err := d.bucketClient(a, bucket, region)
		if err != nil {
			return nil, err
		}
		answer, _, err := client.Bucket.Get(ctx, query)
		if err == nil && answer.XMLName.Local == "" {
			err = errNoDocument // the library takes an empty answer for an empty bucket
		}
		return answer, err
	})
}

// errNoDocument is an answer of COS without any content.
var errNoDocument = errors.New("the answer is empty")

// listBuckets returns the names of all buckets, in the order of the service, and remembers their regions.
func (d *drive) listBuckets(ctx context.Context, a account) ([]string, error) {
	names := []string{}
	marker := ""
	seen := map[string]bool{marker: true}
	for {
		page, err := d.listBucketsAt(ctx, a, serviceHost, &cos.ServiceGetOptions{MaxKeys: maxPage, Marker: marker})
		if err != nil {
			return nil, err
		}
		for _, b := range page.Buckets {
			names = append(names, b.Name)
			d.regions.put(a, b.Name, b.Region)
		}
		if !page.IsTruncated {
			return names, nil
		}
		marker = page.NextMarker
		if marker == "" && len(page.Buckets) > 0 {
			marker = page.Buckets[len(page.Buckets)-1].Name
		}
		if seen[marker] {
			return nil, plugin.Errorf(plugin.Unavailable, "could not list the buckets: COS says that there are more after %d of them, "+
				"but not where they begin; try again later", len(names))
		}
		seen[marker] = true
	}
}

// listBucketsAt sends GET Service to the host for all regions, or to that of one.
func (d *drive) listBucketsAt(ctx context.Context, a account, host string, query *cos.ServiceGetOptions) (*cos.ServiceGetResult, error) {
	op := operation{doing: "list the buckets", action: "name/cos:GetService", host: host}
	if host != serviceHost {
		op.doing, op.region = fmt.Sprintf("reach the region %q", a.region), a.region
	}
	client, err := d.listClient(a, host)
	if err != nil {
		return nil, op.explain(a, err)
	}
	page, err := retry(ctx, d.firstWait, func() (*cos.ServiceGetResult, error) {
		page, _, err := client.Service.Get(ctx, query)
		if err == nil && page.XMLName.Local == "" {
			err = errNoDocument
		}
		return page, err
	})
	return page, op.explain(a, err)
}

// Download opens an object and hands it over as a file.
func (d *drive) Download(ctx context.Context, call *plugin.Call, in plugin.DownloadRequest) (plugin.File, error) {
	a, err := newAccount(call.Credentials())
	if err != nil {
		return plugin.File{}, err
	}
	return d.download(ctx, a, in, call.Logger())
}

package cos

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	// maxBuckets is the most that one bucket list holds, maxListing the most
	// that one object list holds.
	maxBuckets = 2000
	maxListing = 1000

	listTime = "2006-01-02T15:04:05Z"
)

// listBuckets performs GET Service: the buckets of the key's account in the
// order of their names.
func (x *exchange) listBuckets() *failure {
	limit := maxBuckets
	if text, ok := x.params.get("max-keys"); ok {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > maxBuckets {
			return invalidArgument("max-keys must be an integer from 1 to 2000.")
		}
		limit = n
	}
	marker, _ := x.params.get("marker")
	region := x.target.region
	if asked, ok := x.params.get("region"); ok && asked != "" {
		region = asked
	}
	account, buckets := x.store.bucketsOf(x.key.account, marker, region)
	truncated := len(buckets) > limit
	buckets = buckets[:min(limit, len(buckets))]

	d := newDocument("ListAllMyBucketsResult")
	d.begin("Owner")
	d.text("ID", "qcs::cam::uin/"+account.uin()+":uin/"+account.uin())
	d.text("DisplayName", account.uin())
	d.end()
	d.text("Marker", marker)
	d.boolean("IsTruncated", truncated)
	if truncated && !x.w.plan.withoutNextMarker {
		d.text("NextMarker", buckets[len(buckets)-1].name)
	}
	d.buckets(buckets)
	sendDocument(x.w, http.StatusOK, d.finish())
	return nil
}

func (d *document) buckets(buckets []bucket) {
	if len(buckets) == 0 {
		d.text("Buckets", "")
		return
	}
	d.begin("Buckets")
	for _, b := range buckets {
		d.begin("Bucket")
		d.text("Name", b.name)
		d.text("Location", b.region)
		d.text("CreationDate", b.created.UTC().Format(listTime))
		d.text("BucketType", "cos")
		d.end()
	}
	d.end()
}

// bucketsOf returns the account and copies of its buckets after the marker, in
// one region unless that is empty.
func (s *Store) bucketsOf(appID, marker, region string) (Account, []bucket) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var found []bucket
	for _, b := range s.buckets {
		if b.appID != appID || b.name <= marker || (region != "" && b.region != region) {
			continue
		}
		found = append(found, bucket{name: b.name, region: b.region, created: b.created})
	}
	slices.SortFunc(found, func(a, b bucket) int { return strings.Compare(a.name, b.name) })
	return s.accounts[appID], found
}

// seconds is how the service writes the time of an object in a list.
func seconds(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

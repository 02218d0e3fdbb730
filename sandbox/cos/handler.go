package cos

import (
	"io"
	"net"
	"net/http"
	"strings"
)

// target is what a request's host and path name.
type target struct {
	// service says that the host lists buckets; bucket is then empty.
	service bool
	bucket  string
	// region is the one that the host names; it is empty for hosts that name
	// none, such as custom domains.
	region     string
	accelerate bool
	// key is the object's key, empty for the bucket itself.
	key string
}

// domains are the names below which the service lives.
var domains = [...]string{".myqcloud.com", ".tencentcos.cn"}

// target finds out what is asked for. It reports false for a host that the
// service does not have.
func (s *Store) target(r *http.Request) (target, bool) {
	host := strings.ToLower(r.Host)
	if bare, _, err := net.SplitHostPort(host); err == nil {
		host = bare
	}
	key := strings.TrimPrefix(r.URL.Path, "/")
	s.mu.RLock()
	bound, ok := s.domains[host]
	s.mu.RUnlock()
	if ok {
		return target{bucket: bound, key: key}, true
	}
	for _, domain := range domains {
		if name, ok := strings.CutSuffix(host, domain); ok {
			t, ok := parseHost(name)
			t.key = key
			return t, ok
		}
	}
	return target{}, false
}

// parseHost reads what stands before the service's domain: "service.cos",
// "cos.REGION", "BUCKET.cos.REGION" or "BUCKET.cos.accelerate", where cos may
// also be cos-internal, the name inside the provider's network.
func parseHost(name string) (target, bool) {
	labels := strings.Split(name, ".")
	isCOS := func(label string) bool { return label == "cos" || label == "cos-internal" }
	switch {
	case len(labels) == 2 && labels[0] == "service" && isCOS(labels[1]):
		return target{service: true}, true
	case len(labels) == 2 && isCOS(labels[0]):
		return target{service: true, region: labels[1]}, true
	case len(labels) == 3 && isCOS(labels[1]) && labels[2] == "accelerate":
		return target{bucket: labels[0], accelerate: true}, true
	case len(labels) == 3 && isCOS(labels[1]):
		return target{bucket: labels[0], region: labels[2]}, true
	}
	return target{}, false
}

// exchange is one request on its way through the store.
type exchange struct {
	store  *Store
	w      *answer
	r      *http.Request
	target target
	params parameters
	key    accountKey
	bucket bucketInfo
	action Action
}

// bucketInfo is what an exchange needs to know of its bucket.
type bucketInfo struct {
	name, appID, region string
	accelerated         bool
}

// ServeHTTP implements [http.Handler].
func (s *Store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Server", "tencent-cos")
	w.Header().Set("x-cos-request-id", s.requestID())
	if !s.begin() {
		closed := &failure{status: http.StatusServiceUnavailable, code: "ServiceUnavailable", message: "The store is closed."}
		closed.fail(w, r)
		return
	}
	defer s.serving.Done()
	x := &exchange{store: s, w: newAnswer(s.context, w, r), r: r}
	defer x.w.endWith(s.context)()
	if failed := x.prepare(); failed != nil {
		failed.fail(w, r)
		return
	}
	x.w.apply(s.faults.match(x.action, x.target.bucket, x.target.key))
	x.serve()
	x.w.finish()
}

// prepare decides whether the request may be performed at all: first who asks,
// then what for, then whether that exists and is allowed.
func (x *exchange) prepare() *failure {
	var known bool
	if x.target, known = x.store.target(x.r); !known {
		return noSuchBucket()
	}
	var err error
	if x.params, err = parseParameters(x.r.URL.RawQuery); err != nil {
		return &failure{status: http.StatusBadRequest, code: "InvalidURI", message: "Could not parse the specified URI."}
	}
	var failed *failure
	if x.key, failed = x.store.authenticate(x.r, x.params); failed != nil {
		return failed
	}
	if x.action, failed = x.findAction(); failed != nil {
		return failed
	}
	if !x.target.service {
		if failed := x.findBucket(); failed != nil {
			return failed
		}
	}
	return x.authorize()
}

// subresources are the query parameters that ask for something else than the
// bucket or the object itself.
var subresources = [...]string{
	"accelerate", "acl", "cors", "delete", "domain", "encryption", "inventory", "lifecycle", "location", "logging",
	"object-lock", "origin", "policy", "referer", "replication", "restore", "retention", "select", "tagging",
	"uploadId", "uploads", "versioning", "versions", "website",
}

func (x *exchange) findAction() (Action, *failure) {
	for _, name := range subresources {
		if x.params.has(name) {
			return "", &failure{
				status: http.StatusNotImplemented, code: "NotImplemented",
				message: "The sandbox does not implement the sub-resource " + name + ".",
			}
		}
	}
	methods := map[string]Action{
		http.MethodGet: GetObject, http.MethodHead: HeadObject, http.MethodPut: PutObject, http.MethodDelete: DeleteObject,
	}
	switch {
	case x.target.service && x.target.key != "":
		return "", &failure{status: http.StatusBadRequest, code: "InvalidURI", message: "Could not parse the specified URI."}
	case x.target.service:
		methods = map[string]Action{http.MethodGet: GetService}
	case x.target.key == "":
		methods = map[string]Action{http.MethodGet: GetBucket, http.MethodHead: HeadBucket}
	}
	action, ok := methods[x.r.Method]
	if !ok {
		return "", methodNotAllowed()
	}
	return action, nil
}

// findBucket checks that the bucket exists where it was asked for.
func (x *exchange) findBucket() *failure {
	info, ok := x.store.bucketInfo(x.target.bucket)
	switch {
	case !ok:
		return noSuchBucket()
	case x.target.accelerate && !info.accelerated:
		return &failure{
			status: http.StatusBadRequest, code: "BucketAccelerateNotEnabled",
			message: "The accelerate domain is not enabled for this bucket.",
		}
	case x.target.region != "" && x.target.region != info.region:
		return x.wrongRegion(info)
	}
	x.bucket = info
	return nil
}

func (s *Store) bucketInfo(name string) (bucketInfo, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	b, ok := s.buckets[name]
	if !ok {
		return bucketInfo{}, false
	}
	return bucketInfo{name: b.name, appID: b.appID, region: b.region, accelerated: b.accelerated}, true
}

func (x *exchange) wrongRegion(info bucketInfo) *failure {
	if !x.store.redirectRegion {
		return noSuchBucket()
	}
	host := strings.Replace(strings.ToLower(x.r.Host), "."+x.target.region+".", "."+info.region+".", 1)
	return &failure{
		status: http.StatusMovedPermanently, code: "PermanentRedirect",
		message: "The bucket is in another region. Please use the host in Location.",
		header: map[string]string{
			"Location":            "https://" + host + x.r.URL.RequestURI(),
			"X-Cos-Bucket-Region": info.region,
		},
	}
}

// authorize checks ownership and the grants of the key.
func (x *exchange) authorize() *failure {
	if !x.target.service && x.bucket.appID != x.key.account {
		return accessDenied("Access Denied.")
	}
	name := x.target.key
	if x.action == GetBucket {
		name, _ = x.params.get("prefix")
	}
	if !x.key.allows(request{action: x.action, bucket: x.target.bucket, name: name}) {
		return accessDenied("Access Denied.")
	}
	return nil
}

// serve performs the action, unless a fault says what to answer.
func (x *exchange) serve() {
	if planned := x.w.plan.failure; planned != nil {
		// net/http notices that a client has gone only once the body is read.
		_, _ = io.Copy(io.Discard, x.r.Body)
		planned.fail(x.w, x.r)
		return
	}
	var failed *failure
	switch x.action {
	case GetService:
		failed = x.listBuckets()
	case HeadBucket:
		x.headBucket()
	case GetBucket:
		failed = x.listObjects()
	case GetObject, HeadObject:
		failed = x.readObject()
	case PutObject:
		failed = x.putObject()
	case DeleteObject:
		x.deleteObject()
	default:
		failed = methodNotAllowed()
	}
	if failed != nil {
		failed.fail(x.w, x.r)
	}
}

func (x *exchange) headBucket() {
	x.w.Header().Set("x-cos-bucket-region", x.bucket.region)
	x.w.WriteHeader(http.StatusOK)
}

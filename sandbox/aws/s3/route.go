package s3

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/cloudplugins/difyplugin/sandbox/aws"
)

// address takes the bucket and the key out of a request.
func address(r *aws.Request) place {
	path := strings.TrimPrefix(r.URL.Path, "/")
	if r.Bucket != "" {
		return place{r.Bucket, path}
	}
	bucket, key, _ := strings.Cut(path, "/")
	return place{bucket, key}
}

// Identify implements [aws.Service].
func (s *Store) Identify(r *aws.Request) (aws.Operation, *aws.Error) {
	at, query := address(r), r.URL.Query()
	op, known := operationOf(r.Method, at, query)
	if !known {
		return aws.Operation{}, &aws.Error{Status: http.StatusNotImplemented, Code: "NotImplemented", Message: "A header or query you provided implies functionality that is not implemented."}
	}
	if failed := checkQuery(op.Name, query); failed != nil {
		return aws.Operation{}, failed
	}
	if op.Name == "ListBuckets" {
		return op, nil
	}
	if len(at.key) > 1024 {
		return aws.Operation{}, &aws.Error{Status: http.StatusBadRequest, Code: "KeyTooLongError", Message: "Your key is too long"}
	}
	op.Resource = arn(r, at)
	if op.Name == "CreateBucket" {
		return op, nil
	}
	b, ok := s.Bucket(at.bucket)
	if !ok {
		return aws.Operation{}, noSuchBucket(at.bucket)
	}
	if failed := s.checkRegion(r, s.moved(b)); failed != nil {
		return aws.Operation{}, failed
	}
	return op, nil
}

func operationOf(method string, at place, query url.Values) (aws.Operation, bool) {
	has := func(name string) bool { return query.Has(name) }
	switch {
	case at.bucket == "":
		return aws.Operation{Name: "ListBuckets", Action: "s3:ListAllMyBuckets"}, method == http.MethodGet
	case at.key == "":
		return bucketOperation(method, query)
	case method == http.MethodGet && has("versionId"):
		return aws.Operation{Name: "GetObject", Action: "s3:GetObjectVersion"}, true
	case method == http.MethodGet && !has("uploadId"):
		return aws.Operation{Name: "GetObject"}, true
	case method == http.MethodPut && has("uploadId") && has("partNumber"):
		return aws.Operation{Name: "UploadPart", Action: "s3:PutObject"}, true
	case method == http.MethodPut && !has("uploadId"):
		return aws.Operation{Name: "PutObject"}, true
	case method == http.MethodPost && has("uploads"):
		return aws.Operation{Name: "CreateMultipartUpload", Action: "s3:PutObject"}, true
	case method == http.MethodPost && has("uploadId"):
		return aws.Operation{Name: "CompleteMultipartUpload", Action: "s3:PutObject"}, true
	case method == http.MethodDelete && has("uploadId"):
		return aws.Operation{Name: "AbortMultipartUpload"}, true
	case method == http.MethodDelete:
		return aws.Operation{Name: "DeleteObject"}, true
	}
	return aws.Operation{}, false
}

func bucketOperation(method string, query url.Values) (aws.Operation, bool) {
	switch {
	case method == http.MethodPut && len(query) == 0:
		return aws.Operation{Name: "CreateBucket"}, true
	case method == http.MethodGet && query.Has("location"):
		return aws.Operation{Name: "GetBucketLocation"}, true
	case method == http.MethodGet && query.Get("list-type") == "2":
		return aws.Operation{Name: "ListObjectsV2", Action: "s3:ListBucket"}, true
	}
	return aws.Operation{}, false
}

// checkQuery refuses parameters that an operation does not have: a client that sends them is mistaken.
func checkQuery(operation string, query url.Values) *aws.Error {
	known := map[string][]string{
		"ListBuckets":       {"max-buckets", "prefix", "continuation-token", "bucket-region"},
		"GetBucketLocation": {"location"},
		"ListObjectsV2":     {"list-type", "prefix", "max-keys", "continuation-token", "delimiter", "encoding-type", "fetch-owner", "start-after"},
		"GetObject":         {"versionId", "x-amz-request-payer", "x-amz-checksum-mode", "response-content-disposition", "response-content-type"},
		"UploadPart":        {"uploadId", "partNumber"}, "CreateMultipartUpload": {"uploads"},
		"CompleteMultipartUpload": {"uploadId"}, "AbortMultipartUpload": {"uploadId"},
	}
	for name := range query {
		if name != "x-id" && !slices.Contains(known[operation], strings.TrimSpace(name)) && !slices.Contains(known[operation], strings.ToLower(name)) {
			return invalidArgument(fmt.Sprintf("%s does not have the parameter %s.", operation, name))
		}
	}
	return nil
}

func arn(r *aws.Request, at place) string {
	partition := "aws"
	if strings.HasPrefix(r.Region, "cn-") {
		partition = "aws-cn"
	}
	if at.key == "" {
		return fmt.Sprintf("arn:%s:s3:::%s", partition, at.bucket)
	}
	return fmt.Sprintf("arn:%s:s3:::%s/%s", partition, at.bucket, at.key)
}

// checkRegion refuses requests that went to another region than the bucket's. Hosts that are not AWS's own have no
// regions.
func (s *Store) checkRegion(r *aws.Request, b Bucket) *aws.Error {
	if b.Region == r.Region || !strings.Contains(r.Host, ".amazonaws.com") {
		return nil
	}
	if s.silent {
		return &aws.Error{
			Status: http.StatusBadRequest, Code: "AuthorizationHeaderMalformed",
			Message: fmt.Sprintf("The authorization header is malformed; the region '%s' is wrong; expecting '%s'", r.Region, b.Region),
			Details: [][2]string{{"Region", b.Region}},
		}
	}
	return &aws.Error{
		Status: http.StatusMovedPermanently, Code: "PermanentRedirect",
		Message: "The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future requests to this endpoint.",
		Header:  map[string]string{"X-Amz-Bucket-Region": b.Region},
		Details: [][2]string{{"Endpoint", b.Name + ".s3." + b.Region + ".amazonaws.com"}, {"Bucket", b.Name}},
	}
}

func noSuchBucket(name string) *aws.Error {
	return &aws.Error{
		Status: http.StatusNotFound, Code: "NoSuchBucket", Message: "The specified bucket does not exist",
		Details: [][2]string{{"BucketName", name}},
	}
}

func invalidArgument(message string) *aws.Error {
	return &aws.Error{Status: http.StatusBadRequest, Code: "InvalidArgument", Message: message}
}

// Serve implements [aws.Service].
func (s *Store) Serve(w http.ResponseWriter, r *aws.Request) *aws.Error {
	switch r.Operation.Name {
	case "ListBuckets":
		return s.listBuckets(w, r)
	case "CreateBucket":
		return s.createBucket(w, r)
	}
	at := address(r)
	b, _ := s.Bucket(at.bucket)
	if failed := checkAccess(r, b); failed != nil {
		return failed
	}
	w.Header().Set("X-Amz-Bucket-Region", b.Region)
	switch r.Operation.Name {
	case "GetBucketLocation":
		return s.getLocation(w, r, b)
	case "ListObjectsV2":
		return s.listObjects(w, r, b)
	case "GetObject":
		return s.getObject(w, r, at)
	case "PutObject":
		return s.putObject(w, r, b, at)
	case "CreateMultipartUpload":
		return s.createUpload(w, r, b, at)
	case "UploadPart":
		return s.uploadPart(w, r, at)
	case "CompleteMultipartUpload":
		return s.completeUpload(w, r, at)
	case "DeleteObject":
		return s.deleteObject(w, at)
	default:
		return s.abortUpload(w, r, at)
	}
}

// checkAccess is about buckets of other accounts.
func checkAccess(r *aws.Request, b Bucket) *aws.Error {
	pays := r.Header.Get("X-Amz-Request-Payer") == "requester"
	for name, values := range r.URL.Query() { // where presigned URLs have it
		pays = pays || strings.EqualFold(name, "x-amz-request-payer") && slices.Contains(values, "requester")
	}
	if b.Owner == r.AccountID || b.RequesterPays && pays || b.Shared && !b.RequesterPays {
		return nil
	}
	return r.Denied()
}

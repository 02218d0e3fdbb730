package s3

import (
	"encoding/base64"
	"encoding/xml"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cloudplugins/difyplugin/sandbox/aws"
	"github.com/johannesboyne/gofakes3"
)

// answer writes an XML document.
func answer(w http.ResponseWriter, document any) *aws.Error {
	body, err := xml.Marshal(document)
	if err != nil {
		return &aws.Error{Status: http.StatusInternalServerError, Code: "InternalError", Message: err.Error()}
	}
	w.Header().Set("Content-Type", "application/xml")
	_, _ = w.Write(append([]byte(xml.Header), body...)) // the client may have gone
	return nil
}

// timeFormat is that of dates in documents.
const timeFormat = "2006-01-02T15:04:05.000Z"

type listedBucket struct {
	Name         string
	CreationDate string
	BucketRegion string `xml:",omitempty"`
}

type bucketList struct {
	XMLName           xml.Name       `xml:"ListAllMyBucketsResult"`
	Buckets           []listedBucket `xml:"Buckets>Bucket"`
	ContinuationToken string         `xml:",omitempty"`
	Prefix            string         `xml:",omitempty"`
}

// listBuckets tells regions only to who asks for pages or a prefix.
func (s *Store) listBuckets(w http.ResponseWriter, r *aws.Request) *aws.Error {
	query := r.URL.Query()
	limit, failed := number(query, "max-buckets", 10_000, 1, 10_000)
	if failed != nil {
		return failed
	}
	after, failed := tokenOf(query)
	if failed != nil {
		return failed
	}
	list := bucketList{Prefix: query.Get("prefix")}
	for _, name := range s.names(r.AccountID) {
		if name <= after || !s.aliases && !strings.HasPrefix(name, list.Prefix) {
			continue
		}
		if len(list.Buckets) == limit {
			list.ContinuationToken = newToken(list.Buckets[limit-1].Name)
			break
		}
		b, _ := s.Bucket(name)
		listed := listedBucket{Name: name, CreationDate: b.Created.UTC().Format(timeFormat)}
		if len(query) > 0 && !s.aliases {
			listed.BucketRegion = b.Region
		}
		list.Buckets = append(list.Buckets, listed)
	}
	return answer(w, list)
}

// number reads a number from the query.
func number(query url.Values, name string, otherwise, least, most int) (int, *aws.Error) {
	if !query.Has(name) {
		return otherwise, nil
	}
	n, err := strconv.Atoi(query.Get(name))
	if err != nil || n < least || n > most {
		return 0, invalidArgument("Argument " + name + " must be an integer between " + strconv.Itoa(least) + " and " + strconv.Itoa(most))
	}
	return n, nil
}

// newToken hides where the next page begins.
func newToken(after string) string {
	return base64.StdEncoding.EncodeToString([]byte("after:" + after))
}

func tokenOf(query url.Values) (after string, failed *aws.Error) {
	if !query.Has("continuation-token") {
		return "", nil
	}
	text, err := base64.StdEncoding.DecodeString(query.Get("continuation-token"))
	after, ok := strings.CutPrefix(string(text), "after:")
	if err != nil || !ok {
		return "", invalidArgument("The continuation token provided is incorrect")
	}
	return after, nil
}

type listedObject struct {
	Key, LastModified, ETag string
	Size                    int64
	StorageClass            string
}

type objectList struct {
	XMLName               xml.Name `xml:"ListBucketResult"`
	Name, Prefix          string
	Delimiter             string `xml:",omitempty"`
	EncodingType          string `xml:",omitempty"`
	MaxKeys, KeyCount     int
	IsTruncated           bool
	ContinuationToken     string         `xml:",omitempty"`
	NextContinuationToken string         `xml:",omitempty"`
	Contents              []listedObject `xml:"Contents"`
	CommonPrefixes        []struct {
		Prefix string
	}
}

// listObjects returns a page. What lies behind the delimiter is gathered under common prefixes, which count as entries.
func (s *Store) listObjects(w http.ResponseWriter, r *aws.Request, b Bucket) *aws.Error {
	query := r.URL.Query()
	limit, failed := number(query, "max-keys", 1000, 0, 1<<31-1)
	if failed != nil {
		return failed
	}
	after, failed := tokenOf(query)
	if failed != nil {
		return failed
	}
	limit = min(limit, 1000)
	all, err := s.backend.ListBucket(b.Name, nil, gofakes3.ListBucketPage{})
	if err != nil {
		return noSuchBucket(b.Name)
	}
	slices.SortFunc(all.Contents, func(x, y *gofakes3.Content) int { return strings.Compare(x.Key, y.Key) })
	encode := func(key string) string { return key }
	if query.Get("encoding-type") == "url" {
		encode = url.QueryEscape
	}
	prefix, delimiter := query.Get("prefix"), query.Get("delimiter")
	list := objectList{
		Name: b.Name, Prefix: encode(prefix), Delimiter: encode(delimiter), EncodingType: query.Get("encoding-type"),
		MaxKeys: limit, ContinuationToken: query.Get("continuation-token"),
	}
	last := ""
	for _, content := range all.Contents {
		entry := commonPrefix(content.Key, prefix, delimiter)
		if !strings.HasPrefix(content.Key, prefix) || entry <= after || entry == last {
			continue
		}
		if list.KeyCount == limit {
			list.IsTruncated, list.NextContinuationToken = limit > 0, newToken(last)
			break
		}
		list.KeyCount++
		last = entry
		if entry != content.Key {
			list.CommonPrefixes = append(list.CommonPrefixes, struct{ Prefix string }{encode(entry)})
			continue
		}
		list.Contents = append(list.Contents, s.listed(b.Name, content, encode))
	}
	return answer(w, list)
}

func (s *Store) listed(bucket string, content *gofakes3.Content, encode func(string) string) listedObject {
	s.mu.Lock()
	defer s.mu.Unlock()
	class := s.objects[place{bucket, content.Key}].StorageClass
	if class == "" {
		class = "STANDARD"
	}
	return listedObject{
		Key: encode(content.Key), LastModified: content.LastModified.UTC().Format(timeFormat), ETag: content.ETag,
		Size: content.Size, StorageClass: class,
	}
}

// commonPrefix is a key up to the first delimiter behind the prefix, or the whole key.
func commonPrefix(key, prefix, delimiter string) string {
	if delimiter == "" || !strings.HasPrefix(key, prefix) {
		return key
	}
	before, _, found := strings.Cut(key[len(prefix):], delimiter)
	if !found {
		return key
	}
	return prefix + before + delimiter
}

func (s *Store) getLocation(w http.ResponseWriter, r *aws.Request, b Bucket) *aws.Error {
	s.mu.Lock()
	hidden := s.private[b.Name]
	s.mu.Unlock()
	if hidden {
		return r.Denied()
	}
	location := struct {
		XMLName xml.Name `xml:"LocationConstraint"`
		Region  string   `xml:",chardata"`
	}{Region: b.Region}
	switch {
	case b.Region == "us-east-1":
		location.Region = ""
	case b.Region == "eu-west-1" && s.aliases:
		location.Region = "EU"
	}
	return answer(w, location)
}

var bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)

// createBucket refuses what S3 refuses for new buckets: ACLs, and locations other than the host's.
func (s *Store) createBucket(w http.ResponseWriter, r *aws.Request) *aws.Error {
	at := address(r)
	if !bucketName.MatchString(at.bucket) {
		return &aws.Error{Status: http.StatusBadRequest, Code: "InvalidBucketName", Message: "The specified bucket is not valid."}
	}
	if acl := r.Header.Get("X-Amz-Acl"); acl != "" && acl != "private" {
		return &aws.Error{Status: http.StatusBadRequest, Code: "InvalidBucketAclWithObjectOwnership", Message: "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting"}
	}
	if failed := checkLocation(r); failed != nil {
		return failed
	}
	if b, taken := s.Bucket(at.bucket); taken {
		failed := &aws.Error{Status: http.StatusConflict, Code: "BucketAlreadyExists", Message: "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again."}
		if b.Owner == r.AccountID {
			failed.Code, failed.Message = "BucketAlreadyOwnedByYou", "Your previous request to create the named bucket succeeded and you already own it."
			failed.Header = map[string]string{"X-Amz-Bucket-Region": b.Region}
		}
		return failed
	}
	if err := s.AddBucket(Bucket{Name: at.bucket, Region: r.Region, Owner: r.AccountID, Created: time.Now()}); err != nil {
		return &aws.Error{Status: http.StatusInternalServerError, Code: "InternalError", Message: err.Error()}
	}
	w.Header().Set("Location", "/"+at.bucket)
	if r.Region != "us-east-1" {
		w.Header().Set("Location", "http://"+at.bucket+".s3.amazonaws.com/")
	}
	w.WriteHeader(http.StatusOK)
	return nil
}

// checkLocation demands that the document names the host's region, but for us-east-1, which has no name there.
func checkLocation(r *aws.Request) *aws.Error {
	document, err := r.Bytes()
	if err != nil {
		return &aws.Error{Status: http.StatusBadRequest, Code: "IncompleteBody", Message: "The body ended early."}
	}
	var asked struct{ LocationConstraint string }
	if len(document) > 0 && xml.Unmarshal(document, &asked) != nil {
		return &aws.Error{Status: http.StatusBadRequest, Code: "MalformedXML", Message: "The XML you provided was not well-formed or did not validate against our published schema"}
	}
	want := r.Region
	if want == "us-east-1" {
		want = ""
	}
	switch {
	case asked.LocationConstraint == want:
		return nil
	case asked.LocationConstraint == "us-east-1":
		return &aws.Error{Status: http.StatusBadRequest, Code: "InvalidLocationConstraint", Message: "The specified location-constraint is not valid"}
	case asked.LocationConstraint == "":
		asked.LocationConstraint = "unspecified"
	}
	return &aws.Error{
		Status: http.StatusBadRequest, Code: "IllegalLocationConstraintException",
		Message: "The " + asked.LocationConstraint + " location constraint is incompatible for the region specific endpoint this request was sent to.",
	}
}

package cos

import (
	"net/http"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"
)

// listQuery is what a client asks of GET Bucket (List Objects).
type listQuery struct {
	prefix, delimiter, marker string
	limit                     int
	encode                    bool
}

// listing is one page. Keys and prefixes are in the order of their bytes.
type listing struct {
	keys      []string
	prefixes  []string
	truncated bool
	next      string // the last entry of a truncated page
}

func readListQuery(params parameters) (listQuery, *failure) {
	q := listQuery{limit: maxListing}
	q.prefix, _ = params.get("prefix")
	q.delimiter, _ = params.get("delimiter")
	q.marker, _ = params.get("marker")
	if utf8.RuneCountInString(q.delimiter) > 1 {
		return q, &failure{status: http.StatusBadRequest, code: "InvalidDelimiter", message: "The delimiter must be one character."}
	}
	if text, ok := params.get("max-keys"); ok {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			return q, invalidArgument("max-keys must be an integer from 0 to 1000.")
		}
		q.limit = min(n, maxListing)
	}
	switch encoding, ok := params.get("encoding-type"); {
	case encoding == "url":
		q.encode = true
	case ok && encoding != "":
		return q, invalidArgument("encoding-type must be url.")
	}
	return q, nil
}

// list makes one page from sorted keys. Keys that share what stands between the
// prefix and the first delimiter after it count as one entry, their common
// prefix. A marker that is a common prefix skips all keys below it.
func list(keys []string, q listQuery) listing {
	var page listing
	if q.limit == 0 {
		return page
	}
	index := sort.Search(len(keys), func(i int) bool { return keys[i] >= q.prefix && keys[i] > q.marker })
	for index < len(keys) && strings.HasPrefix(keys[index], q.prefix) {
		entry, grouped := q.entry(keys[index])
		after := index + 1
		if grouped {
			after = index + sort.Search(len(keys)-index, func(i int) bool { return !strings.HasPrefix(keys[index+i], entry) })
		}
		if grouped && entry == q.marker {
			index = after
			continue
		}
		if len(page.keys)+len(page.prefixes) == q.limit {
			page.truncated = true
			return page
		}
		if grouped {
			page.prefixes = append(page.prefixes, entry)
		} else {
			page.keys = append(page.keys, entry)
		}
		page.next = entry
		index = after
	}
	return page
}

// entry returns the common prefix that a key belongs to, or the key itself.
func (q listQuery) entry(key string) (entry string, grouped bool) {
	if q.delimiter == "" {
		return key, false
	}
	rest := key[len(q.prefix):]
	at := strings.Index(rest, q.delimiter)
	if at < 0 {
		return key, false
	}
	return key[:len(q.prefix)+at+len(q.delimiter)], true
}

// listedObject is an object as a list shows it.
type listedObject struct {
	key string
	*object
}

// listObjects performs GET Bucket.
func (x *exchange) listObjects() *failure {
	q, failed := readListQuery(x.params)
	if failed != nil {
		return failed
	}
	page, objects := x.store.list(x.bucket.name, q)
	d := newDocument("ListBucketResult")
	d.text("Name", x.bucket.name)
	if q.encode {
		d.text("EncodingType", "url")
	}
	d.text("Prefix", q.written(q.prefix))
	d.text("Marker", q.written(q.marker))
	d.number("MaxKeys", int64(q.limit))
	if q.delimiter != "" {
		d.text("Delimiter", q.written(q.delimiter))
	}
	d.boolean("IsTruncated", page.truncated)
	if page.truncated && !x.w.plan.withoutNextMarker {
		d.text("NextMarker", q.written(page.next))
	}
	for _, prefix := range page.prefixes {
		d.begin("CommonPrefixes")
		d.text("Prefix", q.written(prefix))
		d.end()
	}
	for _, o := range objects {
		d.contents(o, q.written(o.key), x.bucket.appID)
	}
	x.w.Header().Set("x-cos-bucket-region", x.bucket.region)
	sendDocument(x.w, http.StatusOK, d.finish())
	return nil
}

// written is how a page writes a key. Slashes are never encoded.
func (q listQuery) written(key string) string {
	if q.encode {
		return percentEncode(key, "/")
	}
	return key
}

func (d *document) contents(o listedObject, key, owner string) {
	d.begin("Contents")
	d.text("Key", key)
	d.text("LastModified", seconds(o.meta.LastModified))
	d.text("ETag", `"`+o.etag+`"`)
	d.number("Size", o.size)
	d.begin("Owner")
	d.text("ID", owner)
	d.text("DisplayName", owner)
	d.end()
	d.text("StorageClass", o.meta.StorageClass)
	d.end()
}

func (s *Store) list(bucketName string, q listQuery) (listing, []listedObject) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	b, ok := s.buckets[bucketName]
	if !ok {
		return listing{}, nil
	}
	page := list(b.keys, q)
	objects := make([]listedObject, 0, len(page.keys))
	for _, key := range page.keys {
		objects = append(objects, listedObject{key: key, object: b.objects[key]})
	}
	return page, objects
}

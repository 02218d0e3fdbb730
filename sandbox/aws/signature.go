package aws

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	algorithm  = "AWS4-HMAC-SHA256"
	timeFormat = "20060102T150405Z"
	// s3Tolerance and tolerance are how far the client's clock may be off.
	s3Tolerance = 15 * time.Minute
	tolerance   = 5 * time.Minute
	// maxExpiry is how long a presigned URL may be valid.
	maxExpiry = 7 * 24 * time.Hour
)

// signature is what a client presents, in the Authorization header or in the query of a presigned URL, after
// "Signature Version 4 signing process" in the AWS IAM User Guide.
type signature struct {
	accessKeyID string
	scope       scope
	time        time.Time
	headers     []string // signed ones, lower case, sorted
	value       string   // lower-case hex
	token       string
	payload     string // the hash or its replacement that was signed; "" when it has to be computed
	presigned   bool
	expires     time.Duration
}

// scope is what a signing key is good for.
type scope struct{ date, region, service string }

func (s scope) String() string { return s.date + "/" + s.region + "/" + s.service + "/aws4_request" }

// readSignature finds the signature of a request. Its parameters are returned without those that belong to it.
func readSignature(r *http.Request, query []pair) (sig signature, rest []pair, why cause, ok bool) {
	if header := r.Header.Get("Authorization"); header != "" {
		sig, ok := readHeader(r, header)
		return sig, query, malformed, ok
	}
	if !slices.ContainsFunc(query, func(p pair) bool { return p.name == "X-Amz-Signature" || p.name == "X-Amz-Credential" }) {
		return signature{}, query, unsigned, false
	}
	sig, rest, ok = readQuery(query)
	return sig, rest, malformed, ok
}

func readHeader(r *http.Request, header string) (signature, bool) {
	fields, found := strings.CutPrefix(header, algorithm+" ")
	values := map[string]string{}
	for field := range strings.SplitSeq(fields, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(field), "=")
		values[name] = value
	}
	when, err := time.Parse(timeFormat, r.Header.Get("X-Amz-Date"))
	sig := signature{
		time: when, value: values["Signature"], token: r.Header.Get("X-Amz-Security-Token"),
		payload: r.Header.Get("X-Amz-Content-Sha256"),
	}
	return sig, found && err == nil && sig.read(values["Credential"], values["SignedHeaders"])
}

func readQuery(query []pair) (sig signature, rest []pair, ok bool) {
	values := map[string]string{}
	for _, p := range query {
		switch p.name {
		case "X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders", "X-Amz-Signature", "X-Amz-Security-Token":
			values[p.name] = p.value
		default:
			rest = append(rest, p)
		}
	}
	when, dateErr := time.Parse(timeFormat, values["X-Amz-Date"])
	seconds, expiresErr := strconv.Atoi(values["X-Amz-Expires"])
	sig = signature{
		time: when, value: values["X-Amz-Signature"], token: values["X-Amz-Security-Token"],
		presigned: true, expires: time.Duration(seconds) * time.Second,
	}
	ok = values["X-Amz-Algorithm"] == algorithm && dateErr == nil && expiresErr == nil && seconds > 0 && sig.expires <= maxExpiry
	return sig, rest, ok && sig.read(values["X-Amz-Credential"], values["X-Amz-SignedHeaders"])
}

// read takes the credential scope and the list of signed headers apart.
func (sig *signature) read(credential, headers string) bool {
	parts := strings.Split(credential, "/")
	if len(parts) != 5 || parts[4] != "aws4_request" || headers == "" {
		return false
	}
	sig.accessKeyID = parts[0]
	sig.scope = scope{parts[1], parts[2], parts[3]}
	sig.headers = strings.Split(headers, ";")
	return slices.IsSorted(sig.headers) && headers == strings.ToLower(headers) && sig.scope.date == sig.time.Format("20060102")
}

// checkTime refuses signatures that are not valid yet or no longer.
func (sig signature) checkTime(now time.Time, service string) (cause, string, bool) {
	if sig.presigned {
		switch {
		case now.Before(sig.time.Add(-s3Tolerance)):
			return denied, "Request is not valid yet", false
		case now.After(sig.time.Add(sig.expires)):
			return denied, "Request has expired", false
		}
		return 0, "", true
	}
	allowed := tolerance
	if service == "s3" {
		allowed = s3Tolerance
	}
	if off := now.Sub(sig.time); off.Abs() > allowed {
		return skewedClock, "", false
	}
	return 0, "", true
}

// covers demands that nothing that matters was left out of the signature: the host, and every header of AWS.
func (sig signature) covers(r *http.Request) bool {
	if !slices.Contains(sig.headers, "host") {
		return false
	}
	for name := range r.Header {
		name = strings.ToLower(name)
		if strings.HasPrefix(name, "x-amz-") && !slices.Contains(sig.headers, name) {
			return false
		}
	}
	return true
}

// verify computes the signature as the client should have and compares.
func (sig signature) verify(r *http.Request, query []pair, payload, secret string) bool {
	request := canonicalRequest(r, sig, query, payload)
	toSign := strings.Join([]string{algorithm, sig.time.Format(timeFormat), sig.scope.String(), hexSHA256([]byte(request))}, "\n")
	return hmac.Equal([]byte(hex.EncodeToString(mac(signingKey(secret, sig.scope), toSign))), []byte(sig.value))
}

func canonicalRequest(r *http.Request, sig signature, query []pair, payload string) string {
	var headers strings.Builder
	for _, name := range sig.headers {
		headers.WriteString(name + ":" + headerValue(r, name) + "\n")
	}
	return strings.Join([]string{
		r.Method, canonicalPath(r.URL, sig.scope.service), canonicalQuery(query), headers.String(), strings.Join(sig.headers, ";"), payload,
	}, "\n")
}

// canonicalPath encodes the path once for S3, and once more than it was sent for the other services, which also take
// the dots out of it.
func canonicalPath(u *url.URL, service string) string {
	sent := u.EscapedPath()
	if service == "s3" {
		return encode(cmp.Or(u.Path, "/"), "/")
	}
	return encode(withoutDots(sent), "/")
}

// withoutDots resolves dots and doubled slashes; a slash at the end stays.
func withoutDots(path string) string {
	var kept []string
	for segment := range strings.SplitSeq(path, "/") {
		switch segment {
		case "", ".":
		case "..":
			kept = kept[:max(0, len(kept)-1)]
		default:
			kept = append(kept, segment)
		}
	}
	clean := "/" + strings.Join(kept, "/")
	if strings.HasSuffix(path, "/") && clean != "/" {
		clean += "/"
	}
	return clean
}

// pair is a query parameter, decoded.
type pair struct{ name, value string }

// readPairs takes a query apart in the order in which it was sent. Unlike package net/url it takes a semicolon for a
// character like any other.
func readPairs(query string) ([]pair, bool) {
	var pairs []pair
	for part := range strings.SplitSeq(query, "&") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		name, err1 := url.QueryUnescape(name)
		value, err2 := url.QueryUnescape(value)
		if err1 != nil || err2 != nil {
			return nil, false
		}
		pairs = append(pairs, pair{name, value})
	}
	return pairs, true
}

// canonicalQuery sorts by encoded name and then by encoded value. The signature cannot sign itself.
func canonicalQuery(query []pair) string {
	var encoded []pair
	for _, p := range query {
		if p.name != "X-Amz-Signature" {
			encoded = append(encoded, pair{encode(p.name, ""), encode(p.value, "")})
		}
	}
	slices.SortFunc(encoded, func(a, b pair) int {
		return cmp.Or(cmp.Compare(a.name, b.name), cmp.Compare(a.value, b.value))
	})
	parts := make([]string, len(encoded))
	for i, p := range encoded {
		parts[i] = p.name + "=" + p.value
	}
	return strings.Join(parts, "&")
}

// headerValue is the canonical value of a header, those included that net/http keeps elsewhere.
func headerValue(r *http.Request, name string) string {
	var values []string
	switch name {
	case "host":
		values = []string{r.Host}
	case "content-length":
		values = []string{strconv.FormatInt(r.ContentLength, 10)}
	case "transfer-encoding":
		values = r.TransferEncoding
	default:
		values = slices.Clone(r.Header.Values(name))
	}
	for i, value := range values {
		values[i] = strings.Join(strings.Fields(value), " ")
	}
	return strings.Join(values, ",")
}

func signingKey(secret string, s scope) []byte {
	key := []byte("AWS4" + secret)
	for _, part := range []string{s.date, s.region, s.service, "aws4_request"} {
		key = mac(key, part)
	}
	return key
}

func mac(key []byte, message string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(message))
	return h.Sum(nil)
}

func hexSHA256(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// encode is percent-encoding as AWS defines it: everything but letters, digits and -._~ by its bytes.
func encode(text, safe string) string {
	var out strings.Builder
	for _, c := range []byte(text) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("-._~"+safe, c) >= 0:
			out.WriteByte(c)
		default:
			fmt.Fprintf(&out, "%%%02X", c)
		}
	}
	return out.String()
}

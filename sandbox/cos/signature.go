package cos

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// clockTolerance is how far in the future a signature may begin to be valid.
// The service speaks of a skew of 15 minutes between client and server.
const clockTolerance = 15 * time.Minute

const securityTokenName = "x-cos-security-token"

// signature is what a client presents, in the Authorization header or in the
// query of a presigned URL. The fields are those of "Request Signature" in the
// service's API documentation (https://cloud.tencent.com/document/product/436/7778).
type signature struct {
	algorithm  string // q-sign-algorithm
	secretID   string // q-ak
	signTime   string // q-sign-time, "start;end" in Unix seconds
	keyTime    string // q-key-time
	headers    []string
	parameters []string
	value      string // q-signature, lower-case hex
	presigned  bool
}

// authenticate checks a request's signature and returns the key that made it.
func (s *Store) authenticate(r *http.Request, params parameters) (accountKey, *failure) {
	sig, failed := readSignature(r, params)
	if failed != nil {
		return accountKey{}, failed
	}
	now := s.now()
	key, failed := s.signingKey(sig.secretID, securityToken(r, params), now)
	if failed != nil {
		return accountKey{}, failed
	}
	if failed := sig.checkTime(now); failed != nil {
		return accountKey{}, failed
	}
	if s.requireAllSigned {
		if failed := sig.checkCoverage(r, params); failed != nil {
			return accountKey{}, failed
		}
	}
	if failed := sig.verify(r, params, key.SecretKey); failed != nil {
		return accountKey{}, failed
	}
	return key, nil
}

// signingKey finds a key. A temporary key exists only together with its token
// and until it expires; the service does not tell these cases apart.
func (s *Store) signingKey(secretID, token string, now time.Time) (accountKey, *failure) {
	s.mu.RLock()
	key, ok := s.keys[secretID]
	s.mu.RUnlock()
	expired := !key.Expires.IsZero() && !now.Before(key.Expires)
	if !ok || expired || !hmac.Equal([]byte(token), []byte(key.SessionToken)) {
		return accountKey{}, &failure{
			status: http.StatusForbidden, code: "InvalidAccessKeyId",
			message: "The Access Key Id you provided does not exist in our records",
		}
	}
	return key, nil
}

func securityToken(r *http.Request, params parameters) string {
	if token := r.Header.Get(securityTokenName); token != "" {
		return token
	}
	token, _ := params.get(securityTokenName)
	return token
}

func readSignature(r *http.Request, params parameters) (signature, *failure) {
	fields := params
	presigned := true
	if authorization := r.Header.Get("Authorization"); authorization != "" {
		fields, presigned = nil, false
		for field := range strings.SplitSeq(authorization, "&") {
			name, value, _ := strings.Cut(field, "=")
			fields = append(fields, parameter{strings.TrimSpace(name), value})
		}
	}
	if !fields.has("q-sign-algorithm") && !fields.has("q-signature") {
		return signature{}, accessDenied("Access Denied.")
	}
	return signatureFrom(fields, presigned)
}

func signatureFrom(fields parameters, presigned bool) (signature, *failure) {
	sig := signature{presigned: presigned}
	var headers, names string
	for _, field := range []struct {
		name string
		into *string
	}{
		{"q-sign-algorithm", &sig.algorithm},
		{"q-ak", &sig.secretID},
		{"q-sign-time", &sig.signTime},
		{"q-key-time", &sig.keyTime},
		{"q-header-list", &headers},
		{"q-url-param-list", &names},
		{"q-signature", &sig.value},
	} {
		value, ok := fields.get(field.name)
		if !ok {
			return signature{}, accessDenied("The authorization lacks " + field.name + ".")
		}
		*field.into = value
	}
	if sig.algorithm != "sha1" {
		return signature{}, accessDenied("The q-sign-algorithm must be sha1.")
	}
	sig.headers, sig.parameters = splitList(headers), splitList(names)
	for _, list := range [][]string{sig.headers, sig.parameters} {
		if !slices.IsSorted(list) || strings.ToLower(strings.Join(list, ";")) != strings.Join(list, ";") {
			return signature{}, accessDenied("The lists of signed names must be in lower case and sorted.")
		}
	}
	return sig, nil
}

func splitList(list string) []string {
	if list == "" {
		return nil
	}
	return strings.Split(list, ";")
}

// checkTime refuses signatures that are not valid yet or no longer.
func (sig signature) checkTime(now time.Time) *failure {
	keyStart, keyEnd, ok := timeRange(sig.keyTime)
	if !ok {
		return accessDenied("The q-key-time must be START;END in Unix seconds.")
	}
	start, end, ok := timeRange(sig.signTime)
	if !ok {
		return accessDenied("The q-sign-time must be START;END in Unix seconds.")
	}
	switch {
	case start.Before(keyStart) || end.After(keyEnd):
		return accessDenied("The q-sign-time must lie within the q-key-time.")
	case now.After(end):
		return accessDenied("Request has expired")
	case start.After(now.Add(clockTolerance)):
		return &failure{
			status: http.StatusForbidden, code: "RequestTimeTooSkewed",
			message: "The difference between the request time and the current time is too large.",
		}
	}
	return nil
}

func timeRange(text string) (start, end time.Time, ok bool) {
	first, second, found := strings.Cut(text, ";")
	startSeconds, err1 := strconv.ParseInt(first, 10, 64)
	endSeconds, err2 := strconv.ParseInt(second, 10, 64)
	if !found || err1 != nil || err2 != nil || startSeconds > endSeconds {
		return time.Time{}, time.Time{}, false
	}
	return time.Unix(startSeconds, 0), time.Unix(endSeconds, 0), true
}

// checkCoverage demands that nothing that matters was left out of the
// signature. The parameters of a presigned URL that are the signature itself
// cannot be signed.
func (sig signature) checkCoverage(r *http.Request, params parameters) *failure {
	if !slices.Contains(sig.headers, "host") {
		return accessDenied("The host header must be signed.")
	}
	for name := range r.Header {
		name = strings.ToLower(name)
		if strings.HasPrefix(name, "x-cos-") && !slices.Contains(sig.headers, name) {
			return accessDenied("The header " + name + " must be signed.")
		}
	}
	for _, p := range params {
		name := strings.ToLower(percentEncode(p.name, ""))
		if sig.presigned && (strings.HasPrefix(name, "q-") || name == securityTokenName) {
			continue
		}
		if !slices.Contains(sig.parameters, name) {
			return accessDenied("The query parameter " + name + " must be signed.")
		}
	}
	return nil
}

// verify computes the signature as the client should have and compares.
func (sig signature) verify(r *http.Request, params parameters, secretKey string) *failure {
	format, complete := formatString(r, params, sig.headers, sig.parameters)
	digest := sha1.Sum([]byte(format))
	toSign := fmt.Sprintf("sha1\n%s\n%x\n", sig.keyTime, digest)
	signKey := hexHMAC(secretKey, sig.keyTime)
	if complete && hmac.Equal([]byte(hexHMAC(signKey, toSign)), []byte(sig.value)) {
		return nil
	}
	return &failure{
		status: http.StatusForbidden, code: "SignatureDoesNotMatch",
		message: "The Signature you specified is invalid.",
		details: []parameter{{"StringToSign", toSign}, {"FormatString", format}, {"SignTime", sig.signTime}},
	}
}

func hexHMAC(key, message string) string {
	mac := hmac.New(sha1.New, []byte(key))
	mac.Write([]byte(message))
	return hex.EncodeToString(mac.Sum(nil))
}

// formatString is the documentation's HttpString: method, decoded path, signed
// parameters and signed headers. It also reports whether the request has
// everything that the signature lists.
func formatString(r *http.Request, params parameters, headers, names []string) (string, bool) {
	sent := make(map[string][]string)
	for _, p := range params {
		name := strings.ToLower(percentEncode(p.name, ""))
		sent[name] = append(sent[name], p.value)
	}
	signedParams, complete1 := canonicalPairs(names, func(name string) []string { return sent[name] })
	signedHeaders, complete2 := canonicalPairs(headers, func(name string) []string { return headerValues(r, name) })
	format := strings.Join([]string{strings.ToLower(r.Method), r.URL.Path, signedParams, signedHeaders, ""}, "\n")
	return format, complete1 && complete2
}

// canonicalPairs joins name=value for the listed names, values encoded, and
// reports whether every name has a value. A name that is sent several times is
// covered with all its values, however often it is listed.
func canonicalPairs(list []string, valuesOf func(string) []string) (string, bool) {
	var pairs []string
	complete := true
	for _, name := range slices.Compact(slices.Clone(list)) {
		values := slices.Sorted(slices.Values(valuesOf(name)))
		complete = complete && len(values) > 0
		for _, value := range values {
			pairs = append(pairs, name+"="+percentEncode(value, ""))
		}
	}
	return strings.Join(pairs, "&"), complete
}

// headerValues returns the values of a header by its encoded, lower-case name,
// the headers that net/http keeps elsewhere included.
func headerValues(r *http.Request, name string) []string {
	switch name {
	case "host":
		return []string{r.Host}
	case "transfer-encoding":
		return r.TransferEncoding
	}
	return r.Header.Values(name)
}

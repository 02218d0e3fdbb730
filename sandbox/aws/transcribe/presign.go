package transcribe

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"strings"
	"time"
)

// presign makes a URL with which anybody can read an object for 15 minutes, after "Authenticating Requests: Using Query
// Parameters" in the S3 API reference. The path is that of the bucket and the key, of characters that need no escape.
func presign(host, path, region, keyID, secret string, now time.Time) string {
	date := now.UTC().Format("20060102T150405Z")
	scope := date[:8] + "/" + region + "/s3/aws4_request"
	query := url.Values{
		"X-Amz-Algorithm": {"AWS4-HMAC-SHA256"}, "X-Amz-Credential": {keyID + "/" + scope}, "X-Amz-Date": {date},
		"X-Amz-Expires": {"900"}, "X-Amz-SignedHeaders": {"host"},
	}.Encode()
	canonical := strings.Join([]string{"GET", path, query, "host:" + host, "", "host", "UNSIGNED-PAYLOAD"}, "\n")
	hash := sha256.Sum256([]byte(canonical))
	toSign := strings.Join([]string{"AWS4-HMAC-SHA256", date, scope, hex.EncodeToString(hash[:])}, "\n")
	key := []byte("AWS4" + secret)
	for _, part := range []string{date[:8], region, "s3", "aws4_request"} {
		key = sum(key, part)
	}
	return "https://" + host + path + "?" + query + "&X-Amz-Signature=" + hex.EncodeToString(sum(key, toSign))
}

func sum(key []byte, text string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	return mac.Sum(nil)
}

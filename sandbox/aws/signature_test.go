package aws_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"

	"github.com/cloudplugins/difyplugin/sandbox/aws"
)

func credentials(key aws.Key) func(context.Context) (sdk.Credentials, error) {
	return func(context.Context) (sdk.Credentials, error) {
		return sdk.Credentials{AccessKeyID: key.AccessKeyID, SecretAccessKey: key.SecretAccessKey, SessionToken: key.SessionToken}, nil
	}
}

// vector is a request that botocore signed, see testdata/make_vectors.py.
type vector struct {
	Name, Method, URL string
	Headers           map[string]string
	Body              []byte
}

func vectors(t *testing.T) []vector {
	t.Helper()
	text, err := os.ReadFile("testdata/signature_vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []vector
	if err := json.Unmarshal(text, &all); err != nil || len(all) < 15 {
		t.Fatalf("%d vectors, %v", len(all), err)
	}
	return all
}

// request is the vector as a server receives it.
func (v vector) request() *http.Request {
	r := httptest.NewRequest(v.Method, v.URL, strings.NewReader(string(v.Body)))
	for name, value := range v.Headers {
		r.Header.Set(name, value)
	}
	return r
}

func atVectorTime() aws.Option { return aws.Clock(func() time.Time { return vectorTime }) }

func TestRequestsThatBotocoreSignedAreLetIn(t *testing.T) {
	cloud := newCloud(t, atVectorTime())
	for _, v := range vectors(t) {
		t.Run(v.Name, func(t *testing.T) {
			resp, body := serve(cloud, v.request())
			if strings.HasPrefix(v.Name, "REFUSED") {
				if resp.StatusCode != http.StatusForbidden || !strings.Contains(body, "not signed") {
					t.Errorf("%s: %s", resp.Status, body)
				}
				return
			}
			if v.Name == "STS, presigned" {
				// The stand-in for STS wants its action in the body; that the signature is right shows in the kind of refusal.
				if !strings.Contains(body, "InvalidAction") {
					t.Errorf("%s: %s", resp.Status, body)
				}
				return
			}
			if resp.StatusCode != http.StatusOK && !strings.Contains(body, "UnknownOperation") {
				t.Errorf("%s: %s", resp.Status, body)
			}
		})
	}
}

func TestASignatureCoversEverything(t *testing.T) {
	signature := regexp.MustCompile(`(Signature=)([0-9a-f]{2})`)
	spoil := func(text string) string {
		return signature.ReplaceAllStringFunc(text, func(s string) string {
			if strings.HasSuffix(s, "00") {
				return s[:len(s)-2] + "11"
			}
			return s[:len(s)-2] + "00"
		})
	}
	for name, change := range map[string]func(*vector){
		"the signature itself": func(v *vector) {
			v.URL, v.Headers["Authorization"] = spoil(v.URL), spoil(v.Headers["Authorization"])
			if v.Headers["Authorization"] == "" {
				delete(v.Headers, "Authorization")
			}
		},
		"the method": func(v *vector) { v.Method = "DELETE" },
		"the path":   func(v *vector) { v.URL = regexp.MustCompile(`(\.com|\.cn)/`).ReplaceAllString(v.URL, "$1/x") },
		"the query": func(v *vector) {
			separator := "?"
			if strings.Contains(v.URL, "?") {
				separator = "&"
			}
			v.URL += separator + "more=1"
		},
		"the region in the host": func(v *vector) {
			v.URL = regexp.MustCompile(`(us-east|eu-west|ap-northeast|cn-north)-1`).ReplaceAllString(v.URL, "eu-south-2")
		},
		"the date": func(v *vector) {
			v.Headers["X-Amz-Date"] = "20261122T123016Z"
			v.URL = strings.Replace(v.URL, "123015Z", "123016Z", 1)
		},
		"a header that is added": func(v *vector) { v.Headers["X-Amz-Acl"] = "public-read" },
		"the token":              func(v *vector) { v.Headers["X-Amz-Security-Token"] = "another" },
	} {
		t.Run(name, func(t *testing.T) {
			cloud := newCloud(t, atVectorTime())
			for _, v := range vectors(t) {
				if name == "the region in the host" && strings.Contains(v.URL, "sts.amazonaws.com") {
					continue // names no region
				}
				change(&v)
				resp, body := serve(cloud, v.request())
				if resp.StatusCode < 400 || strings.Contains(body, "InvalidAction") || strings.Contains(body, "UnknownOperation") {
					t.Errorf("%s: %s %s", v.Name, resp.Status, body)
				}
			}
			if calls := cloud.Calls(); len(calls) > 0 {
				t.Errorf("%d requests were let in", len(calls))
			}
		})
	}
}

func TestASignatureCoversTheBody(t *testing.T) {
	cloud := newCloud(t, atVectorTime())
	for _, v := range vectors(t) {
		v.Body = append(v.Body, '!')
		_, body := serve(cloud, v.request())
		signed := !strings.Contains(v.URL, "X-Amz-Signature") && v.Headers["X-Amz-Content-SHA256"] != "UNSIGNED-PAYLOAD"
		if refused := strings.Contains(body, "does not match"); !strings.HasPrefix(v.Name, "REFUSED") && signed != refused && v.Name != "STS, presigned" {
			t.Errorf("%s: %s", v.Name, body)
		}
	}
}

func TestRefusalsAreInTheWordsOfEachProtocol(t *testing.T) {
	unsigned := func(v *vector) { delete(v.Headers, "Authorization") }
	stranger := func(v *vector) {
		v.Headers["Authorization"] = strings.Replace(v.Headers["Authorization"], "AKIA", "AKIB", 1)
	}
	noToken := func(v *vector) {
		v.Headers["Authorization"] = strings.Replace(v.Headers["Authorization"], owner.AccessKeyID, temp.AccessKeyID, 1)
	}
	malformed := func(v *vector) { v.Headers["Authorization"] = "AWS4-HMAC-SHA256 Credential=x" }
	for _, tt := range []struct {
		name, vector string
		change       func(*vector)
		now          time.Duration
		status       int
		code         string
	}{
		{"STS, unsigned", "a query API", unsigned, 0, 403, "<Code>MissingAuthenticationToken</Code>"},
		{"STS, unknown key", "a query API", stranger, 0, 403, "<Code>InvalidClientTokenId</Code>"},
		{"STS, temporary key without its token", "a query API", noToken, 0, 403, "<Code>InvalidClientTokenId</Code>"},
		{"STS, malformed", "a query API", malformed, 0, 400, "<Code>IncompleteSignature</Code>"},
		{"STS, a clock six minutes off", "a query API", nil, 6 * time.Minute, 403, "<Message>Signature expired"},
		{"STS, a clock four minutes off", "a query API", nil, 4 * time.Minute, 200, "GetCallerIdentityResult"},
		{"JSON 1.0, unsigned", "a JSON API", unsigned, 0, 400, `"__type":"com.amazon.coral.service#MissingAuthenticationTokenException"`},
		{"JSON 1.0, unknown key", "a JSON API", stranger, 0, 400, "#UnrecognizedClientException"},
		{"REST-JSON, unsigned", "a path with dots and doubled slashes", unsigned, 0, 403, "Missing Authentication Token"},
		{"REST-JSON, a clock that is slow", "a path with dots and doubled slashes", nil, -6 * time.Minute, 403, "Signature expired"},
		{"S3, unsigned", "S3, an object", unsigned, 0, 403, "<Code>AccessDenied</Code>"},
		{"S3, unknown key", "S3, an object", stranger, 0, 403, "<Code>InvalidAccessKeyId</Code>"},
		{"S3, a clock 16 minutes off", "S3, an object", nil, 16 * time.Minute, 403, "<Code>RequestTimeTooSkewed</Code>"},
		{"S3, a clock 14 minutes off", "S3, an object", nil, 14 * time.Minute, 200, ""},
		{"S3, a presigned URL just before its end", "S3, presigned", nil, time.Hour, 200, ""},
		{"S3, a presigned URL after its end", "S3, presigned", nil, time.Hour + time.Second, 403, "Request has expired"},
		{"S3, a presigned URL of seven days", "S3, presigned with temporary keys", nil, 7 * 24 * time.Hour, 200, ""},
		{"S3, a presigned URL of more than seven days", "S3, presigned", func(v *vector) { v.URL = strings.Replace(v.URL, "Expires=3600", "Expires=604801", 1) }, 0, 400, "AuthorizationHeaderMalformed"},
		{"S3, another region than the host's", "S3, an object", func(v *vector) { v.URL = strings.Replace(v.URL, "eu-west-1", "eu-west-2", 1) }, 0, 400, "the region &#39;eu-west-1&#39; is wrong; expecting &#39;eu-west-2&#39;</Message><Region>eu-west-2</Region>"},
		{"S3, without the hash of the body", "S3, an object", func(v *vector) { delete(v.Headers, "X-Amz-Content-SHA256") }, 0, 400, "x-amz-content-sha256"},
		{"S3, a key of China outside of it", "S3, China", func(v *vector) {
			v.URL = "https://documents.s3.us-east-1.amazonaws.com/k"
			v.Headers["Authorization"] = strings.Replace(v.Headers["Authorization"], "cn-north-1", "us-east-1", 1)
		}, 0, 403, "InvalidAccessKeyId"},
		{"a region of China at a host outside of it", "S3, China", func(v *vector) { v.URL = strings.TrimSuffix(v.URL, ".cn/k") + "/k" }, 0, 404, "UnknownEndpoint"},
		{"a service that nobody registered", "a JSON API", func(v *vector) { v.URL = strings.Replace(v.URL, "dynamodb", "sqs", 1) }, 0, 404, "UnknownEndpoint"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cloud := newCloud(t, aws.Clock(func() time.Time { return vectorTime.Add(tt.now) }))
			for _, v := range vectors(t) {
				if v.Name != tt.vector {
					continue
				}
				if tt.change != nil {
					tt.change(&v)
				}
				resp, body := serve(cloud, v.request())
				if resp.StatusCode != tt.status || !strings.Contains(body, tt.code) && !strings.Contains(body, "UnknownOperation") {
					t.Errorf("%s: %s", resp.Status, body)
				}
				if resp.StatusCode >= 400 && resp.Header.Get("X-Amzn-Requestid") == "" {
					t.Error("no request ID")
				}
				return
			}
			t.Fatal("no such vector")
		})
	}
}

func TestTemporaryKeysEnd(t *testing.T) {
	now := vectorTime
	cloud := newCloud(t, aws.Clock(func() time.Time { return now }))
	expiring := temp
	expiring.Expires = vectorTime.Add(time.Minute)
	if err := cloud.AddAccount(aws.Account{ID: accountID, Keys: []aws.Key{expiring}}); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		vector string
		now    time.Time
		says   string
	}{
		{"S3, temporary keys", vectorTime, ""},
		{"S3, temporary keys", expiring.Expires, "<Code>ExpiredToken</Code>"},
		{"temporary keys", vectorTime, "GetCallerIdentityResult"},
		{"temporary keys", expiring.Expires, "<Code>ExpiredToken</Code>"},
	} {
		now = tt.now
		for _, v := range vectors(t) {
			if v.Name == tt.vector {
				if _, body := serve(cloud, v.request()); !strings.Contains(body, tt.says) {
					t.Errorf("%s at %s: %s", tt.vector, tt.now, body)
				}
			}
		}
	}
}

func TestAccountsThatCannotExistAreRefused(t *testing.T) {
	cloud := newCloud(t)
	for name, a := range map[string]aws.Account{
		"a short ID":                      {ID: "1"},
		"a key without a secret":          {ID: accountID, Keys: []aws.Key{{AccessKeyID: "AKIA"}}},
		"a key that ends without a token": {ID: accountID, Keys: []aws.Key{{AccessKeyID: "AKIA", SecretAccessKey: "x", Expires: vectorTime}}},
	} {
		if err := cloud.AddAccount(a); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

package aws_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"github.com/cloudplugins/difyplugin/sandbox/aws"
)

// onlyReader hides that a body can be read twice.
type onlyReader struct{ io.Reader }

func TestTheGoSDKIsLetIn(t *testing.T) {
	cloud := newCloud(t)
	box := mount(t, cloud)
	objects := s3.NewFromConfig(config(t, box, temp, "eu-west-1"))
	body := strings.Repeat("0123456789", 20_000)
	for _, tt := range []struct {
		name      string
		body      io.Reader
		algorithm types.ChecksumAlgorithm
	}{
		{"bytes", strings.NewReader(body), ""},
		{"a stream", onlyReader{strings.NewReader(body)}, ""},
		{"CRC-32C", strings.NewReader(body), types.ChecksumAlgorithmCrc32c},
		{"CRC-64", strings.NewReader(body), types.ChecksumAlgorithmCrc64nvme},
		{"SHA-1", strings.NewReader(body), types.ChecksumAlgorithmSha1},
		{"SHA-256", strings.NewReader(body), types.ChecksumAlgorithmSha256},
	} {
		cloud.Forget()
		in := &s3.PutObjectInput{Bucket: sdk.String("documents"), Key: sdk.String("a b/你好+%#?/../x"), Body: tt.body, ChecksumAlgorithm: tt.algorithm}
		in.ContentLength = sdk.Int64(int64(len(body)))
		if _, err := objects.PutObject(t.Context(), in); err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		call := cloud.Calls()[0]
		if got := call.Header.Get("X-Amz-Content-Sha256"); got != "STREAMING-UNSIGNED-PAYLOAD-TRAILER" {
			t.Errorf("%s: the SDK sends %s now", tt.name, got)
		}
		if string(call.Body) != body[:64<<10] || call.Header.Get("Content-Encoding") != "" {
			t.Errorf("%s: recorded %d bytes, encoding %q", tt.name, len(call.Body), call.Header.Get("Content-Encoding"))
		}
	}
	got, err := objects.GetObject(t.Context(), &s3.GetObjectInput{Bucket: sdk.String("documents"), Key: sdk.String("x")})
	if err != nil {
		t.Fatal(err)
	}
	readAll(t, got.Body)

	items := dynamodb.NewFromConfig(config(t, box, owner, "ap-northeast-1"))
	if _, err := items.ListTables(t.Context(), &dynamodb.ListTablesInput{}); err != nil {
		t.Error(err)
	}
	functions := lambda.NewFromConfig(config(t, box, owner, "us-east-1"))
	out, err := functions.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: sdk.String("arn:aws:lambda:us-east-1:123456789012:function:f"), Payload: []byte(`{"a":1}`)})
	if err != nil || string(out.Payload) != `{"a":1}` {
		t.Errorf("%v, %v", out, err)
	}
}

func TestAPresignedURLOfTheGoSDKIsLetIn(t *testing.T) {
	cloud := newCloud(t)
	box := mount(t, cloud)
	transport := box.Transport()
	t.Cleanup(transport.CloseIdleConnections)
	signer := s3.NewPresignClient(s3.NewFromConfig(config(t, box, temp, "eu-west-1")))
	signed, err := signer.PresignGetObject(t.Context(), &s3.GetObjectInput{
		Bucket: sdk.String("documents"), Key: sdk.String("a b/你好#?.txt"), ResponseContentType: sdk.String("text/plain"),
	}, s3.WithPresignExpires(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := (&http.Client{Transport: transport}).Get(signed.URL)
	if err != nil {
		t.Fatal(err)
	}
	readAll(t, resp.Body)
	if resp.StatusCode != http.StatusOK || !strings.HasSuffix(resp.Header.Get("X-Echo"), "eu-west-1 documents Echo response-content-type=text%2Fplain&x-id=GetObject") {
		t.Errorf("%s %s", resp.Status, resp.Header.Get("X-Echo"))
	}
	if calls := cloud.Calls(); len(calls) != 1 || !calls[0].Presigned {
		t.Errorf("%+v", calls)
	}
}

// chunked is a body of aws-chunked with a trailer.
func chunked(body, trailer string, size int) string {
	var out strings.Builder
	for len(body) > 0 {
		n := min(size, len(body))
		fmt.Fprintf(&out, "%x\r\n%s\r\n", n, body[:n])
		body = body[n:]
	}
	return out.String() + "0\r\n" + trailer + "\r\n\r\n"
}

func crc(body string) string {
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE([]byte(body))))
}

// signedPut is a request that the SDK signed, whose body is then replaced by another one.
func signedPut(t *testing.T, body string) *http.Request {
	t.Helper()
	var sent *http.Request
	cfg := sdk.Config{
		Region: "eu-west-1", RetryMaxAttempts: 1, RequestChecksumCalculation: sdk.RequestChecksumCalculationWhenSupported,
		Credentials: sdk.CredentialsProviderFunc(credentials(owner)),
	}
	cfg.HTTPClient = doer(func(r *http.Request) (*http.Response, error) {
		_, _ = io.Copy(io.Discard, r.Body)
		sent = httptest.NewRequest(r.Method, r.URL.String(), strings.NewReader(body))
		sent.Header, sent.ContentLength = r.Header.Clone(), r.ContentLength
		return nil, errors.New("not sent")
	})
	_, _ = s3.NewFromConfig(cfg).PutObject(t.Context(), &s3.PutObjectInput{Bucket: sdk.String("documents"), Key: sdk.String("k"), Body: bytes.NewReader([]byte("0123456789"))})
	if sent == nil {
		t.Fatal("the SDK sent nothing")
	}
	return sent
}

type doer func(*http.Request) (*http.Response, error)

func (d doer) Do(r *http.Request) (*http.Response, error) { return d(r) }

func TestChunksAreDecodedAndChecked(t *testing.T) {
	good := "x-amz-checksum-crc32:" + crc("0123456789")
	for _, tt := range []struct{ name, body, code string }{
		{"one chunk", chunked("0123456789", good, 10), ""},
		{"many chunks", chunked("0123456789", good, 3), ""},
		{"another body of the same length", chunked("9876543210", good, 10), "BadDigest"},
		{"a wrong checksum", chunked("0123456789", "x-amz-checksum-crc32:AAAAAA==", 10), "BadDigest"},
		{"no checksum", chunked("0123456789", "x-amz-other:1", 10), "BadDigest"},
		{"a shorter body", chunked("012345678", "x-amz-checksum-crc32:"+crc("012345678"), 10), "IncompleteBody"},
		{"a longer body", chunked("01234567890", "x-amz-checksum-crc32:"+crc("01234567890"), 11), "IncompleteBody"},
		{"a body that ends early", chunked("0123456789", good, 10)[:8], "IncompleteBody"},
		{"no chunks at all", "0123456789", "IncompleteBody"},
		{"a chunk without its end", "5\r\n01234xx5\r\n56789\r\n0\r\n" + good + "\r\n\r\n", "IncompleteBody"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cloud := newCloud(t)
			resp, body := serve(cloud, signedPut(t, tt.body))
			if tt.code == "" && body != "0123456789" || tt.code != "" && !strings.Contains(body, "<Code>"+tt.code+"</Code>") {
				t.Errorf("%s: %s", resp.Status, body)
			}
		})
	}
}

func TestRolesAreAssumedByThoseTheyTrust(t *testing.T) {
	cloud := newCloud(t)
	box := mount(t, cloud)
	account := aws.Account{ID: "222222222222", Roles: []aws.Role{
		{Name: "path/open", Trusts: []string{"arn:aws:iam::123456789012:user/*"}, Grants: []aws.Grant{{Actions: []string{"s3:Echo"}}}},
		{Name: "closed", Trusts: []string{"arn:aws:iam::123456789012:user/*"}, ExternalID: "shared/secret"},
		{Name: "foreign", Trusts: []string{"arn:aws:iam::999999999999:user/*"}},
	}}
	if err := cloud.AddAccount(account); err != nil {
		t.Fatal(err)
	}
	client := sts.NewFromConfig(config(t, box, owner, "us-east-1"))
	for _, tt := range []struct {
		name string
		in   sts.AssumeRoleInput
		code string
	}{
		{"a role that trusts", sts.AssumeRoleInput{RoleArn: sdk.String(account.Roles[0].ARN(account))}, ""},
		{"the right external ID", sts.AssumeRoleInput{RoleArn: sdk.String(account.Roles[1].ARN(account)), ExternalId: sdk.String("shared/secret")}, ""},
		{"a wrong external ID", sts.AssumeRoleInput{RoleArn: sdk.String(account.Roles[1].ARN(account)), ExternalId: sdk.String("shared")}, "AccessDenied"},
		{"no external ID", sts.AssumeRoleInput{RoleArn: sdk.String(account.Roles[1].ARN(account))}, "AccessDenied"},
		{"a role that trusts others", sts.AssumeRoleInput{RoleArn: sdk.String(account.Roles[2].ARN(account))}, "AccessDenied"},
		{"a role that is not there", sts.AssumeRoleInput{RoleArn: sdk.String("arn:aws:iam::222222222222:role/none")}, "AccessDenied"},
		{"a role of another partition", sts.AssumeRoleInput{RoleArn: sdk.String("arn:aws-cn:iam::222222222222:role/path/open")}, "AccessDenied"},
		{"no ARN", sts.AssumeRoleInput{RoleArn: sdk.String("open")}, "ValidationError"},
		{"a session of a minute", sts.AssumeRoleInput{RoleArn: sdk.String(account.Roles[0].ARN(account)), DurationSeconds: sdk.Int32(60)}, "ValidationError"},
		{"a session with a name of one letter", sts.AssumeRoleInput{RoleArn: sdk.String(account.Roles[0].ARN(account)), RoleSessionName: sdk.String("x")}, "ValidationError"},
	} {
		if tt.in.RoleSessionName == nil {
			tt.in.RoleSessionName = sdk.String("session")
		}
		_, err := client.AssumeRole(t.Context(), &tt.in)
		var failed smithy.APIError
		if errors.As(err, &failed); (err == nil) != (tt.code == "") || failed != nil && failed.ErrorCode() != tt.code {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	out, err := client.AssumeRole(t.Context(), &sts.AssumeRoleInput{
		RoleArn: sdk.String(account.Roles[0].ARN(account)), RoleSessionName: sdk.String("session"), DurationSeconds: sdk.Int32(900),
	})
	if err != nil {
		t.Fatal(err)
	}
	if left := time.Until(*out.Credentials.Expiration); left < 14*time.Minute || left > 15*time.Minute {
		t.Errorf("the session lasts %s", left)
	}
	session := aws.Key{AccessKeyID: *out.Credentials.AccessKeyId, SecretAccessKey: *out.Credentials.SecretAccessKey, SessionToken: *out.Credentials.SessionToken}
	who, err := sts.NewFromConfig(config(t, box, session, "us-east-1")).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	if err != nil || sdk.ToString(who.Arn) != "arn:aws:sts::222222222222:assumed-role/open/session" || sdk.ToString(who.Account) != "222222222222" {
		t.Errorf("%+v, %v", who, err)
	}
	if _, err := s3.NewFromConfig(config(t, box, session, "us-east-1")).DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: sdk.String("b"), Key: sdk.String("k")}); err != nil {
		t.Errorf("what the role grants: %v", err)
	}
	_, err = lambda.NewFromConfig(config(t, box, session, "us-east-1")).Invoke(t.Context(), &lambda.InvokeInput{FunctionName: sdk.String("f")})
	if err == nil || !strings.Contains(err.Error(), "AccessDeniedException: User: arn:aws:sts::222222222222:assumed-role/open/session is not authorized to perform: lambda:Echo") {
		t.Errorf("what the role does not grant: %v", err)
	}
}

func TestGrantsLimitAKey(t *testing.T) {
	cloud := newCloud(t)
	box := mount(t, cloud)
	for _, tt := range []struct {
		name   string
		grants []aws.Grant
		want   bool
	}{
		{"none at all", nil, true},
		{"an empty list", []aws.Grant{}, false},
		{"everything of the service", []aws.Grant{{Actions: []string{"s3:*"}}}, true},
		{"another service", []aws.Grant{{Actions: []string{"lambda:*"}}}, false},
		{"the object", []aws.Grant{{Actions: []string{"s3:Echo"}, Resources: []string{"arn:aws:s3:::documents/*"}}}, true},
		{"another object", []aws.Grant{{Actions: []string{"s3:Echo"}, Resources: []string{"arn:aws:s3:::documents/b*"}}}, false},
		{"stars in the middle", []aws.Grant{{Actions: []string{"s*:*ho"}, Resources: []string{"arn:*:s3:*:documents/*"}}}, true},
	} {
		key := owner
		key.Grants = tt.grants
		if err := cloud.AddAccount(aws.Account{ID: accountID, Keys: []aws.Key{key}}); err != nil {
			t.Fatal(err)
		}
		_, err := s3.NewFromConfig(config(t, box, key, "us-east-1")).DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: sdk.String("documents"), Key: sdk.String("a")})
		if (err == nil) != tt.want {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

func TestABoundHostServesOneServiceOrAll(t *testing.T) {
	cloud := newCloud(t)
	cloud.Bind("storage.example.com", "s3")
	cloud.Bind("aws.example.com", "")
	box := mount(t, cloud, "storage.example.com", "aws.example.com")
	for _, host := range []string{"storage.example.com", "aws.example.com"} {
		cfg := config(t, box, owner, "auto")
		cfg.BaseEndpoint = sdk.String("https://" + host)
		client := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })
		if _, err := client.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: sdk.String("b"), Key: sdk.String("k")}); err != nil {
			t.Errorf("%s: %v", host, err)
		}
		_, err := sts.NewFromConfig(cfg).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
		if (err == nil) != (host == "aws.example.com") {
			t.Errorf("%s: %v", host, err)
		}
	}
	var got []string
	for _, call := range cloud.Calls() {
		got = append(got, call.Name()+" "+call.Region+" "+call.Host+call.Path)
	}
	want := []string{"s3.Echo auto storage.example.com/b/k", "s3.Echo auto aws.example.com/b/k", "sts.GetCallerIdentity auto aws.example.com/"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

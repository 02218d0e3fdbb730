package main

import (
	"net/http"
	"strings"
	"testing"

	standin "github.com/cloudplugins/difyplugin/sandbox/cos"
	"github.com/google/go-cmp/cmp"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	only := func(grants ...standin.Grant) standin.Key {
		return standin.Key{SecretID: secretID, SecretKey: secretKey, Grants: grants}
	}
	everything := standin.Key{SecretID: secretID, SecretKey: secretKey}
	getBucket := func(buckets ...string) standin.Grant {
		return standin.Grant{Actions: []standin.Action{standin.GetBucket}, Buckets: buckets}
	}
	tests := []struct {
		name   string
		key    standin.Key
		fields []string
		says   string // "" means accepted
		hosts  []string
	}{
		{
			"an account that may list buckets", everything, nil, "",
			[]string{"service.cos.myqcloud.com", "cos.ap-guangzhou.myqcloud.com"},
		},
		{"a region that is not in the table but exists", everything, []string{"region", "eu-frankfurt"}, "", nil},
		{"a region that does not exist", everything, []string{"region", "ap-nowhere"}, `reach the region "ap-nowhere"`, nil},
		{"a wrong SecretKey", everything, []string{"secret_key", "other"}, "SecretKey does not belong to the SecretId", nil},
		{"an unknown SecretId", everything, []string{"secret_id", "AKIDother"}, "does not know the SecretId", nil},
		{"an account that may list no buckets", only(getBucket()), nil, "name/cos:GetService on the resource *", nil},
		{
			"an account that may list one bucket, which is entered", only(getBucket("one-" + appID)),
			[]string{"bucket", "one-" + appID},
			"",
			[]string{"one-" + appID + ".cos.ap-guangzhou.myqcloud.com"},
		},
		{
			"two buckets of which one is not allowed", only(getBucket("one-" + appID)),
			[]string{"bucket", "two-" + appID + ",one-" + appID},
			"name/cos:GetBucket on the resource qcs::cos:ap-guangzhou:uid/" + appID + ":two-" + appID, nil,
		},
		{"a bucket that does not exist", everything, []string{"bucket", "none-" + appID}, `no bucket "none-` + appID + `" in the region "ap-guangzhou"`, nil},
		{"buckets in two regions", everything, []string{"bucket", "one-" + appID + " far-" + appID}, "", nil},
		{"a bucket in a region that does not exist", only(getBucket()), []string{"region", "ap-nowhere", "bucket", "one-" + appID}, `the region "ap-nowhere". Common regions`, nil},
		{
			"the host of the acceleration", everything,
			[]string{"endpoint", "cos.accelerate.myqcloud.com", "bucket", "one-" + appID},
			"",
			[]string{"one-" + appID + ".cos.accelerate.myqcloud.com"},
		},
		{"acceleration that is not switched on", everything, []string{"endpoint", "cos.accelerate.myqcloud.com", "bucket", "two-" + appID}, "switch it on", nil},
		{
			"a pattern", everything,
			[]string{"endpoint", "{bucket}.cos-internal.{region}.tencentcos.cn", "bucket", "far-" + appID, "region", "eu-frankfurt"},
			"",
			[]string{"far-" + appID + ".cos-internal.eu-frankfurt.tencentcos.cn"},
		},
		{
			"a custom domain", everything,
			[]string{"endpoint", "files.example.com", "bucket", "one-" + appID},
			"",
			[]string{"files.example.com"},
		},
		{"a custom domain that is not there", everything, []string{"endpoint", "gone.example.com", "bucket", "one-" + appID}, `the endpoint "gone.example.com"`, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := newCloud(t)
			c.account(t, tt.key)
			one := c.bucket(t, "one", "ap-guangzhou", "a.txt")
			c.bucket(t, "two", "ap-guangzhou")
			c.bucket(t, "far", "eu-frankfurt")
			if err := c.Accelerate(one); err != nil {
				t.Fatal(err)
			}
			if err := c.BindDomain("files.example.com", one); err != nil {
				t.Fatal(err)
			}
			c.mount(t, "files.example.com")
			err := c.drive.Check(t.Context(), userCredentials(tt.fields...))
			if tt.says == "" && err != nil || tt.says != "" && (err == nil || !strings.Contains(err.Error(), tt.says)) {
				t.Errorf("error = %v\nwant %q", err, tt.says)
			}
			if tt.hosts != nil {
				if diff := cmp.Diff(tt.hosts, c.wire.hosts()); diff != "" {
					t.Errorf("-want +got\n%s", diff)
				}
			}
		})
	}
}

func TestCheckNamesEveryBucketThatFails(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	err := c.drive.Check(t.Context(), userCredentials("bucket", "x-1 y-1"))
	if err == nil || !strings.Contains(err.Error(), `"x-1"`) || !strings.Contains(err.Error(), `"y-1"`) {
		t.Errorf("error = %v", err)
	}
}

func TestCheckAsksForOneEntryOnly(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	bucket := c.bucket(t, "one", "ap-guangzhou", "a", "b")
	for _, fields := range [][]string{nil, {"bucket", bucket}} {
		if err := c.drive.Check(t.Context(), userCredentials(fields...)); err != nil {
			t.Fatal(err)
		}
		for _, req := range c.wire.take() {
			if got := req.URL.Query().Get("max-keys"); got != "1" || req.Method != http.MethodGet {
				t.Errorf("%s %s asks for %q entries", req.Method, req.URL.Host, got)
			}
		}
	}
}

func TestCheckIsPatientWithAServiceThatIsBusy(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	busy := c.fail(standin.GetService, 1, standin.Fail(503, "SlowDown", ""))
	if err := c.drive.Check(t.Context(), userCredentials()); err != nil || busy.Hits() != 1 {
		t.Errorf("error %v after %d hits", err, busy.Hits())
	}
}

func TestCheckRefusesWhatIsNotCOS(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{"an empty answer": "", "a web page": "<html><body>hello</body></html>", "half an answer": "<ListAllMyBucketsResult><Buckets>"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCloud(t)
			if err := c.box.Handle(serviceHost, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				_, _ = w.Write([]byte(body))
			})); err != nil {
				t.Fatal(err)
			}
			if err := c.drive.Check(t.Context(), userCredentials()); err == nil || !strings.Contains(err.Error(), "cannot be understood") {
				t.Errorf("error = %v", err)
			}
		})
	}
}

func TestTemporaryKeysCarryTheirToken(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	c.account(t, standin.Key{SecretID: secretID, SecretKey: secretKey, SessionToken: "session-token-1"})
	bucket := c.bucket(t, "docs", "ap-guangzhou", "a.txt")
	a := user(t, "session_token", "session-token-1")
	if err := c.drive.Check(t.Context(), userCredentials("session_token", "session-token-1")); err != nil {
		t.Error(err)
	}
	if _, _, err := c.browseAll(t.Context(), a, bucket, "", 10); err != nil {
		t.Error(err)
	}
	if got, err := c.download(t.Context(), a, bucket, "a.txt"); err != nil || got.content != "a.txt" {
		t.Errorf("%q, %v", got.content, err)
	}
	if err := c.drive.Check(t.Context(), userCredentials("session_token", "old")); err == nil {
		t.Error("an old token is accepted")
	}
}

package toolstest

import (
	"fmt"
	"net/http"
	"path"
	"strings"
	"sync"
	"testing"

	"github.com/cloudplugins/difyplugin/host"
	"github.com/cloudplugins/difyplugin/sandbox"
	"github.com/cloudplugins/difyplugin/sandbox/aws"
)

// The account that every cloud starts with, and its one key, which may do everything.
const (
	AccountID       = "123456789012"
	AccessKeyID     = "AKIAIOSFODNN7TESTERS"
	SecretAccessKey = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYTESTERSKEY"
)

// filesHost is where Dify keeps the files that users give to tools.
const filesHost = "dify.example.com"

// AWS is the cloud of one test.
type AWS struct {
	*aws.Cloud
	// Box is the sandbox that the cloud lives in: what was asked for, and what was refused. It is nil in a bubble.
	Box *sandbox.Sandbox

	files files
}

// Start starts a sandbox with the account [AccountID] and points the environment of the test to it. Register the
// services that the test needs; further variables may be set before or after, until [AWS.Run].
func Start(t testing.TB) *AWS {
	t.Helper()
	box, err := sandbox.Start()
	if err != nil {
		t.Fatal(err)
	}
	cloud := newAWS(t, box)
	t.Cleanup(func() {
		cloud.Close()
		cloud.keep(t)
		if err := box.Close(); err != nil {
			t.Errorf("the sandbox: %v", err)
		}
	})
	for _, pattern := range cloud.HostPatterns() {
		cloud.mount(t, pattern, cloud.Cloud)
	}
	cloud.mount(t, filesHost, &cloud.files)
	for _, variable := range cloud.Environ() {
		name, value, _ := strings.Cut(variable, "=")
		t.Setenv(name, value)
	}
	return cloud
}

// newAWS is a cloud with the one account.
func newAWS(t testing.TB, box *sandbox.Sandbox) *AWS {
	t.Helper()
	cloud := &AWS{Cloud: aws.New(), Box: box}
	if err := cloud.AddAccount(aws.Account{ID: AccountID, Keys: []aws.Key{Key()}}); err != nil {
		t.Fatal(err)
	}
	return cloud
}

// Environ is the environment that a plugin in a process of its own needs to reach the cloud.
func (a *AWS) Environ() []string { return append(a.Box.Environ(), "FILES_URL=https://"+filesHost) }

// Endpoint makes the cloud answer at another host too, for one service or, with "", for all. The operator's permission
// for it has to be in DIFYPLUGIN_ENDPOINT_ALLOW, since names that exist only in the sandbox have no address.
func (a *AWS) Endpoint(t testing.TB, host, service string) {
	t.Helper()
	a.Bind(host, service)
	a.mount(t, host, a.Cloud)
}

func (a *AWS) mount(t testing.TB, pattern string, h http.Handler) {
	t.Helper()
	if err := a.Box.Handle(pattern, h); err != nil {
		t.Fatal(err)
	}
}

// Key is the key of the account.
func Key() aws.Key {
	return aws.Key{AccessKeyID: AccessKeyID, SecretAccessKey: SecretAccessKey, User: "tester"}
}

// Credentials are what a user of the account saved for the provider. Pairs of names and values are added, or replace
// what is there.
func Credentials(pairs ...string) map[string]any {
	values := map[string]any{
		"aws_access_key_id": AccessKeyID, "aws_secret_access_key": SecretAccessKey, "aws_region": "us-east-1",
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		values[pairs[i]] = pairs[i+1]
	}
	return values
}

// Caller is a user of the provider with these credentials, which may be nil.
func Caller(credentials map[string]any) host.Caller {
	return host.Caller{UserID: "user-1", Provider: "my_aws_tools", Credentials: credentials, CredentialType: "api-key"}
}

// File puts a file into Dify and returns the value of a parameter of type file for it.
func (a *AWS) File(name, mimeType string, content []byte) map[string]any {
	at := a.files.add(content)
	kind, _, _ := strings.Cut(mimeType, "/")
	if kind != "image" && kind != "audio" && kind != "video" {
		kind = "document"
	}
	return map[string]any{
		"dify_model_identity": "__dify__file__", "url": "https://" + filesHost + at + "?sign=secret", "mime_type": mimeType,
		"type": kind, "filename": name, "extension": path.Ext(name), "size": len(content),
	}
}

// files is the part of Dify that serves files.
type files struct {
	mu       sync.Mutex
	contents [][]byte
}

func (f *files) add(content []byte) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.contents = append(f.contents, content)
	return fmt.Sprintf("/files/%d/file-preview", len(f.contents))
}

// ServeHTTP implements [http.Handler].
func (f *files) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var number int
	_, err := fmt.Sscanf(r.URL.Path, "/files/%d/file-preview", &number)
	f.mu.Lock()
	defer f.mu.Unlock()
	if err != nil || number < 1 || number > len(f.contents) || r.URL.Query().Get("sign") != "secret" {
		http.NotFound(w, r)
		return
	}
	_, _ = w.Write(f.contents[number-1])
}

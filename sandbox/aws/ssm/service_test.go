package ssm_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	client "github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/aws/smithy-go"
	"go.uber.org/goleak"

	"github.com/cloudplugins/difyplugin/sandbox"
	"github.com/cloudplugins/difyplugin/sandbox/aws"
	"github.com/cloudplugins/difyplugin/sandbox/aws/ssm"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const account = "123456789012"

// clock is a clock that a test moves.
type clock struct{ now time.Time }

func (c *clock) time() time.Time { return c.now }

// start starts a store and returns a client of the SDK for it.
func start(t *testing.T) (*ssm.Service, *clock, *client.Client) {
	t.Helper()
	box, err := sandbox.Start()
	if err != nil {
		t.Fatal(err)
	}
	moved := &clock{now: time.Now()}
	cloud, store := aws.New(), ssm.New(ssm.Clock(moved.time))
	transport := box.Transport()
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		cloud.Close()
		if err := box.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := cloud.AddAccount(aws.Account{ID: account, Keys: []aws.Key{{AccessKeyID: "AKIATEST", SecretAccessKey: "secret"}}}); err != nil {
		t.Fatal(err)
	}
	for _, pattern := range cloud.HostPatterns() {
		if err := box.Handle(pattern, cloud); err != nil {
			t.Fatal(err)
		}
	}
	cloud.Register("ssm", store)
	return store, moved, client.New(client.Options{
		Region: "us-east-1", HTTPClient: &http.Client{Transport: transport}, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("AKIATEST", "secret", ""),
	})
}

func parameter(change func(*client.PutParameterInput)) *client.PutParameterInput {
	in := &client.PutParameterInput{Name: sdk.String("/folder/a"), Value: sdk.String("secret text"), Type: types.ParameterTypeSecureString}
	change(in)
	return in
}

func expiring(at time.Time) func(*client.PutParameterInput) {
	return func(in *client.PutParameterInput) {
		in.Tier = types.ParameterTierAdvanced
		in.Policies = sdk.String(`[{"Type":"Expiration","Version":"1.0","Attributes":{"Timestamp":"` + at.UTC().Format(time.RFC3339) + `"}}]`)
	}
}

func wantCode(t *testing.T, name string, err error, code string) {
	t.Helper()
	var answered smithy.APIError
	if !errors.As(err, &answered) || answered.ErrorCode() != code {
		t.Errorf("%s: got %v, want %s", name, err, code)
	}
}

func TestAParameterIsWrittenReadAndDeleted(t *testing.T) {
	_, _, c := start(t)
	if _, err := c.PutParameter(t.Context(), parameter(func(*client.PutParameterInput) {})); err != nil {
		t.Fatal(err)
	}
	for decrypted, want := range map[bool]bool{true: true, false: false} {
		out, err := c.GetParameter(t.Context(), &client.GetParameterInput{Name: sdk.String("/folder/a"), WithDecryption: sdk.Bool(decrypted)})
		if err != nil || (sdk.ToString(out.Parameter.Value) == "secret text") != want || out.Parameter.Type != types.ParameterTypeSecureString {
			t.Errorf("decrypted %v: %+v, %v", decrypted, out, err)
		}
	}
	_, err := c.PutParameter(t.Context(), parameter(func(*client.PutParameterInput) {}))
	wantCode(t, "a second time", err, "ParameterAlreadyExists")
	out, err := c.PutParameter(t.Context(), parameter(func(in *client.PutParameterInput) { in.Overwrite = sdk.Bool(true) }))
	if err != nil || out.Version != 2 {
		t.Errorf("overwriting: %+v, %v", out, err)
	}
	if _, err := c.DeleteParameter(t.Context(), &client.DeleteParameterInput{Name: sdk.String("/folder/a")}); err != nil {
		t.Fatal(err)
	}
	_, err = c.GetParameter(t.Context(), &client.GetParameterInput{Name: sdk.String("/folder/a")})
	wantCode(t, "after its deletion", err, "ParameterNotFound")
	_, err = c.DeleteParameter(t.Context(), &client.DeleteParameterInput{Name: sdk.String("/folder/a")})
	wantCode(t, "deleting it twice", err, "ParameterNotFound")
}

func TestAParameterDisappearsWhenItExpires(t *testing.T) {
	store, moved, c := start(t)
	if _, err := c.PutParameter(t.Context(), parameter(expiring(moved.now.Add(time.Hour)))); err != nil {
		t.Fatal(err)
	}
	if len(store.Parameters()) != 1 {
		t.Error("the parameter is gone before its time")
	}
	moved.now = moved.now.Add(time.Hour)
	_, err := c.GetParameter(t.Context(), &client.GetParameterInput{Name: sdk.String("/folder/a")})
	wantCode(t, "after its time", err, "ParameterNotFound")
}

func TestParametersOfAPathAreListedInPagesWithoutTheirValues(t *testing.T) {
	store, moved, c := start(t)
	for _, name := range []string{"/folder/a", "/folder/b", "/folder/c", "/folder/deeper/d", "/other/e"} {
		if _, err := c.PutParameter(t.Context(), parameter(func(in *client.PutParameterInput) {
			expiring(moved.now.Add(time.Hour))(in)
			in.Name = sdk.String(name)
		})); err != nil {
			t.Fatal(err)
		}
	}
	store.Set(ssm.Parameter{AccountID: "999999999999", Region: "us-east-1", Name: "/folder/foreign"})
	in := &client.DescribeParametersInput{MaxResults: sdk.Int32(2), ParameterFilters: []types.ParameterStringFilter{
		{Key: sdk.String("Path"), Option: sdk.String("OneLevel"), Values: []string{"/folder"}},
	}}
	var names []string
	for pages := client.NewDescribeParametersPaginator(c, in); pages.HasMorePages(); {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range page.Parameters {
			names = append(names, *p.Name)
			if len(p.Policies) != 1 || !strings.Contains(*p.Policies[0].PolicyText, "Timestamp") {
				t.Errorf("%s has the policies %+v", *p.Name, p.Policies)
			}
		}
	}
	if strings.Join(names, " ") != "/folder/a /folder/b /folder/c" {
		t.Errorf("listed %v", names)
	}
}

func TestWrongRequestsAreRefusedInTheWordsOfParameterStore(t *testing.T) {
	store, moved, c := start(t)
	put := func(change func(*client.PutParameterInput)) error {
		_, err := c.PutParameter(t.Context(), parameter(change))
		return err
	}
	value := func(size int, tier types.ParameterTier) error {
		return put(func(in *client.PutParameterInput) { in.Value, in.Tier = sdk.String(strings.Repeat("x", size)), tier })
	}
	_, path := c.DescribeParameters(t.Context(), &client.DescribeParametersInput{ParameterFilters: []types.ParameterStringFilter{{Key: sdk.String("Tier")}}})
	_, pages := c.DescribeParameters(t.Context(), &client.DescribeParametersInput{MaxResults: sdk.Int32(51)})
	_, token := c.DescribeParameters(t.Context(), &client.DescribeParametersInput{NextToken: sdk.String("next")})
	for _, tt := range []struct {
		name string
		err  error
		code string
	}{
		{"a reserved name", put(func(in *client.PutParameterInput) { in.Name = sdk.String("/aws/a") }), "ValidationException"},
		{"a name with a space", put(func(in *client.PutParameterInput) { in.Name = sdk.String("/a b") }), "ValidationException"},
		{"sixteen levels", put(func(in *client.PutParameterInput) { in.Name = sdk.String(strings.Repeat("/a", 16)) }), "ValidationException"},
		{"no type", put(func(in *client.PutParameterInput) { in.Type = "" }), "ValidationException"},
		{"an unknown tier", put(func(in *client.PutParameterInput) { in.Tier = "Best" }), "ValidationException"},
		{"more than 4 KiB", value(4097, ""), "ValidationException"},
		{"more than 8 KiB", value(8193, types.ParameterTierAdvanced), "ValidationException"},
		{"a policy in the standard tier", put(func(in *client.PutParameterInput) { expiring(moved.now.Add(time.Hour))(in); in.Tier = "" }), "ValidationException"},
		{"a policy that is no JSON", put(func(in *client.PutParameterInput) {
			in.Tier, in.Policies = types.ParameterTierAdvanced, sdk.String("{}")
		}), "InvalidPolicyAttributeException"},
		{"an unknown policy", put(func(in *client.PutParameterInput) {
			in.Tier, in.Policies = types.ParameterTierAdvanced, sdk.String(`[{"Type":"Odd","Version":"1.0"}]`)
		}), "InvalidPolicyTypeException"},
		{"an expiration in the past", put(expiring(moved.now.Add(-time.Minute))), "InvalidPolicyAttributeException"},
		{"a filter that is not known", path, "InvalidFilterKey"},
		{"too large a page", pages, "ValidationException"},
		{"an unknown token", token, "InvalidNextToken"},
	} {
		wantCode(t, tt.name, tt.err, tt.code)
	}
	if left := store.Parameters(); len(left) != 0 {
		t.Errorf("refused requests have written %+v", left)
	}
	for _, err := range []error{value(4096, ""), value(8192, types.ParameterTierAdvanced)} {
		if err != nil && !strings.Contains(err.Error(), "ParameterAlreadyExists") {
			t.Error(err)
		}
	}
	if err := put(func(in *client.PutParameterInput) {
		in.Value, in.Tier, in.Overwrite = sdk.String(strings.Repeat("x", 4097)), types.ParameterTierIntelligentTiering, sdk.Bool(true)
	}); err != nil || store.Parameters()[0].Tier != ssm.Advanced {
		t.Errorf("intelligent tiering chose %s, %v", store.Parameters()[0].Tier, err)
	}
}

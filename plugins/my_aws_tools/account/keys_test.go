package account_test

import (
	"strings"
	"testing"

	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/toolstest"
	"github.com/cloudplugins/difyplugin/sandbox/aws"
	"github.com/google/go-cmp/cmp"
)

// Keys of a second account, and temporary ones of the first.
const (
	otherID     = "AKIAOTHERACCOUNT0000"
	otherSecret = "other/secret/of/the/second/account/00000"
	tempID      = "ASIATEMPORARYKEY0000"
	tempSecret  = "temporary/secret/of/the/first/account/00"
	tempToken   = "FwoGZXIvYXdzTEMPORARY//token=="
)

// populate adds accounts to the cloud: a second one, and one in China.
func populate(t *testing.T, cloud *toolstest.AWS) {
	t.Helper()
	for _, a := range []aws.Account{
		{ID: toolstest.AccountID, Keys: []aws.Key{
			toolstest.Key(), {AccessKeyID: tempID, SecretAccessKey: tempSecret, SessionToken: tempToken, User: "temp"},
		}},
		{ID: "222222222222", Keys: []aws.Key{{AccessKeyID: otherID, SecretAccessKey: otherSecret, User: "other"}}},
		{ID: "333333333333", China: true, Keys: []aws.Key{{AccessKeyID: "AKIACHINA00000000000", SecretAccessKey: "china", User: "beijing"}}},
	} {
		if err := cloud.AddAccount(a); err != nil {
			t.Fatal(err)
		}
	}
}

// fields are parameters or credentials, from pairs of a short name and a value.
func fields(pairs ...string) map[string]any {
	names := map[string]string{
		"id": "aws_access_key_id", "secret": "aws_secret_access_key", "token": "aws_session_token", "region": "aws_region",
		"role": "aws_role_arn", "external": "aws_external_id", "endpoint": "aws_endpoint_url",
	}
	values := map[string]any{}
	for i := 0; i+1 < len(pairs); i += 2 {
		values[names[pairs[i]]] = pairs[i+1]
	}
	return values
}

func TestCredentialsAreTakenAsAWhole(t *testing.T) {
	cloud := toolstest.Start(t)
	populate(t, cloud)
	tools := run(t, cloud)
	saved := fields("id", toolstest.AccessKeyID, "secret", toolstest.SecretAccessKey)
	for _, tt := range []struct {
		name  string
		tool  map[string]any
		saved map[string]any
		arn   string
		fails string
	}{
		{"all from the provider", fields(), saved, "arn:aws:iam::123456789012:user/tester", ""},
		{"all from the tool", fields("id", otherID, "secret", otherSecret), nil, "arn:aws:iam::222222222222:user/other", ""},
		{"the tool wins over the provider", fields("id", otherID, "secret", otherSecret), saved, "arn:aws:iam::222222222222:user/other", ""},
		{"temporary keys of the tool", fields("id", tempID, "secret", tempSecret, "token", tempToken), saved, "arn:aws:iam::123456789012:user/temp", ""},
		{"temporary keys of the provider", fields(), fields("id", tempID, "secret", tempSecret, "token", tempToken), "arn:aws:iam::123456789012:user/temp", ""},
		{"the provider's token never joins the tool's keys", fields("id", otherID, "secret", otherSecret), fields("id", tempID, "secret", tempSecret, "token", tempToken), "arn:aws:iam::222222222222:user/other", ""},
		{"white space around copied keys", fields("id", " "+otherID+"\n", "secret", "\t"+otherSecret+" "), nil, "arn:aws:iam::222222222222:user/other", ""},
		{"blank parameters are absent", fields("id", "", "secret", "  ", "token", "", "region", ""), saved, "arn:aws:iam::123456789012:user/tester", ""},
		{"a half pair of the provider that is not used does no harm", fields("id", otherID, "secret", otherSecret), fields("id", toolstest.AccessKeyID), "arn:aws:iam::222222222222:user/other", ""},

		{"an ID of the tool without a secret", fields("id", otherID), saved, "", "the tool's parameters hold aws_access_key_id but not aws_secret_access_key"},
		{"a secret of the tool without an ID", fields("secret", otherSecret), saved, "", "the tool's parameters hold aws_secret_access_key but not aws_access_key_id"},
		{"a token of the tool without keys", fields("token", tempToken), saved, "", "the tool's parameters hold a session token (aws_session_token) without its keys"},
		{"an ID of the provider without a secret", fields(), fields("id", toolstest.AccessKeyID), "", "the credentials of the provider hold aws_access_key_id but not aws_secret_access_key"},
		{"an ID here and a secret there", fields("id", toolstest.AccessKeyID), fields("secret", toolstest.SecretAccessKey), "", "the tool's parameters hold aws_access_key_id but not aws_secret_access_key"},
		{"a key with a line break inside", fields("id", otherID, "secret", "other\nsecret"), saved, "", "aws_secret_access_key contains a space, a line break"},
		{"everything that is wrong at once", fields("id", otherID, "region", "Tokyo"), fields("endpoint", "http://x.example"), "", "aws_secret_access_key"},
		{"none at all", fields(), nil, "", "the operator sets DIFYPLUGIN_AMBIENT_AWS=on"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cloud.Forget()
			if tt.fails == "" {
				result := tools.SucceedAs(t, tt.saved, "whoami", tt.tool)
				if arn := output(t, result, "arn"); arn != tt.arn {
					t.Errorf("acts as %s", arn)
				}
				return
			}
			failed := tools.FailAs(t, tt.saved, "whoami", tt.tool)
			says := strings.Replace(tt.fails, "the operator sets", "its operator sets", 1)
			if failed.Type != "InvokeAuthorizationError" || !strings.Contains(failed.Message, says) {
				t.Errorf("%s: %s", failed.Type, failed.Message)
			}
			if calls := cloud.Operations(); len(calls) > 0 {
				t.Errorf("something was sent: %v", calls)
			}
		})
	}
	failed := tools.FailAs(t, fields("endpoint", "http://x.example"), "whoami", fields("id", otherID, "region", "Tokyo"))
	for _, part := range []string{"aws_secret_access_key", `"Tokyo"`, "http://"} {
		if !strings.Contains(failed.Message, part) {
			t.Errorf("the error does not name %s: %s", part, failed.Message)
		}
	}
}

func TestRegionIsThatOfTheToolThenThatOfTheProvider(t *testing.T) {
	cloud := toolstest.Start(t)
	populate(t, cloud)
	tools := run(t, cloud)
	keys := []string{"id", toolstest.AccessKeyID, "secret", toolstest.SecretAccessKey}
	china := []string{"id", "AKIACHINA00000000000", "secret", "china"}
	for _, tt := range []struct {
		name        string
		keys        []string
		tool, saved string
		want        []string // region, partition, suffix, host
	}{
		{"of neither", keys, "", "", []string{"us-east-1", "aws", "amazonaws.com", "sts.us-east-1.amazonaws.com"}},
		{"of the provider", keys, "", "eu-west-1", []string{"eu-west-1", "aws", "amazonaws.com", "sts.eu-west-1.amazonaws.com"}},
		{"of the tool", keys, "ap-northeast-1", "eu-west-1", []string{"ap-northeast-1", "aws", "amazonaws.com", "sts.ap-northeast-1.amazonaws.com"}},
		{"in capitals with blanks", keys, " US-WEST-2 ", "", []string{"us-west-2", "aws", "amazonaws.com", "sts.us-west-2.amazonaws.com"}},
		{"in China", china, "cn-north-1", "", []string{"cn-north-1", "aws-cn", "amazonaws.com.cn", "sts.cn-north-1.amazonaws.com.cn"}},
		{"in GovCloud", keys, "us-gov-west-1", "", []string{"us-gov-west-1", "aws-us-gov", "amazonaws.com", "sts.us-gov-west-1.amazonaws.com"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cloud.Forget()
			result := tools.SucceedAs(t, fields(append(tt.keys, "region", tt.saved)...), "whoami", fields("region", tt.tool))
			got := []string{output(t, result, "region"), output(t, result, "partition"), output(t, result, "suffix"), cloud.Calls()[0].Host}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
	for _, region := range []string{"Tokyo", "us-east-1.evil.example", "us-east-1/", "us_east_1", "us-east-1#", "auto", "us-east-100000"} {
		failed := tools.FailAs(t, fields(keys...), "whoami", fields("region", region))
		if !strings.Contains(failed.Message, "is not the name of a region") {
			t.Errorf("%s: %s", region, failed.Message)
		}
	}
}

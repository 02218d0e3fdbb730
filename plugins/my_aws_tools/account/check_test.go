package account_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/toolstest"
	"github.com/cloudplugins/difyplugin/sandbox/aws"
	"github.com/google/go-cmp/cmp"
)

// saved are credentials of the tester, with changes.
func saved(pairs ...string) map[string]any {
	return fields(append([]string{"id", toolstest.AccessKeyID, "secret", toolstest.SecretAccessKey}, pairs...)...)
}

func TestSavingNamesWhatIsWrong(t *testing.T) {
	t.Setenv("DIFYPLUGIN_ENDPOINT_ALLOW", "aws.example.com,storage.example.com,minio.example.com,nowhere.example.com")
	cloud := startWithRoles(t)
	cloud.Endpoint(t, "aws.example.com", "")
	cloud.Endpoint(t, "storage.example.com", "s3")
	unknownAction := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(`<Error><Code>InvalidRequest</Code><Message>no such action</Message></Error>`))
	})
	if err := cloud.Box.Handle("minio.example.com", unknownAction); err != nil {
		t.Fatal(err)
	}
	tools := run(t, cloud)
	const region = "sts.us-east-1.amazonaws.com"
	for _, tt := range []struct {
		name  string
		saved map[string]any
		fault []aws.Effect
		says  string // "" for accepted
		hosts []string
	}{
		{"nothing at all", fields(), nil, "", nil},
		{"a region alone", fields("region", "eu-west-1"), nil, "", nil},
		{"an endpoint alone", fields("endpoint", "s3=https://storage.example.com"), nil, "", nil},
		{"a region alone that is none", fields("region", "Tokyo"), nil, "is not the name of a region", nil},
		{"an endpoint alone that is not https", fields("endpoint", "http://storage.example.com"), nil, "unencrypted", nil},
		{"an external ID alone", fields("external", "abc"), nil, "without aws_role_arn", nil},

		{"right keys", saved(), nil, "", []string{region}},
		{"right keys in another region", saved("region", "ap-northeast-1"), nil, "", []string{"sts.ap-northeast-1.amazonaws.com"}},
		{"right keys of China", fields("id", "AKIACHINA00000000000", "secret", "china", "region", "cn-north-1"), nil, "", []string{"sts.cn-north-1.amazonaws.com.cn"}},
		{"right keys of China elsewhere", fields("id", "AKIACHINA00000000000", "secret", "china"), nil, "keys of AWS China and GovCloud are valid only in the regions there", []string{region}},
		{"right temporary keys", fields("id", tempID, "secret", tempSecret, "token", tempToken), nil, "", []string{region}},
		{"an unknown key", saved("id", "AKIANOBODYKNOWS00000"), nil, "AWS does not know the access key", []string{region}},
		{"a wrong secret", saved("secret", "wrong"), nil, "aws_secret_access_key does not belong to aws_access_key_id", []string{region}},
		{"temporary keys without their token", fields("id", tempID, "secret", tempSecret), nil, "fill in its session token too", []string{region}},
		{"half a pair", fields("id", toolstest.AccessKeyID), nil, "hold aws_access_key_id but not aws_secret_access_key", nil},
		{"expired keys", saved(), []aws.Effect{aws.Expire()}, "the temporary credentials have expired", []string{region}},
		{"a clock that is off", saved(), []aws.Effect{aws.Fail(403, "SignatureDoesNotMatch", "Signature expired: 20261122T000000Z is now earlier than 20261122T010000Z")}, "set the clock of the machine", []string{region}},
		{"a throttled account", saved(), []aws.Effect{aws.Throttle()}, "asks for fewer requests", []string{region, region, region}},
		{"no answer", saved(), []aws.Effect{aws.Drop()}, "no connection to " + region, nil},
		{"no route", saved("region", "xx-nowhere-1"), []aws.Effect{aws.Drop()}, "no connection to sts.xx-nowhere-1.amazonaws.com", nil},

		{"a role", roleFields("region", ""), nil, "", []string{region, region}},
		{"a role that is not assumable", roleFields("region", "", "external", "wrong"), nil, "could not assume the role", []string{region}},
		{"a role without keys", fields("role", roles.Roles[0].ARN(roles)), nil, "DIFYPLUGIN_AMBIENT_AWS=on", nil},

		{"a store without STS", saved("id", "minio", "secret", "minio123", "region", "auto", "endpoint", "s3=https://storage.example.com"), nil, "", nil},
		{"an endpoint for everything", saved("endpoint", "https://aws.example.com"), nil, "", []string{"aws.example.com"}},
		{"a wrong secret at an endpoint for everything", saved("secret", "wrong", "endpoint", "https://aws.example.com"), nil, "does not belong to", []string{"aws.example.com"}},
		{"an endpoint for everything that does not know STS", saved("endpoint", "https://minio.example.com"), nil, "", []string{"minio.example.com"}},
		{"an endpoint of STS that does not know the question", saved("endpoint", "sts=https://minio.example.com"), nil, "refused the request", []string{"minio.example.com"}},
		{"an endpoint that is not there", saved("endpoint", "https://nowhere.example.com"), nil, "no connection to nowhere.example.com", nil},
		{"an endpoint with a private address", saved("endpoint", "https://192.168.0.1"), nil, "DIFYPLUGIN_ENDPOINT_ALLOW", nil},
		{"an endpoint that is the metadata service", saved("endpoint", "https://169.254.169.254"), nil, "never contacted", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.fault != nil {
				defer cloud.Inject(aws.Fault{Service: "sts", Effects: tt.fault}).Remove()
			}
			before := len(cloud.Box.Requests())
			err := tools.ValidateTool(t.Context(), toolstest.Caller(tt.saved))
			var hosts []string
			for _, request := range cloud.Box.Requests()[before:] {
				hosts = append(hosts, request.Host)
			}
			switch {
			case tt.says == "" && err != nil:
				t.Errorf("refused: %v", err)
			case tt.says != "" && (err == nil || !strings.Contains(err.Error(), tt.says) || !strings.HasPrefix(err.Error(), "CredentialsValidateFailedError")):
				t.Errorf("want %q, got %v", tt.says, err)
			}
			if dropped := len(tt.fault) > 0 && strings.HasPrefix(tt.says, "no connection"); dropped {
				return // how often a broken connection is tried again is the SDK's business
			}
			if diff := cmp.Diff(tt.hosts, hosts); diff != "" {
				t.Errorf("hosts: -want +got\n%s", diff)
			}
		})
	}
}

func TestTheOperatorCanTurnTheCheckOff(t *testing.T) {
	t.Setenv("DIFYPLUGIN_VERIFY_AWS", "off")
	cloud := startWithRoles(t)
	tools := run(t, cloud)
	if err := tools.ValidateTool(t.Context(), toolstest.Caller(saved("secret", "wrong"))); err != nil {
		t.Error(err)
	}
	if err := tools.ValidateTool(t.Context(), toolstest.Caller(saved("region", "Tokyo"))); err == nil {
		t.Error("what is written wrong is accepted")
	}
	if requests := cloud.Box.Requests(); len(requests) > 0 {
		t.Errorf("%d requests were sent", len(requests))
	}
}

func TestAnEndpointGetsTheRequestsOfItsServicesOnly(t *testing.T) {
	t.Setenv("DIFYPLUGIN_ENDPOINT_ALLOW", "aws.example.com,storage.example.com,tokens.example.com")
	cloud := startWithRoles(t)
	cloud.Endpoint(t, "aws.example.com", "")
	cloud.Endpoint(t, "storage.example.com", "s3")
	cloud.Endpoint(t, "tokens.example.com", "sts")
	tools := run(t, cloud)
	for _, tt := range []struct {
		endpoint, s3, host string
		pathStyle          string
	}{
		{"", "", "sts.us-east-1.amazonaws.com", "false"},
		{"https://aws.example.com", "https://aws.example.com", "aws.example.com", "true"},
		{"s3=https://storage.example.com", "https://storage.example.com", "sts.us-east-1.amazonaws.com", "true"},
		{"sts=https://tokens.example.com", "", "tokens.example.com", "false"},
		{"https://aws.example.com,sts=https://tokens.example.com", "https://aws.example.com", "tokens.example.com", "true"},
	} {
		cloud.Forget()
		result := tools.SucceedAs(t, saved("endpoint", tt.endpoint), "whoami", nil)
		got := []string{output(t, result, "endpoint"), cloud.Calls()[0].Host, string(result.Variables["path_style"])}
		if diff := cmp.Diff([]string{tt.s3, tt.host, tt.pathStyle}, got); diff != "" {
			t.Errorf("%s: -want +got\n%s", tt.endpoint, diff)
		}
	}
	failed := tools.FailAs(t, saved("endpoint", "https://10.0.0.1"), "whoami", nil)
	if failed.Type != "InvokeBadRequestError" || !strings.Contains(failed.Message, "DIFYPLUGIN_ENDPOINT_ALLOW") {
		t.Errorf("%s: %s", failed.Type, failed.Message)
	}
	if refused := cloud.Box.Refused(); len(refused) > 0 {
		t.Errorf("refused: %v", refused)
	}
}

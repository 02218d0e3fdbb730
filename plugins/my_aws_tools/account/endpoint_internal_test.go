package account

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestEndpointsAreReadAsTheyAreWritten(t *testing.T) {
	for _, tt := range []struct {
		text  string
		want  endpoints
		fails string
	}{
		{"", nil, ""},
		{"https://aws.example.com", endpoints{"": "https://aws.example.com"}, ""},
		{"HTTPS://AWS.example.com/", endpoints{"": "https://aws.example.com"}, ""},
		{"https://aws.example.com:8443/path/", endpoints{"": "https://aws.example.com:8443/path"}, ""},
		{"s3=https://s.example.com,sts=https://t.example.com", endpoints{"s3": "https://s.example.com", "sts": "https://t.example.com"}, ""},
		{" s3=https://s.example.com ,\n DynamoDB=https://d.example.com;", endpoints{"s3": "https://s.example.com", "dynamodb": "https://d.example.com"}, ""},
		{"states=https://s.example.com", endpoints{"sfn": "https://s.example.com"}, ""},
		{"bedrock-agent-runtime=https://s.example.com", endpoints{"bedrock_agent_runtime": "https://s.example.com"}, ""},
		{"https://x.example.com,s3=https://s.example.com", endpoints{"": "https://x.example.com", "s3": "https://s.example.com"}, ""},
		{"https://192.0.2.1", endpoints{"": "https://192.0.2.1"}, ""},
		{"https://[2001:db8::1]:9000", endpoints{"": "https://[2001:db8::1]:9000"}, ""},

		{"http://aws.example.com", nil, "unencrypted"},
		{"s3=http://aws.example.com", nil, "unencrypted"},
		{"ftp://aws.example.com", nil, "unencrypted"},
		{"aws.example.com", nil, "is not a URL"},
		{"https://", nil, "is not a URL"},
		{"https://:8443", nil, "is not a URL"},
		{"sqs=https://s.example.com", nil, `names a service "sqs" that no tool uses: there are`},
		{"s3=https://a.example.com,s3=https://b.example.com", nil, "more than one URL for the same service"},
		{"https://a.example.com https://b.example.com", nil, "more than one URL for the same service"},
		{"https://user:password@aws.example.com", nil, "a user name, a question mark or a hash"},
		{"https://aws.example.com/?X-Amz-Signature=1", nil, "a user name, a question mark or a hash"},
		{"https://aws.example.com/#x", nil, "a user name, a question mark or a hash"},
		{"https://aws.ex%41mple.com", nil, "aws_endpoint_url"},
		{"https://exämple.com", nil, "a host that cannot be one"},
	} {
		got, err := parseEndpoints(tt.text)
		if tt.fails == "" {
			if diff := cmp.Diff(tt.want, got); diff != "" || err != nil {
				t.Errorf("%q: %v, -want +got\n%s", tt.text, err, diff)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), tt.fails) {
			t.Errorf("%q: %v, %v", tt.text, got, err)
		}
		if err != nil && (strings.Contains(err.Error(), "password") || strings.Contains(err.Error(), "Signature=1")) {
			t.Errorf("%q: the error repeats what may be secret: %v", tt.text, err)
		}
	}
}

func TestEndpointsAreAlwaysHTTPSWithoutSecrets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		found, err := parseEndpoints(rapid.StringMatching(`(s3=)?(https?://)?[a-z.@:/?#=0-9%,-]{0,40}`).Draw(t, "text"))
		if err != nil {
			return
		}
		for service, at := range found {
			if !strings.HasPrefix(at, "https://") || strings.ContainsAny(at, "@?#") {
				t.Errorf("%s: %s", service, at)
			}
		}
	})
}

func TestOfficialHostsAreThoseOfTheServices(t *testing.T) {
	for _, host := range []string{
		"sts.us-east-1.amazonaws.com", "sts.amazonaws.com", "s3.amazonaws.com", "s3.eu-west-1.amazonaws.com",
		"documents.s3.eu-west-1.amazonaws.com", "a.b.c.s3.us-east-1.amazonaws.com", "documents.s3.amazonaws.com",
		"documents.s3.dualstack.eu-west-1.amazonaws.com", "s3.cn-north-1.amazonaws.com.cn", "documents.s3.cn-north-1.amazonaws.com.cn",
		"dynamodb.ap-northeast-1.amazonaws.com", "lambda.us-gov-west-1.amazonaws.com", "states.us-east-1.amazonaws.com",
		"bedrock-agent-runtime.us-east-1.amazonaws.com", "runtime.sagemaker.us-east-1.amazonaws.com", "lambda.us-east-1.api.aws",
		"search-x.us-east-1.es.amazonaws.com", "search-x.cn-north-1.es.amazonaws.com.cn", "search-x.aos.eu-west-1.on.aws",
		"07tjusf2h91cunochc.us-east-1.aoss.amazonaws.com", "07tjusf2h91cunochc.aoss.us-east-1.on.aws", "07tjusf2h91cunochc.aoss-fips.us-east-1.on.aws",
		"sts.eusc-de-east-1.amazonaws.eu", "sts-fips.us-east-1.amazonaws.com", "documents.s3-fips.us-east-1.amazonaws.com",
	} {
		if !Official(host) {
			t.Errorf("%s is not official", host)
		}
	}
	for _, host := range []string{
		"", "amazonaws.com", ".amazonaws.com", "us-east-1.amazonaws.com", "amazonaws.com.evil.example", "sts.us-east-1.amazonaws.com.evil.example",
		"notamazonaws.com", "sts.us-east-1.notamazonaws.com", "ec2-192-0-2-1.us-east-1.compute.amazonaws.com", "ip-10-0-0-1.compute.amazonaws.com",
		"internal-name.us-east-1.elb.amazonaws.com", "vpce-1.s3.us-east-1.vpce.amazonaws.com", "bucket.vpce-1.s3.us-east-1.vpce.amazonaws.com",
		"vpc-x.us-east-1.es.amazonaws.com", "vpc-x.aos.us-east-1.on.aws", "a.search-x.us-east-1.es.amazonaws.com", "es.us-east-1.on.aws",
		"us-east-1.es.amazonaws.com", "x.lambda-url.us-east-1.on.aws", "search-x.mars.es.amazonaws.com", "search-x.us-east-1.es.amazonaws.com.evil.example",
		"x.sts.us-east-1.amazonaws.com", "db.x.us-east-1.rds.amazonaws.com", "169.254.169.254",
		"api.execute-api.us-east-1.amazonaws.com", "sqs.us-east-1.amazonaws.com", "localhost",
	} {
		if Official(host) {
			t.Errorf("%s is official", host)
		}
	}
}

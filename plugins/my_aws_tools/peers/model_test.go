//go:build slow

package peers

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cloudplugins/difyplugin/sandbox/aws"
)

// python is an interpreter that has botocore.
func python(t *testing.T) string {
	t.Helper()
	program := located(t, "DIFYPLUGIN_PYTHON")
	if out, err := exec.CommandContext(t.Context(), program, "-c", "import botocore").CombinedOutput(); err != nil {
		t.Skipf("the Python of DIFYPLUGIN_PYTHON has no botocore (pip install botocore): %s", strings.TrimSpace(string(out)))
	}
	return program
}

// validate returns the faults that botocore's models find in recorded requests, and how many there were by service.
func validate(t *testing.T, python, folder string) (faults []string, counts map[string]int) {
	t.Helper()
	var stderr strings.Builder
	command := exec.CommandContext(t.Context(), python, "validate.py", folder)
	command.Stderr = &stderr
	out, err := command.Output()
	if err != nil {
		t.Fatalf("validate.py: %v\n%s", err, stderr.String())
	}
	faults = strings.Split(strings.TrimSpace(string(out)), "\n")
	last := len(faults) - 1
	if err := json.Unmarshal([]byte(faults[last]), &counts); err != nil {
		t.Fatalf("validate.py printed %q: %v", faults[last], err)
	}
	return faults[:last], counts
}

// recordedVariable names a folder in which an earlier run of all tests has recorded what was sent.
const recordedVariable = "DIFYPLUGIN_RECORDED_AWS_CALLS"

// recorded is a folder of requests that the fast tests of the tools have sent: they run once more, unless they did so
// before.
func recorded(t *testing.T) string {
	t.Helper()
	if folder := os.Getenv(recordedVariable); folder != "" {
		return folder
	}
	folder := t.TempDir()
	// Without the tag slow this package does not take part, also where GOFLAGS sets it.
	run := exec.CommandContext(t.Context(), "go", "test", "-tags=", "-count=1", "../...")
	run.Env = append(os.Environ(), "DIFYPLUGIN_RECORD_AWS_CALLS="+folder)
	if out, err := run.CombinedOutput(); err != nil {
		t.Fatalf("the tools could not be run: %v\n%s", err, out)
	}
	return folder
}

// What the tests of the tools sent to the stand-ins is compared with what AWS says that its services understand.
func TestSlowEveryRequestOfTheToolsFitsTheModelsOfAWS(t *testing.T) {
	interpreter := python(t)
	faults, counts := validate(t, interpreter, recorded(t))
	for _, fault := range faults {
		t.Error(fault)
	}
	if counts["cut"] > 10 {
		t.Errorf("the bodies of %d requests were too long to be recorded and read: let the tests send smaller ones", counts["cut"])
	}
	t.Logf("requests by service: %v", counts)
	for _, service := range []string{"bedrock-agent", "bedrock-agent-runtime", "bedrock-agentcore", "bedrock-agentcore-control", "bedrock-runtime", "comprehend", "dynamodb", "es", "lambda", "runtime.sagemaker", "s3", "ssm", "states", "sts", "transcribe"} {
		if counts[service] < 10 {
			t.Errorf("only %d requests to %s were checked: the tests do not record what they send", counts[service], service)
		}
	}
}

// A check that lets everything pass would show nothing.
func TestSlowAModelOfAWSFindsWhatIsWrongWithARequest(t *testing.T) {
	interpreter := python(t)
	put := func(body string) aws.Call {
		return aws.Call{
			Service: "dynamodb", Operation: "PutItem", Host: "dynamodb.us-east-1.amazonaws.com", Method: "POST", Path: "/", Body: []byte(body),
			Header: http.Header{"X-Amz-Target": {"DynamoDB_20120810.PutItem"}, "Content-Type": {"application/x-amz-json-1.0"}},
		}
	}
	list := func(path, query string, header http.Header) aws.Call {
		return aws.Call{
			Service: "s3", Operation: "ListObjectsV2", Host: "docs.s3.us-east-1.amazonaws.com", Method: "GET", Path: path, RawQuery: query, Header: header,
		}
	}
	complete := func(body string) aws.Call {
		return aws.Call{Service: "s3", Operation: "CompleteMultipartUpload", Host: "docs.s3.amazonaws.com", Method: "POST", Path: "/a", RawQuery: "uploadId=1", Body: []byte(body)}
	}
	invoke := func(header http.Header) aws.Call {
		return aws.Call{Service: "lambda", Operation: "Invoke", Host: "lambda.us-east-1.amazonaws.com", Method: "POST", Path: "/2015-03-31/functions/f/invocations", Header: header, Body: []byte("{}")}
	}
	identify := func(form string) aws.Call {
		return aws.Call{Service: "sts", Operation: "AssumeRole", Host: "sts.us-east-1.amazonaws.com", Method: "POST", Path: "/", Body: []byte(form)}
	}
	presigned := list("/", "list-type=2&x-amz-request-payer=requester", nil)
	presigned.Presigned = true
	const role = "Action=AssumeRole&Version=2011-06-15&RoleArn=arn:aws:iam::123456789012:role/nest"
	strange := put(`{}`)
	strange.Operation = "PutItems"
	misnamed := put(`{"TableName":"t","Item":{}}`)
	misnamed.Header.Set("X-Amz-Target", "DynamoDB_20111205.PutItem")
	for name, c := range map[string]struct {
		call aws.Call
		want string // "" for none
	}{
		"a right item":             {put(`{"TableName":"t","Item":{"a":{"B":"YQ=="},"n":{"N":"1"},"s":{"SS":["x"]}}}`), ""},
		"no table":                 {put(`{"Item":{}}`), `Missing required parameter in input: "TableName"`},
		"an unknown parameter":     {put(`{"TableName":"t","Item":{},"Table":"t"}`), `Unknown parameter in input: "Table"`},
		"another type":             {put(`{"TableName":"t","Item":{"n":{"N":1}}}`), "Invalid type for parameter Item.n.N"},
		"no base64":                {put(`{"TableName":"t","Item":{"a":{"B":"?"}}}`), "a binary value is not base64"},
		"no permitted value":       {put(`{"TableName":"t","Item":{},"ReturnValues":"SOME"}`), "ReturnValues is 'SOME'"},
		"an unknown operation":     {strange, "no such operation"},
		"another version":          {misnamed, "X-Amz-Target is 'DynamoDB_20111205.PutItem'"},
		"a right list":             {list("/", "list-type=2&max-keys=5&x-id=ListObjectsV2", nil), ""},
		"a presigned list":         {presigned, ""},
		"a list of the first kind": {list("/", "max-keys=5", nil), "the query lacks"},
		"an unknown query":         {list("/", "list-type=2&marker=a", nil), "no parameter marker"},
		"a number that is none":    {list("/", "list-type=2&max-keys=many", nil), "invalid literal for int"},
		"an unknown header":        {list("/", "list-type=2", http.Header{"X-Amz-Acl": {"private"}}), "headers that the operation does not have: x-amz-acl"},
		"a header in the query":    {list("/", "list-type=2&x-amz-request-payer=requester", nil), "no parameter x-amz-request-payer"},
		"a path of an object":      {list("/a", "list-type=2", nil), "the path /docs/a is not /{Bucket}"},
		"right parts":              {complete(`<CompleteMultipartUpload><Part><ETag>x</ETag><PartNumber>1</PartNumber></Part></CompleteMultipartUpload>`), ""},
		"parts of another name":    {complete(`<CompleteMultipartUpload><Part><Etag>x</Etag></Part></CompleteMultipartUpload>`), "Unknown parameter in MultipartUpload.Parts[0]: \"Etag\""},
		"a right invocation":       {invoke(http.Header{"X-Amz-Invocation-Type": {"Event"}}), ""},
		"an unknown invocation":    {invoke(http.Header{"X-Amz-Invocation-Type": {"Later"}}), "InvocationType is 'Later'"},
		"a right role":             {identify(role + "&RoleSessionName=dify&DurationSeconds=900&PolicyArns.member.1.arn=arn:aws:iam::aws:policy/ReadOnlyAccess"), ""},
		"a role without a name":    {identify(role), `Missing required parameter in input: "RoleSessionName"`},
		"a short session":          {identify(role + "&RoleSessionName=dify&DurationSeconds=60"), "DurationSeconds"},
		"an endless session":       {identify(role + "&RoleSessionName=dify&DurationSeconds=600000"), "DurationSeconds has or is 600000"},
	} {
		t.Run(name, func(t *testing.T) {
			raw, err := json.Marshal([]aws.Call{c.call})
			if err != nil {
				t.Fatal(err)
			}
			folder := t.TempDir()
			if err := os.WriteFile(filepath.Join(folder, "calls.json"), raw, 0o600); err != nil {
				t.Fatal(err)
			}
			faults, counts := validate(t, interpreter, folder)
			if counts[c.call.Service] != 1 {
				t.Errorf("checked %v", counts)
			}
			found := slices.ContainsFunc(faults, func(fault string) bool { return strings.Contains(fault, c.want) })
			if c.want == "" && len(faults) > 0 || c.want != "" && !found {
				t.Errorf("found %q, want %q", faults, c.want)
			}
		})
	}
}

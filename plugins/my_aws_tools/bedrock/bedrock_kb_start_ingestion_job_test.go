package bedrock_test

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/toolstest"
	"github.com/cloudplugins/difyplugin/sandbox/aws"
	"github.com/cloudplugins/difyplugin/sandbox/aws/bedrockagent"
)

// ingesting are the parameters of a job, with some more of them in pairs.
func ingesting(pairs ...any) map[string]any {
	parameters := map[string]any{"knowledge_base_id": handbook, "data_source_id": files}
	for i := 0; i+1 < len(pairs); i += 2 {
		parameters[pairs[i].(string)] = pairs[i+1]
	}
	return parameters
}

// onlyJob is the only job that was started.
func (c *cloud) onlyJob(t *testing.T) bedrockagent.Job {
	t.Helper()
	all := c.bases.Jobs()
	if len(all) != 1 {
		t.Fatalf("%d jobs were started, want one", len(all))
	}
	return all[0]
}

const noStatistics = `{"numberOfDocumentsScanned": 0, "numberOfMetadataDocumentsScanned": 0, "numberOfNewDocumentsIndexed": 0, "numberOfModifiedDocumentsIndexed": 0,
	"numberOfMetadataDocumentsModified": 0, "numberOfDocumentsDeleted": 0, "numberOfDocumentsFailed": 0, "numberOfDocumentsSkipped": 0}`

// isoTime is a time as results write it; what AWS sends has microseconds at most.
func isoTime(at time.Time) string {
	at = at.UTC().Truncate(time.Microsecond)
	if at.Nanosecond() == 0 {
		return at.Format("2006-01-02T15:04:05+00:00")
	}
	return at.Format("2006-01-02T15:04:05.000000+00:00")
}

func TestAnIngestionJobIsStarted(t *testing.T) {
	c := newCloud(t)
	token := strings.Repeat("t", 33)
	result := c.Succeed(t, ingestTool, ingesting("knowledge_base_id", " "+handbookARN, "data_source_id", files+"\n", "client_token", token, "description", "nightly"))
	c.wantBodies(t, `StartIngestionJob /knowledgebases/KB12345678/datasources/DS12345678/ingestionjobs/ {"clientToken":"`+token+`","description":"nightly"}`)
	j := c.onlyJob(t)
	started := isoTime(j.Started)
	job := `{"knowledgeBaseId": "KB12345678", "dataSourceId": "DS12345678", "ingestionJobId": "` + j.ID + `", "description": "nightly", "status": "STARTING",
		"startedAt": "` + started + `", "updatedAt": "` + started + `", "statistics": ` + noStatistics + `, "failureReasons": []}`
	wantObject(t, `{"knowledge_base_id": "KB12345678", "data_source_id": "DS12345678", "ingestion_job": `+job+`}`, result)
	toolstest.WantJSON(t, "ingestion_job", job, result.Variables["ingestion_job"])
	if want := "Ingestion job " + j.ID + ": STARTING"; result.Text != want {
		t.Errorf("the text is %q, want %q", result.Text, want)
	}
	for name, want := range map[string]string{
		"ingestion_job_id": `"` + j.ID + `"`, "status": `"STARTING"`, "started_at": `"` + started + `"`, "updated_at": `"` + started + `"`,
		"failure_reasons": "[]", "statistics": noStatistics,
	} {
		toolstest.WantJSON(t, name, want, result.Variables[name])
	}
}

func TestOptionsOfAJobThatAreLeftOutAreNotSent(t *testing.T) {
	for name, blank := range map[string]any{"null": nil, "blank": ""} {
		t.Run(name, func(t *testing.T) {
			c := newCloud(t)
			c.Succeed(t, ingestTool, ingesting("client_token", blank, "description", blank, "data_deletion_policy", blank, "wait_for_completion", blank,
				"ingestion_job_id", blank, "aws_region", blank))
			var body map[string]string
			if err := json.Unmarshal(c.Calls()[0].Body, &body); err != nil {
				t.Fatal(err)
			}
			// The token that the SDK makes lets AWS recognize a request that is sent again.
			if len(body) != 1 || len(body["clientToken"]) != 36 {
				t.Errorf("the request is %v", body)
			}
		})
	}
}

func TestSection3_9Bug1_ADeletionPolicyIsRefusedWithTheReason(t *testing.T) {
	for _, policy := range []string{"RETAIN", "DELETE"} {
		c := newCloud(t)
		failed := c.Fail(t, ingestTool, ingesting("data_deletion_policy", policy))
		toolstest.WantFailure(t, failed, plugin.BadRequest, "data_deletion_policy must be left blank", "setting of the data source", "UpdateDataSource")
		c.WantNothingSent(t)
	}
}

func TestWrongParametersOfAJobAreRefused(t *testing.T) {
	wantRefusals(t, ingestTool, ingesting(), []refusal{
		{"no knowledge base", ingesting("knowledge_base_id", ""), []string{"knowledge_base_id is required"}},
		{"no data source", ingesting("data_source_id", nil), []string{"data_source_id is required"}},
		{"a blank data source", ingesting("data_source_id", "\t"), []string{"data_source_id is required"}},
		{"the name of a data source", ingesting("data_source_id", "files"), []string{`data_source_id is "files"`, "ten letters and digits"}},
		{"a path", ingesting("data_source_id", "../../../x"), []string{"data_source_id"}},
		{"another region", ingesting("knowledge_base_id", handbookARN, "aws_region", "eu-west-1"), []string{"us-east-1", "eu-west-1"}},
		{"section 3.9 bug 2: a short token", ingesting("client_token", strings.Repeat("t", 32)), []string{"client_token has 32 characters", "33 to 256"}},
		{"section 3.9 bug 2: a long token", ingesting("client_token", strings.Repeat("t", 257)), []string{"client_token has 257 characters"}},
		{"section 3.9 bug 2: an odd token", ingesting("client_token", strings.Repeat("t", 33)+"_"), []string{"letters, digits and hyphens"}},
		{"section 3.9 bug 2: a token with a hyphen at its end", ingesting("client_token", strings.Repeat("t", 33)+"-"), []string{"no hyphen at its ends"}},
		{"a long description", ingesting("description", strings.Repeat("é", 201)), []string{"description has 201 characters", "200"}},
		{"an odd job", ingesting("ingestion_job_id", "job"), []string{`ingestion_job_id is "job"`}},
		{"an unknown policy", ingesting("data_deletion_policy", "KEEP"), []string{"data_deletion_policy must be one of"}},
		{"half a pair of keys", ingesting("aws_access_key_id", "AKIA"), []string{"aws_secret_access_key"}},
		{
			"several at once",
			map[string]any{"knowledge_base_id": "x", "data_source_id": "y", "client_token": "z", "data_deletion_policy": "DELETE", "description": strings.Repeat("d", 201)},
			[]string{"knowledge_base_id", "data_source_id", "client_token", "data_deletion_policy", "description"},
		},
	})
}

func TestTheLongestTokenAndDescriptionAreTaken(t *testing.T) {
	c := newCloud(t)
	c.Succeed(t, ingestTool, ingesting("client_token", "t"+strings.Repeat("-", 254)+"t", "description", strings.Repeat("é", 200)))
}

func TestATokenStartsAJobOnce(t *testing.T) {
	c := newCloud(t)
	parameters := ingesting("client_token", strings.Repeat("t", 40))
	first, second := c.Succeed(t, ingestTool, parameters), c.Succeed(t, ingestTool, parameters)
	if a, b := first.Variables["ingestion_job_id"], second.Variables["ingestion_job_id"]; string(a) != string(b) {
		t.Errorf("%s and %s were started", a, b)
	}
	c.onlyJob(t)
}

func TestAStartWhoseAnswerIsLostStartsOneJob(t *testing.T) {
	c := newCloud(t)
	c.Inject(aws.Fault{Operation: "StartIngestionJob", Times: 1, Effects: []aws.Effect{aws.Drop()}})
	c.Succeed(t, ingestTool, ingesting())
	c.onlyJob(t)
	if n := len(c.Calls()); n != 2 {
		t.Errorf("%d requests were sent", n)
	}
}

func TestAJobThatRunsAlreadyCanBePickedUp(t *testing.T) {
	c := newCloud(t)
	c.Succeed(t, ingestTool, ingesting())
	id := c.onlyJob(t).ID
	toolstest.WantFailure(t, c.Fail(t, ingestTool, ingesting()), plugin.BadRequest, "could not start an ingestion job of the data source DS12345678", "ongoing ingestion job with id "+id, "ingestion_job_id")
	c.Forget()
	// What only a start could use is not looked at.
	result := c.Succeed(t, ingestTool, ingesting("ingestion_job_id", id, "client_token", "short"))
	c.wantBodies(t, "GetIngestionJob /knowledgebases/KB12345678/datasources/DS12345678/ingestionjobs/"+id)
	toolstest.WantJSON(t, "status", `"IN_PROGRESS"`, result.Variables["status"])
	c.bases.Finish(id, bedrockagent.Outcome{
		Statistics:     map[string]int{"numberOfDocumentsScanned": 7, "numberOfNewDocumentsIndexed": 3, "numberOfModifiedDocumentsIndexed": 2, "numberOfDocumentsDeleted": 1, "numberOfDocumentsFailed": 4},
		FailureReasons: []string{`["a.bin is no text","b.bin is too long"]`, "c.bin is odd"},
	})
	result = c.Succeed(t, ingestTool, ingesting("ingestion_job_id", id, "wait_for_completion", true))
	if want := "Ingestion job " + id + ": COMPLETE (7 scanned, 3 new, 2 changed, 1 deleted, 4 failed)"; result.Text != want {
		t.Errorf("the text is %q, want %q", result.Text, want)
	}
	toolstest.WantJSON(t, "failure_reasons", `["a.bin is no text", "b.bin is too long", "c.bin is odd"]`, result.Variables["failure_reasons"])
	toolstest.WantJSON(t, "statistics", `{"numberOfDocumentsScanned": 7, "numberOfMetadataDocumentsScanned": 0, "numberOfNewDocumentsIndexed": 3, "numberOfModifiedDocumentsIndexed": 2,
		"numberOfMetadataDocumentsModified": 0, "numberOfDocumentsDeleted": 1, "numberOfDocumentsFailed": 4, "numberOfDocumentsSkipped": 0}`, result.Variables["statistics"])
	c.onlyJob(t)
}

func TestAJobThatDoesNotSucceedFailsTheTool(t *testing.T) {
	for _, tt := range []struct {
		outcome bedrockagent.Outcome
		words   []string
	}{
		{bedrockagent.Outcome{Status: "FAILED", FailureReasons: []string{"the vector store is away"}}, []string{"has failed: the vector store is away. Look at"}},
		{bedrockagent.Outcome{Status: "FAILED", FailureReasons: []string{strings.Repeat("x", 3000)}}, []string{"has failed: xxx", "xxx…"}},
		{bedrockagent.Outcome{Status: "STOPPED"}, []string{"was stopped: it gave no reason"}},
	} {
		for _, wait := range []bool{false, true} {
			c := newCloud(t)
			c.Succeed(t, ingestTool, ingesting())
			id := c.onlyJob(t).ID
			c.bases.Finish(id, tt.outcome)
			failed := c.Fail(t, ingestTool, ingesting("ingestion_job_id", id, "wait_for_completion", wait))
			toolstest.WantFailure(t, failed, plugin.Unavailable, append(tt.words, "the ingestion job "+id+" of the data source DS12345678 of the knowledge base KB12345678")...)
			if len(failed.Message) > 2300 {
				t.Errorf("the error has %d bytes", len(failed.Message))
			}
		}
	}
}

func TestErrorsOfJobsSayWhatToDo(t *testing.T) {
	for _, tt := range []struct {
		name  string
		fault aws.Effect
		kind  plugin.Kind
		words []string
		sure  bool // that nothing was started
	}{
		{"denied", aws.Deny(), plugin.Authorization, []string{"bedrock:StartIngestionJob", "knowledge-base/KB12345678"}, true},
		{"expired", aws.Expire(), plugin.Authorization, []string{"expired"}, true},
		{"throttled", aws.Throttle(), plugin.RateLimit, []string{"fewer requests"}, true},
		{"a quota", aws.Fail(402, "ServiceQuotaExceededException", "no"), plugin.RateLimit, []string{"quota"}, true},
		{"nothing there", aws.Fail(404, "ResourceNotFoundException", "no"), plugin.BadRequest, []string{"us-east-1", "check the IDs"}, true},
		{"a parameter", aws.Fail(400, "ValidationException", "odd"), plugin.BadRequest, []string{"AWS said: odd"}, true},
		{"an error of its own", aws.Break(), plugin.Unavailable, []string{"failure of its own", "may have been started all the same"}, false},
		{"lost", aws.Drop(), plugin.Connection, []string{"may have been started all the same", "Bedrock console"}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCloud(t)
			c.Inject(aws.Fault{Operation: "StartIngestionJob", Effects: []aws.Effect{tt.fault}})
			failed := c.Fail(t, ingestTool, ingesting())
			toolstest.WantFailure(t, failed, tt.kind, append(tt.words, "could not start an ingestion job of the data source DS12345678 of the knowledge base KB12345678")...)
			if tt.sure && strings.Contains(failed.Message, "may have been started") {
				t.Errorf("nothing was started, and the error is not sure of it: %s", failed.Message)
			}
		})
	}
	c := newCloud(t)
	toolstest.WantFailure(t, c.Fail(t, ingestTool, ingesting("ingestion_job_id", "JB12345678")), plugin.BadRequest, "could not look up the ingestion job JB12345678", "does not exist")
	toolstest.WantFailure(t, c.Fail(t, ingestTool, ingesting("data_source_id", "DS99999999")), plugin.BadRequest, "does not exist")
}

func TestTimesAreThoseOfAWS(t *testing.T) {
	c := newCloud(t)
	result := c.Succeed(t, ingestTool, ingesting())
	pattern := regexp.MustCompile(`^"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?\+00:00"$`)
	for _, name := range []string{"started_at", "updated_at"} {
		if text := string(result.Variables[name]); !pattern.MatchString(text) {
			t.Errorf("%s is %s", name, text)
		}
	}
	if diff := cmp.Diff(isoTime(c.onlyJob(t).Started), strings.Trim(string(result.Variables["started_at"]), `"`)); diff != "" {
		t.Error(diff)
	}
}

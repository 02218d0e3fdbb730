package bedrock_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloudplugins/difyplugin/host"
	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/bedrock"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/toolstest"
	"github.com/cloudplugins/difyplugin/sandbox/aws"
	"github.com/cloudplugins/difyplugin/sandbox/aws/bedrockagent"
)

// bubble is Bedrock and the tool without a network, in which hours pass in no time.
type bubble struct {
	*toolstest.AWS
	*toolstest.Tools
	bases *bedrockagent.Service
	began time.Time
}

// inBubble runs a test with the tool, usually bedrock.StartIngestionJob itself.
func inBubble(t *testing.T, run func(context.Context, *plugin.Call, bedrock.StartIngestionJobInput) error, test func(*testing.T, *bubble)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := &bubble{AWS: toolstest.StartInBubble(t), bases: bedrockagent.New(), began: time.Now()}
		b.Register("bedrock-agent", b.bases)
		b.Tools = b.Run(t, plugin.Tool(ingestTool, run))
		test(t, b)
	})
}

// add makes the jobs of the data source take so long, and be known after so many looks.
func (b *bubble) add(takes time.Duration, lag int) {
	base := handbookBase()
	base.DataSources[0].Takes, base.DataSources[0].Lag = takes, lag
	base.DataSources[0].Ends.Statistics = map[string]int{"numberOfDocumentsScanned": 7}
	b.bases.Add(base)
}

// wait runs a job and waits for it; fail expects that this comes to nothing.
func (b *bubble) wait(t *testing.T, pairs ...any) host.Result {
	t.Helper()
	return b.Succeed(t, ingestTool, ingesting(append(pairs, "wait_for_completion", true)...))
}

func (b *bubble) fail(t *testing.T, pairs ...any) *host.PluginError {
	t.Helper()
	return b.Fail(t, ingestTool, ingesting(append(pairs, "wait_for_completion", true)...))
}

func TestJobsAreLookedUpLessAndLessOften(t *testing.T) {
	inBubble(t, bedrock.StartIngestionJob, func(t *testing.T, b *bubble) {
		b.add(5*time.Minute, 0)
		result := b.wait(t)
		if !strings.HasSuffix(result.Text, ": COMPLETE (7 scanned, 0 new, 0 changed, 0 deleted, 0 failed)") {
			t.Errorf("the text is %s", result.Text)
		}
		if took := time.Since(b.began); took < 5*time.Minute || took > 5*time.Minute+18*time.Second {
			t.Errorf("the result was there after %v", took)
		}
		least := 2 * time.Second
		pauses := b.Pauses("GetIngestionJob")
		for i, pause := range pauses {
			if pause < least || pause > 18*time.Second {
				t.Errorf("the pause before look %d is %v", i+2, pause)
			}
			least = min(least*3/2, 15*time.Second)
		}
		if len(pauses) < 10 || len(pauses) > 29 {
			t.Errorf("the job was looked up %d times", len(pauses)+1)
		}
	})
}

func TestAJobThatOutlastsTheCallIsNamedAndPickedUp(t *testing.T) {
	inBubble(t, bedrock.StartIngestionJob, func(t *testing.T, b *bubble) {
		b.add(15*time.Minute, 0)
		failed := b.fail(t)
		id := b.bases.Jobs()[0].ID
		toolstest.WantFailure(t, failed, plugin.Unavailable, "the ingestion job "+id+" of the data source DS12345678 has not ended within the time",
			"ingestion_job_id "+id, "wait_for_completion")
		if took := time.Since(b.began); took != 585*time.Second {
			t.Errorf("the call took %v, and ought to end 15 seconds before the host gives up", took)
		}
		b.wait(t, "ingestion_job_id", id)
		if took := time.Since(b.began); took < 15*time.Minute || took > 16*time.Minute {
			t.Errorf("the job had ended after %v", took)
		}
		if started := len(b.bases.Jobs()); started != 1 {
			t.Errorf("%d jobs were started", started)
		}
	})
}

func TestAJobThatAWSDoesNotShowYetIsWaitedFor(t *testing.T) {
	inBubble(t, bedrock.StartIngestionJob, func(t *testing.T, b *bubble) {
		b.add(0, 3)
		b.wait(t)
		b.add(0, 1000)
		before := time.Now()
		toolstest.WantFailure(t, b.fail(t), plugin.BadRequest, "does not exist", "ingestion_job_id "+b.bases.Jobs()[1].ID)
		if took := time.Since(before); took < 30*time.Second || took > time.Minute {
			t.Errorf("the job was waited for for %v", took)
		}
		before = time.Now()
		toolstest.WantFailure(t, b.fail(t, "ingestion_job_id", "JB12345678"), plugin.BadRequest, "does not exist")
		if took := time.Since(before); took != 0 {
			t.Errorf("a job that is not there was waited for for %v", took)
		}
	})
}

func TestAWaitOutlivesWhatPasses(t *testing.T) {
	inBubble(t, bedrock.StartIngestionJob, func(t *testing.T, b *bubble) {
		b.add(time.Minute, 0)
		b.Inject(aws.Fault{Operation: "GetIngestionJob", Times: 2, Effects: []aws.Effect{aws.Break()}})
		b.wait(t)
	})
}

func TestAWaitThatCannotLookSaysHowToPickTheJobUp(t *testing.T) {
	inBubble(t, bedrock.StartIngestionJob, func(t *testing.T, b *bubble) {
		b.add(time.Minute, 0)
		b.Inject(aws.Fault{Operation: "GetIngestionJob", Effects: []aws.Effect{aws.Deny()}})
		toolstest.WantFailure(t, b.fail(t), plugin.Authorization, "bedrock:GetIngestionJob", "is not affected", "ingestion_job_id "+b.bases.Jobs()[0].ID)
	})
}

func TestAWaitEndsWithItsContext(t *testing.T) {
	impatient := func(ctx context.Context, call *plugin.Call, in bedrock.StartIngestionJobInput) error {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		time.AfterFunc(42*time.Second, cancel)
		return bedrock.StartIngestionJob(ctx, call, in)
	}
	inBubble(t, impatient, func(t *testing.T, b *bubble) {
		b.add(-1, 0)
		toolstest.WantFailure(t, b.fail(t), plugin.Unavailable, "ingestion_job_id "+b.bases.Jobs()[0].ID)
		if took := time.Since(b.began); took != 42*time.Second {
			t.Errorf("the call ended after %v", took)
		}
	})
}

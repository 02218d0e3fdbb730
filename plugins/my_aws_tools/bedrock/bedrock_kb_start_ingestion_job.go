package bedrock

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/bedrockagent"
	"github.com/aws/aws-sdk-go-v2/service/bedrockagent/types"
	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/account"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/param"
)

// The limits of ingestion jobs: StartIngestionJob in the API reference of Agents for Amazon Bedrock.
const (
	minClientToken = 33
	maxClientToken = 256
	maxDescription = 200 // characters
)

// StartIngestionJobInput is the input of bedrock_kb_start_ingestion_job.
type StartIngestionJobInput struct {
	account.Input
	KnowledgeBase  string `param:"knowledge_base_id"`
	DataSource     string `param:"data_source_id"`
	ClientToken    string `param:"client_token"`
	DeletionPolicy string `param:"data_deletion_policy"`
	Description    string `param:"description"`
	Wait           bool   `param:"wait_for_completion"`
	Job            string `param:"ingestion_job_id"`
}

// StartIngestionJob is the tool bedrock_kb_start_ingestion_job. It starts to bring a data source of a knowledge base up
// to date, or looks at a job that was started before: then nothing is started, and what only a start could use is not
// looked at. If wanted, it waits until the job has ended.
//
// It sends the job as JSON, under the names of the API, and then a sentence about it. A job that has failed or was
// stopped is a failure of the tool; a job that could not read some documents is not, and its statistics count them.
//
// data_deletion_policy is declared because it is in workflows that exist. It is refused: a policy belongs to the data
// source, and StartIngestionJob takes none.
func StartIngestionJob(ctx context.Context, call *plugin.Call, in StartIngestionJobInput) error {
	wanted, err := in.read()
	if err != nil {
		return err
	}
	acct, err := in.Open(ctx, call)
	if err != nil {
		return err
	}
	found, err := wanted.perform(ctx, call, acct)
	if err != nil {
		return err
	}
	if err := found.failure(); err != nil {
		return err
	}
	return found.send(call)
}

// ingestion is what is asked for, checked.
type ingestion struct {
	base               knowledgeBase
	source             string
	token, description string
	wait               bool
	// pickUp is a job that was started before, or "".
	pickUp string
}

// read checks the parameters.
func (in StartIngestionJobInput) read() (ingestion, error) {
	wanted := ingestion{token: in.ClientToken, description: in.Description, wait: in.Wait}
	var wrong param.Problems
	var err error
	wanted.base, err = readKnowledgeBase(in.KnowledgeBase, in.Region)
	wrong.Add("knowledge_base_id", err)
	wanted.source, err = parseID(in.DataSource, "data source")
	wrong.Add("data_source_id", err)
	if in.Job != "" {
		wanted.pickUp, err = parseID(in.Job, "ingestion job")
		wrong.Add("ingestion_job_id", err)
	} else {
		wrong.Add("client_token", checkClientToken(in.ClientToken))
		wrong.Add("description", checkDescription(in.Description))
	}
	wrong.Add("data_deletion_policy", refusePolicy(in.DeletionPolicy))
	return wanted, wrong.Err("bedrock_kb_start_ingestion_job")
}

func refusePolicy(policy string) error {
	if policy == "" {
		return nil
	}
	return errors.New("must be left blank: whether deleted documents leave the vector store is a setting of the data source, and StartIngestionJob takes " +
		"none. Change it in the settings of the data source in the Bedrock console, or with UpdateDataSource")
}

var clientTokenPattern = regexp.MustCompile(`^[a-zA-Z0-9](-*[a-zA-Z0-9])*$`)

func checkClientToken(token string) error {
	switch {
	case token == "":
		return nil
	case len(token) < minClientToken || len(token) > maxClientToken:
		return fmt.Errorf("has %d characters, and a token has from %d to %d, such as a UUID: leave it blank to get a new one", len(token), minClientToken, maxClientToken)
	case !clientTokenPattern.MatchString(token):
		return fmt.Errorf("is %q, and a token has letters, digits and hyphens, with no hyphen at its ends", param.Clip(token))
	}
	return nil
}

func checkDescription(text string) error {
	if n := utf8.RuneCountInString(text); n > maxDescription {
		return fmt.Errorf("has %d characters, and a description has at most %d", n, maxDescription)
	}
	return nil
}

// perform starts or picks up, and waits if that is wanted.
func (i ingestion) perform(ctx context.Context, call *plugin.Call, acct *account.Account) (job, error) {
	at := i.base.in(acct)
	c := ingestionClient{client: newAgentClient(acct, at), ingestion: i, at: at}
	if i.pickUp != "" {
		if i.wait {
			return c.await(ctx, call, i.pickUp, false)
		}
		found, err := c.get(ctx, i.pickUp)
		return found, c.getError(err, i.pickUp)
	}
	started, err := c.start(ctx)
	if err != nil || !i.wait || started.hasEnded() {
		return started, err
	}
	return c.await(ctx, call, started.id(), true)
}

// ingestionClient starts and looks up the jobs of one data source.
type ingestionClient struct {
	client *bedrockagent.Client
	ingestion
	at place
}

// start starts a job. The SDK makes a client token where the user has given none, so that a request that it repeats
// starts no second job.
func (c ingestionClient) start(ctx context.Context) (job, error) {
	out, err := c.client.StartIngestionJob(ctx, &bedrockagent.StartIngestionJobInput{
		KnowledgeBaseId: aws.String(c.base.id), DataSourceId: aws.String(c.source), ClientToken: optional(c.token), Description: optional(c.description),
	})
	if err == nil && (out.IngestionJob == nil || out.IngestionJob.IngestionJobId == nil) {
		err = errors.New("the answer names no ingestion job")
	}
	if err != nil {
		return job{}, c.startError(err)
	}
	return job{out.IngestionJob}, nil
}

// startError adds what to do where a job runs already, or where it is not certain that none was started.
func (c ingestionClient) startError(err error) error {
	explained := c.request("start an ingestion job of the data source "+c.source+" of the knowledge base "+c.base.id, "bedrock:StartIngestionJob").explain(err)
	code, kind := account.Code(err), plugin.KindOf(explained)
	switch {
	case code == "ConflictException":
		return plugin.Errorf(kind, "%w. To wait for a job that runs, enter its ID as ingestion_job_id", explained)
	case code == "" && kind != plugin.Authorization || kind == plugin.Unavailable:
		return plugin.Errorf(kind, "%w. The job may have been started all the same: look at the data source in the Bedrock console before you run this again", explained)
	}
	return explained
}

// get looks a job up.
func (c ingestionClient) get(ctx context.Context, id string) (job, error) {
	out, err := c.client.GetIngestionJob(ctx, &bedrockagent.GetIngestionJobInput{
		KnowledgeBaseId: aws.String(c.base.id), DataSourceId: aws.String(c.source), IngestionJobId: aws.String(id),
	})
	switch {
	case err != nil:
		return job{}, err
	case out.IngestionJob == nil:
		return job{}, errors.New("the answer holds no ingestion job")
	}
	return job{out.IngestionJob}, nil
}

func (c ingestionClient) getError(err error, id string) error {
	return c.request("look up the ingestion job "+id+" of the data source "+c.source+" of the knowledge base "+c.base.id, "bedrock:GetIngestionJob").explain(err)
}

func (c ingestionClient) request(doing, action string) request {
	return request{doing, action, c.base.resource(c.at), c.at}
}

// hasEnded reports whether a job's status is final.
func (j job) hasEnded() bool {
	switch j.Status {
	case types.IngestionJobStatusComplete, types.IngestionJobStatusFailed, types.IngestionJobStatusStopped:
		return true
	}
	return false
}

// maxReasons bounds in characters what an error repeats of the reasons of a job, which may be very many.
const maxReasons = 2000

// failure is the error of a job that has ended without success.
func (j job) failure() error {
	var how string
	switch j.Status {
	case types.IngestionJobStatusFailed:
		how = "has failed"
	case types.IngestionJobStatusStopped:
		how = "was stopped"
	default:
		return nil
	}
	why := strings.Join(j.reasons(), "; ")
	if runes := []rune(why); len(runes) > maxReasons {
		why = string(runes[:maxReasons]) + "…"
	}
	if why == "" {
		why = "it gave no reason"
	}
	return plugin.Errorf(plugin.Unavailable, "the ingestion job %s of the data source %s of the knowledge base %s %s: %s. Look at the data source in the Bedrock console",
		j.id(), aws.ToString(j.DataSourceId), aws.ToString(j.KnowledgeBaseId), how, why)
}

package transcribe

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/transcribe"
	"github.com/aws/aws-sdk-go-v2/service/transcribe/types"
	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/account"
)

const (
	// ownJobs begin the names of jobs that this tool has started.
	ownJobs = "dify-"
	// ownMedia is the folder for media that this tool has uploaded.
	ownMedia = "transcribe-files/"
	// maxJobName is how many characters a name has at most.
	maxJobName = 200
	// lastLook is how long it may take to find out whether a job runs whose start was not confirmed.
	lastLook = 3 * time.Second
)

var jobName = regexp.MustCompile(`^[0-9A-Za-z._-]+$`)

func checkJobName(name string) error {
	if jobName.MatchString(name) && len(name) <= maxJobName {
		return nil
	}
	return fmt.Errorf("cannot be the name of a job, which has up to %d letters, digits, dots, hyphens and underscores: enter the transcription_job_name "+
		"that this tool has returned", maxJobName)
}

// mediaKey is where the media of a job of this tool's are in their bucket.
func mediaKey(job string, f format) string { return ownMedia + job + "." + string(f) }

// isMediaOf reports whether this tool has uploaded an object for a job.
func isMediaOf(job, key string) bool {
	extension, ours := strings.CutPrefix(key, ownMedia+job+".")
	return strings.HasPrefix(job, ownJobs) && ours && formatOfExtension(extension) != ""
}

// client is Transcribe in the region of a call.
type client struct {
	api     *transcribe.Client
	account *account.Account
}

func newClient(acct *account.Account) client {
	return client{api: transcribe.NewFromConfig(acct.Config(account.Transcribe)), account: acct}
}

// start starts the job of a request. Its name is nobody else's, so a request that was answered with "there is such a job"
// is one whose first answer was lost.
func (c client) start(ctx context.Context, r request, uri string) error {
	in := &transcribe.StartTranscriptionJobInput{
		TranscriptionJobName: aws.String(r.job), Media: &types.Media{MediaFileUri: aws.String(uri)},
		LanguageCode: r.language, LanguageOptions: r.options,
	}
	switch {
	case r.multiple:
		in.IdentifyMultipleLanguages = aws.Bool(true)
	case r.identify:
		in.IdentifyLanguage = aws.Bool(true)
	}
	if r.speakers > 0 {
		in.Settings = &types.Settings{ShowSpeakerLabels: aws.Bool(true), MaxSpeakerLabels: aws.Int32(r.speakers)}
	}
	_, err := c.api.StartTranscriptionJob(ctx, in)
	if err == nil || account.Code(err) == "ConflictException" {
		return nil
	}
	failed := c.explain(err, "start the transcription of "+uri, "transcribe:StartTranscriptionJob")
	isRefused := account.Code(err) != "" && plugin.KindOf(failed) != plugin.Unavailable
	if !isRefused && c.runs(ctx, r.job) {
		return nil
	}
	return failed
}

// runs finds out whether there is a job whose start was not confirmed, also when the call is over.
func (c client) runs(ctx context.Context, job string) bool {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastLook)
	defer cancel()
	_, err := c.look(ctx, job)
	return err == nil
}

// look returns a job as it is now.
func (c client) look(ctx context.Context, name string) (*types.TranscriptionJob, error) {
	out, err := c.api.GetTranscriptionJob(ctx, &transcribe.GetTranscriptionJobInput{TranscriptionJobName: aws.String(name)})
	if err == nil && out.TranscriptionJob == nil {
		err = errors.New("the answer describes no job")
	}
	if err != nil {
		return nil, c.explain(err, "look up the transcription job "+name, "transcribe:GetTranscriptionJob")
	}
	return out.TranscriptionJob, nil
}

// remove deletes a job and the transcript that AWS keeps of it. One that is not there is removed already.
func (c client) remove(ctx context.Context, name string) error {
	_, err := c.api.DeleteTranscriptionJob(ctx, &transcribe.DeleteTranscriptionJobInput{TranscriptionJobName: aws.String(name)})
	if isUnknown(err) {
		return nil
	}
	return c.explain(err, "delete the transcription job "+name, "transcribe:DeleteTranscriptionJob")
}

// isUnknown reports whether there is no such job. Transcribe also says that in the words of a bad request.
func isUnknown(err error) bool {
	code := account.Code(err)
	return code == "NotFoundException" || code == "BadRequestException" && strings.Contains(err.Error(), "couldn't be found")
}

// explain says what became of a request.
func (c client) explain(err error, doing, action string) error {
	said := faults()
	if isUnknown(err) {
		said["BadRequestException"] = said["NotFoundException"]
	}
	return account.Error(err, account.Operation{
		Doing: doing, Service: "Transcribe", Action: action, Region: c.account.Region(), Faults: said,
		Resource: fmt.Sprintf("arn:%s:transcribe:%s:*:transcription-job/*", c.account.Partition(), c.account.Region()),
	})
}

// faults are the errors of the three operations, after the API reference of Transcribe.
func faults() map[string]account.Fault {
	return map[string]account.Fault{
		"BadRequestException": {
			Kind: plugin.BadRequest, Text: "Transcribe refused the request. The media have to be in a bucket in the region {region}, and these credentials need the permission " +
				"s3:GetObject on them; the language must be one that {region} offers{said}",
		},
		"NotFoundException": {
			Kind: plugin.BadRequest, Text: "there is no such job in the region {region}: check transcription_job_name and aws_region. A job whose text was returned is deleted, " +
				"unless keep_job was on, and AWS forgets jobs after 90 days{said}",
		},
		"LimitExceededException": {
			Kind: plugin.RateLimit, Text: "as many jobs already run as the quota of the account allows, or the media are too long: try again when some have ended, or raise the quota{said}",
		},
		"InternalFailureException": {Kind: plugin.Unavailable, Text: "Transcribe has a failure of its own: try again in a minute{said}"},
	}
}

package transcribe

import (
	"context"
	"crypto/rand"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/transcribe/types"
	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/account"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/param"
)

const tool = "transcribe_asr"

// TranscribeInput is the input of transcribe_asr.
type TranscribeInput struct {
	account.Input
	// FileURL is where the media are: http, https, s3, or a path of Dify's own.
	FileURL string `param:"file_url"`
	// File replaces FileURL where it is given.
	File              *plugin.InputFile `param:"media_file"`
	LanguageCode      string            `param:"language_code"`
	IdentifyLanguage  bool              `param:"identify_language"`
	IdentifyMultiple  bool              `param:"identify_multiple_languages"`
	LanguageOptions   string            `param:"language_options"`
	Bucket            string            `param:"s3_bucket_name"`
	ShowSpeakerLabels bool              `param:"ShowSpeakerLabels"`
	MaxSpeakerLabels  int               `param:"MaxSpeakerLabels"`
	// JobName is a job that was started before.
	JobName string `param:"transcription_job_name"`
	KeepJob bool   `param:"keep_job"`
}

// Transcribe transcribes media, or picks up a job that was started before: then nothing is started, and what only a start
// could use is not looked at.
//
// It sends one text: a line for each turn, such as "[spk_0]: Hello, world.", or without speakers the transcript as
// Transcribe has written it. A word of which Transcribe does not say who spoke it is a turn of "unknown". Silence is an
// empty text. A job that has failed is a failure of the tool, with the reason that Transcribe gives.
//
// identify_language is on unless it is switched off, so it cannot say more than "where I say nothing else": a
// language_code is a language that the user knows and is sent alone, and identify_multiple_languages takes its place. A
// language_code together with identify_multiple_languages or language_options is a contradiction, which is refused.
//
// s3_bucket_name is needed only where something has to be uploaded.
func Transcribe(ctx context.Context, call *plugin.Call, in TranscribeInput) error {
	r, err := in.read()
	if err != nil {
		return err
	}
	acct, err := in.Open(ctx, call)
	if err != nil {
		return err
	}
	w := &work{request: r, call: call, account: acct, client: newClient(acct)}
	if err := w.begin(ctx); err != nil {
		return err
	}
	if err := w.await(ctx); err != nil {
		return err
	}
	return w.deliver(ctx)
}

// request is what is asked for, checked.
type request struct {
	job    string // the name
	pickUp bool   // whether the job was started before
	keep   bool

	source source
	bucket string // for the media

	language           types.LanguageCode // "" where it is to be identified
	identify, multiple bool
	options            []types.LanguageCode
	speakers           int32 // at most; 0 where they are not told apart
}

// read checks the parameters.
func (in TranscribeInput) read() (request, error) {
	r := request{job: strings.TrimSpace(in.JobName), keep: in.KeepJob}
	var wrong param.Problems
	if r.pickUp = r.job != ""; r.pickUp {
		wrong.Add("transcription_job_name", checkJobName(r.job))
		return r, wrong.Err(tool)
	}
	r.job = ownJobs + rand.Text()
	r.readMedia(in, &wrong)
	r.readLanguage(in, &wrong)
	r.readSpeakers(in, &wrong)
	return r, wrong.Err(tool)
}

func (r *request) readMedia(in TranscribeInput, wrong *param.Problems) {
	var err error
	r.source, err = readSource(in.FileURL, in.File)
	wrong.Add("file_url", err)
	if r.source.s3 != "" {
		return
	}
	r.bucket, err = readBucket(in.Bucket)
	wrong.Add("s3_bucket_name", err)
}

// The numbers of speakers that Transcribe can tell apart, after Settings in its API reference.
const minSpeakers, maxSpeakers = 2, 30

func (r *request) readSpeakers(in TranscribeInput, wrong *param.Problems) {
	if !in.ShowSpeakerLabels {
		return
	}
	if in.MaxSpeakerLabels < minSpeakers || in.MaxSpeakerLabels > maxSpeakers {
		wrong.Addf("MaxSpeakerLabels", "is %d, and Transcribe tells %d to %d speakers apart: choose a number between, or switch ShowSpeakerLabels off",
			in.MaxSpeakerLabels, minSpeakers, maxSpeakers)
		return
	}
	r.speakers = int32(in.MaxSpeakerLabels)
}

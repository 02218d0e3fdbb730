package transcribe

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/transcribe/types"
	smithytime "github.com/aws/smithy-go/time"
	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/account"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/result"
)

// maxTranscript is the largest transcript in bytes that is read. Transcribe describes every word in about 500 bytes: four
// hours of speech, the most that it takes, stay below that.
const maxTranscript = 32 << 20

// transcript downloads the transcript of a job. It lies in a bucket of AWS's, and the link to it holds all that is needed
// to read it.
func (c client) transcript(ctx context.Context, job *types.TranscriptionJob) (document, error) {
	name := aws.ToString(job.TranscriptionJobName)
	var link string
	if job.Transcript != nil {
		link = cmp.Or(aws.ToString(job.Transcript.TranscriptFileUri), aws.ToString(job.Transcript.RedactedTranscriptFileUri))
	}
	at, err := c.checkLink(link)
	if err != nil {
		return document{}, plugin.Errorf(plugin.Unavailable, "the transcript of the job %s was not read: %w", name, err)
	}
	retryer := c.account.Config(account.S3).Retryer()
	for attempt := 1; ; attempt++ {
		d, again, err := c.download(ctx, name, at)
		if err == nil || !again || attempt == account.Attempts {
			return d, err
		}
		pause, delayErr := retryer.RetryDelay(attempt, err)
		if delayErr != nil {
			return d, err
		}
		if slept := smithytime.SleepWithContext(ctx, pause); slept != nil {
			return d, err
		}
	}
}

// checkLink lets nobody else answer in the place of S3: a host of AWS's in the partition of the region, or the one that the
// user has entered for S3 or Transcribe.
func (c client) checkLink(link string) (*url.URL, error) {
	at, err := url.Parse(link)
	if err != nil || at.Host == "" {
		return nil, fmt.Errorf("AWS did not say where it is")
	}
	host := strings.ToLower(at.Hostname())
	if at.Scheme == "https" && at.User == nil && (isS3Host(host, c.account.DNSSuffix()) && at.Port() == "" || c.isOwnEndpoint(at.Host)) {
		return at, nil
	}
	return nil, fmt.Errorf("AWS says that it is at %s://%s, which is not a host of S3 for the region %s", at.Scheme, host, c.account.Region())
}

// isS3Host reports whether a host is one of S3's: s3.REGION.SUFFIX, BUCKET.s3.REGION.SUFFIX and their older forms.
func isS3Host(host, suffix string) bool {
	name, ours := strings.CutSuffix(host, "."+suffix)
	if !ours {
		return false
	}
	labels := strings.Split(name, ".")
	last := labels[len(labels)-1]
	if last == "s3" || strings.HasPrefix(last, "s3-") { // without a region, or with one behind a hyphen
		return true
	}
	labels = slices.DeleteFunc(labels[:len(labels)-1], func(label string) bool { return label == "dualstack" })
	return account.ValidRegion(last) && len(labels) > 0 && (labels[len(labels)-1] == "s3" || labels[len(labels)-1] == "s3-fips")
}

func (c client) isOwnEndpoint(host string) bool {
	for _, service := range []string{account.S3, account.Transcribe} {
		if at, err := url.Parse(c.account.Endpoint(service)); err == nil && at.Host != "" && strings.EqualFold(at.Host, host) {
			return true
		}
	}
	return false
}

// download reads the transcript once, and says whether it may help to try again.
func (c client) download(ctx context.Context, job string, at *url.URL) (d document, again bool, err error) {
	failed := func(kind plugin.Kind, format string, args ...any) error {
		return plugin.Errorf(kind, "could not read the transcript of the job %s: %w", job, fmt.Errorf(format, args...))
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		return d, false, failed(plugin.Unavailable, "AWS gave an address for it that is none")
	}
	answer, err := c.account.Transport().RoundTrip(request)
	if err != nil {
		return d, !isOver(err), c.brokenOff(err, job, at.Host)
	}
	defer answer.Body.Close()
	switch status := answer.StatusCode; {
	case status >= http.StatusInternalServerError:
		return d, true, failed(plugin.Unavailable, "S3 has a failure of its own (HTTP status %d)", status)
	case status == http.StatusForbidden:
		return d, false, failed(plugin.Authorization, "S3 does not let it be read (HTTP status 403): its link has expired, or the job was told to write it into a bucket "+
			"of the account, where s3_operator can read it")
	case status != http.StatusOK:
		return d, false, failed(plugin.Unavailable, "S3 did not send it (HTTP status %d)", status)
	}
	content, err := io.ReadAll(io.LimitReader(answer.Body, maxTranscript+1))
	if err != nil {
		return d, !isOver(err), c.brokenOff(err, job, at.Host)
	}
	if len(content) > maxTranscript {
		return d, false, failed(plugin.BadRequest, "it has more than 32 MiB, the most that is read: transcribe the media in pieces")
	}
	if d, err = parse(content); err != nil {
		return d, false, failed(plugin.Unavailable, "it is not written as transcripts are: %w", err)
	}
	return d, false, nil
}

// brokenOff is the error of a connection to a host of S3.
func (c client) brokenOff(err error, job, host string) error {
	err = &url.Error{Op: "Get", URL: "https://" + host, Err: err}
	return account.Error(err, account.Operation{Doing: "read the transcript of the job " + job, Service: "S3", Region: c.account.Region()})
}

// outputs are the variables of a success.
func (w *work) outputs(d document) result.Outputs {
	outputs := result.Outputs{
		"transcript": d.text(), "transcription_job_name": w.job, "language_code": result.OrNull(string(w.state.LanguageCode)),
		"language_score": w.state.IdentifiedLanguageScore, "languages": languages(w.state.LanguageCodes),
		"speakers": nil, "segments": nil, "speech_end_seconds": numberOrNull(d.end()), "not_removed": append([]string{}, w.remains...),
	}
	if d.hasSpeakers() {
		turns := append([]turn{}, d.turns()...)
		outputs["segments"], outputs["speakers"] = turns, speakersOf(turns)
	}
	return outputs
}

// numberOrNull is a number, or null where there is none.
func numberOrNull(number json.Number) any {
	if number == "" {
		return nil
	}
	return number
}

// language is how long a language is spoken.
type language struct {
	Code    string   `json:"language_code"`
	Seconds *float32 `json:"duration_seconds"`
}

// languages are those of a job that was to identify several; null for other jobs.
func languages(codes []types.LanguageCodeItem) any {
	if codes == nil {
		return nil
	}
	list := []language{}
	for _, code := range codes {
		list = append(list, language{string(code.LanguageCode), code.DurationInSeconds})
	}
	return list
}

// speakersOf are the speakers in the order in which they begin.
func speakersOf(turns []turn) []string {
	speakers := []string{}
	for _, t := range turns {
		if !slices.Contains(speakers, t.Speaker) {
			speakers = append(speakers, t.Speaker)
		}
	}
	return speakers
}

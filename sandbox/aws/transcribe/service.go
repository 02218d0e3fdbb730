package transcribe

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cloudplugins/difyplugin/sandbox/aws"
	"github.com/cloudplugins/difyplugin/sandbox/aws/s3"
)

// The account of the service itself, which owns the buckets with transcripts.
const (
	serviceAccount = "000000000000"
	serviceKey     = "AKIATRANSCRIBESTANDIN"
	serviceSecret  = "a secret of the stand-in's own, good for nothing else"
)

// Service implements [aws.Service]. Its methods may be called from any goroutine.
type Service struct {
	cloud *aws.Cloud
	store *s3.Store

	mu     sync.Mutex
	jobs   map[string]*Job // by account, region and name
	order  []*Job
	speech Speech
	quota  int
}

// Job is a transcription job that was started.
type Job struct {
	Name, Status, MediaFileURI string
	// Deleted says that it was deleted.
	Deleted bool

	account, region string
	request         startRequest
	speakers        bool
	speech          Speech
	started, ends   time.Time // ends is zero for never
	transcript      string    // the key
}

// New makes a service without jobs that reads media from a store and puts transcripts there. In the cloud it gets an
// account of its own.
func New(cloud *aws.Cloud, store *s3.Store) (*Service, error) {
	err := cloud.AddAccount(aws.Account{ID: serviceAccount, Keys: []aws.Key{{AccessKeyID: serviceKey, SecretAccessKey: serviceSecret}}})
	if err != nil {
		return nil, fmt.Errorf("sandbox/aws/transcribe: %w", err)
	}
	return &Service{cloud: cloud, store: store, jobs: map[string]*Job{}}, nil
}

// Hear sets what is heard in the media of all jobs that are started from now on.
func (s *Service) Hear(speech Speech) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.speech = speech
}

// Allow sets how many jobs may run at a time; 0 is any number.
func (s *Service) Allow(jobs int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.quota = jobs
}

// Add starts a job as if somebody else had asked for it, in the region us-east-1.
func (s *Service) Add(accountID, name, mediaFileURI string, speakers bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	code := cmp.Or(s.speech.Language, "en-US")
	in := startRequest{Name: name, LanguageCode: &code}
	in.Media.MediaFileURI = mediaFileURI
	s.add(s.job(in, accountID, "us-east-1", speakers))
}

// Jobs are all jobs so far, in the order in which they were started.
func (s *Service) Jobs() []Job {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Job
	for _, j := range s.order {
		s.settle(j)
		all = append(all, *j)
	}
	return all
}

// Protocol implements [aws.Service].
func (s *Service) Protocol() aws.Protocol { return aws.JSON11 }

// Identify implements [aws.Service].
func (s *Service) Identify(r *aws.Request) (aws.Operation, *aws.Error) {
	op, failed := r.Target()
	if failed != nil {
		return op, failed
	}
	known := slices.Contains([]string{"StartTranscriptionJob", "GetTranscriptionJob", "DeleteTranscriptionJob"}, op.Name)
	if !known || !strings.HasPrefix(r.Header.Get("X-Amz-Target"), "Transcribe.") || r.URL.Path != "/" {
		return op, fail("UnknownOperationException", "There is no such operation.")
	}
	if r.Header.Get("Content-Type") != "application/x-amz-json-1.1" {
		return op, fail("SerializationException", "The content type is not application/x-amz-json-1.1.")
	}
	var in struct {
		Name string `json:"TranscriptionJobName"`
	}
	body, err := r.Bytes()
	if err == nil {
		err = json.Unmarshal(body, &in)
	}
	if err != nil {
		return op, fail("SerializationException", err.Error())
	}
	op.Resource = fmt.Sprintf("arn:aws:transcribe:%s:%s:transcription-job/%s", r.Region, r.AccountID, in.Name)
	return op, nil
}

// Serve implements [aws.Service].
func (s *Service) Serve(w http.ResponseWriter, r *aws.Request) *aws.Error {
	switch r.Operation.Name {
	case "StartTranscriptionJob":
		return s.start(w, r)
	case "GetTranscriptionJob":
		return s.get(w, r)
	default:
		return s.remove(w, r)
	}
}

func (s *Service) start(w http.ResponseWriter, r *aws.Request) *aws.Error {
	var in startRequest
	if failed := r.JSON(&in); failed != nil {
		return failed
	}
	if failed := in.check(); failed != nil {
		return failed
	}
	if failed := s.checkMedia(r, in.Media.MediaFileURI); failed != nil {
		return failed
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.find(r, in.Name) != nil {
		return fail("ConflictException", "The requested job name already exists. Use a different job name.")
	}
	if s.quota > 0 && s.running(r) >= s.quota {
		return fail("LimitExceededException", "You have too many concurrent transcription jobs. Wait until some have ended and try your request again.")
	}
	j := s.job(in, r.AccountID, r.Region, in.Settings != nil && in.Settings.ShowSpeakerLabels)
	s.add(j)
	shown := j.shown("")
	shown["TranscriptionJobStatus"] = "IN_PROGRESS"
	answer(w, map[string]any{"TranscriptionJob": shown})
	return nil
}

// job makes a job. It needs the lock.
func (s *Service) job(in startRequest, accountID, region string, speakers bool) *Job {
	j := &Job{
		Name: in.Name, MediaFileURI: in.Media.MediaFileURI, account: accountID, region: region, request: in, speakers: speakers,
		speech: s.speech, started: s.cloud.Now(),
	}
	if j.speech.Takes >= 0 {
		j.ends = j.started.Add(j.speech.Takes)
	}
	return j
}

// add needs the lock.
func (s *Service) add(j *Job) {
	s.jobs[j.account+"/"+j.region+"/"+j.Name] = j
	s.order = append(s.order, j)
}

// find needs the lock.
func (s *Service) find(r *aws.Request, name string) *Job {
	return s.jobs[r.AccountID+"/"+r.Region+"/"+name]
}

// running counts the jobs of an account that have not ended. It needs the lock.
func (s *Service) running(r *aws.Request) int {
	n := 0
	for _, j := range s.jobs {
		if s.settle(j); j.account == r.AccountID && j.region == r.Region && !j.hasEnded() {
			n++
		}
	}
	return n
}

func (j *Job) hasEnded() bool { return j.Status == "COMPLETED" || j.Status == "FAILED" }

// settle gives a job the state that it has now. It needs the lock.
func (s *Service) settle(j *Job) {
	now := s.cloud.Now()
	switch {
	case j.hasEnded():
	case j.ends.IsZero(), now.Before(j.ends):
		j.Status = "QUEUED"
		if now.Sub(j.started) >= j.speech.Takes/3 {
			j.Status = "IN_PROGRESS"
		}
	case j.speech.FailureReason != "":
		j.Status = "FAILED"
	case !s.hasMedia(j.MediaFileURI):
		j.Status, j.speech.FailureReason = "FAILED", "The media file could not be found. Check the S3 location and try your request again."
	default:
		j.Status = "COMPLETED"
		j.transcript = j.account + "/" + j.Name + "/asrOutput.json"
		s.write(j)
	}
}

func bucketOfTranscripts(region string) string { return "aws-transcribe-" + region + "-prod" }

// write puts a transcript into S3.
func (s *Service) write(j *Job) {
	bucket := bucketOfTranscripts(j.region)
	if _, ok := s.store.Bucket(bucket); !ok {
		_ = s.store.AddBucket(s3.Bucket{Name: bucket, Region: j.region, Owner: serviceAccount}) // else there is none to write to
	}
	if _, err := s.store.Put(bucket, j.transcript, j.speech.document(j, j.account), s3.Attributes{ContentType: "application/json"}); err != nil {
		j.Status, j.speech.FailureReason = "FAILED", "The transcript could not be written."
	}
}

// link is a presigned URL for a transcript.
func (s *Service) link(j *Job) string {
	if j.Status != "COMPLETED" || j.speech.Link != "" {
		return j.speech.Link
	}
	host := "s3." + j.region + ".amazonaws.com"
	if strings.HasPrefix(j.region, "cn-") {
		host += ".cn"
	}
	return presign(host, "/"+bucketOfTranscripts(j.region)+"/"+j.transcript, j.region, serviceKey, serviceSecret, s.cloud.Now())
}

// named finds the job that a request names.
func (s *Service) named(r *aws.Request) (*Job, *aws.Error) {
	var in struct {
		Name string `json:"TranscriptionJobName"`
	}
	if failed := r.JSON(&in); failed != nil {
		return nil, failed
	}
	if failed := checkName(in.Name); failed != nil {
		return nil, failed
	}
	j := s.find(r, in.Name)
	if j == nil {
		return nil, fail("BadRequestException", "The requested job couldn't be found. Check the job name and try your request again.")
	}
	s.settle(j)
	return j, nil
}

func (s *Service) get(w http.ResponseWriter, r *aws.Request) *aws.Error {
	s.mu.Lock()
	defer s.mu.Unlock()
	j, failed := s.named(r)
	if failed != nil {
		return failed
	}
	answer(w, map[string]any{"TranscriptionJob": j.shown(s.link(j))})
	return nil
}

func (s *Service) remove(w http.ResponseWriter, r *aws.Request) *aws.Error {
	s.mu.Lock()
	defer s.mu.Unlock()
	j, failed := s.named(r)
	if failed != nil {
		return failed
	}
	if !j.hasEnded() {
		return fail("BadRequestException", "The requested job is in progress and can't be deleted. Wait until it has ended and try your request again.")
	}
	delete(s.jobs, j.account+"/"+j.region+"/"+j.Name)
	j.Deleted = true
	answer(w, map[string]any{})
	return nil
}

// shown is a job as Transcribe describes it.
func (j *Job) shown(link string) map[string]any {
	in := j.request
	shown := map[string]any{
		"TranscriptionJobName": j.Name, "TranscriptionJobStatus": j.Status, "Media": map[string]string{"MediaFileUri": j.MediaFileURI},
		"CreationTime": epoch(j.started), "StartTime": epoch(j.started),
		"Settings": map[string]any{"ChannelIdentification": false, "ShowAlternatives": false},
	}
	if in.Settings != nil {
		shown["Settings"] = in.Settings
	}
	if in.LanguageCode != nil {
		shown["LanguageCode"] = *in.LanguageCode
	}
	if j.hasEnded() {
		shown["CompletionTime"] = epoch(j.ends)
	}
	switch j.Status {
	case "FAILED":
		shown["FailureReason"] = j.speech.FailureReason
	case "COMPLETED":
		shown["Transcript"], shown["MediaFormat"], shown["MediaSampleRateHertz"] = map[string]string{"TranscriptFileUri": link}, "mp3", 44100
		j.showLanguages(shown)
	}
	return shown
}

func (j *Job) showLanguages(shown map[string]any) {
	switch in := j.request; {
	case in.IdentifyLanguage != nil && *in.IdentifyLanguage:
		shown["IdentifyLanguage"], shown["IdentifiedLanguageScore"], shown["LanguageCode"] = true, 0.875, cmp.Or(j.speech.Language, "en-US")
	case in.IdentifyMultipleLanguages != nil && *in.IdentifyMultipleLanguages:
		list := []any{}
		for _, l := range j.speech.Languages {
			list = append(list, map[string]any{"LanguageCode": l.Code, "DurationInSeconds": l.Seconds})
		}
		shown["IdentifyMultipleLanguages"], shown["LanguageCodes"] = true, list
	}
}

// epoch is a time as the JSON protocols write it: seconds, with milliseconds behind the point.
func epoch(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

func answer(w http.ResponseWriter, value any) {
	body, err := json.Marshal(value)
	if err != nil {
		body = nil // texts, numbers and maps of them can always be written
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	_, _ = w.Write(body) // the client may have gone
}

func fail(code, message string) *aws.Error {
	return &aws.Error{Status: http.StatusBadRequest, Code: code, Message: message}
}

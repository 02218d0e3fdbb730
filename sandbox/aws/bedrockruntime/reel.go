package bedrockruntime

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/cloudplugins/difyplugin/sandbox/aws"
	"github.com/cloudplugins/difyplugin/sandbox/aws/s3"
)

// The model IDs of Amazon Nova Reel.
const (
	NovaReel  = "amazon.nova-reel-v1:0"
	NovaReel1 = "amazon.nova-reel-v1:1"
)

// The limits of Nova Reel: "Video generation access and usage" in the user guide of Amazon Nova.
const (
	maxShotPrompt  = 512  // characters
	maxScenePrompt = 4000 // characters
	shotSeconds    = 6
	maxSeconds     = 120
	videoWidth     = 1280
	videoHeight    = 720
)

// Reel is how videos are made.
type Reel struct {
	// Takes is how long a video takes. Below zero it is never finished.
	Takes time.Duration
	// Video is the content of output.mp4; a few bytes where it is nil.
	Video []byte
	// Failure is the message of a video that cannot be made.
	Failure string
}

// Videos makes the service write videos into an object store, without which none can be made.
func Videos(store *s3.Store) Option { return func(s *Service) { s.store = store } }

// SetReel changes how videos are made that are started from now on.
func (s *Service) SetReel(r Reel) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reel = r
}

// Started is the number of videos that were started.
func (s *Service) Started() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.jobs)
}

// job is a video that was started.
type job struct {
	arn, model, token, body string
	owner                   string
	bucket, prefix          string // where the files go
	reel                    Reel
	began                   time.Time
	ended                   time.Time
	failure                 string
}

// place is the URI of the folder of a job.
func (j *job) place() string { return "s3://" + j.bucket + "/" + j.prefix }

func (s *Service) startAsyncInvoke(w http.ResponseWriter, r *aws.Request) *aws.Error {
	body, failed := readBody(r, maxModelBody)
	if failed != nil {
		return failed
	}
	d, failed := openDocument(body)
	if failed != nil {
		return failed
	}
	j := &job{
		model: d.text("modelId", true, 1, 256), token: d.text("clientRequestToken", false, 1, 256), body: string(body),
		owner: r.AccountID, began: time.Now(),
	}
	d.inside("modelInput", true, j.readInput)
	d.inside("outputDataConfig", true, func(out *document) { out.inside("s3OutputDataConfig", true, j.readOutput) })
	if failed := d.end(); failed != nil {
		return failed
	}
	if at, ok := parseModel(j.model); !ok || at.id != NovaReel && at.id != NovaReel1 {
		return invalid("The provided model identifier is invalid.")
	}
	if failed := s.checkOutput(r, j); failed != nil {
		return failed
	}
	if failed := s.begin(r, j); failed != nil {
		return failed
	}
	return writeJSON(w, http.StatusOK, map[string]string{"invocationArn": j.arn})
}

// checkOutput demands a bucket of the caller's in the region.
func (s *Service) checkOutput(r *aws.Request, j *job) *aws.Error {
	if s.store == nil {
		return invalid("Invalid Output Config/Credentials: the sandbox has no object store for videos.")
	}
	bucket, there := s.store.Bucket(j.bucket)
	if !there || bucket.Owner != r.AccountID && !bucket.Shared || bucket.Region != r.Region {
		return invalid("Invalid Output Config/Credentials. For more info, see https://docs.aws.amazon.com/bedrock/latest/userguide/inference-invoke.html.")
	}
	return nil
}

// begin starts a job, unless one with the same token was started: then that is the one, if it is the same.
func (s *Service) begin(r *aws.Request, j *job) *aws.Error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, earlier := range s.jobs {
		if j.token == "" || earlier.token != j.token || earlier.owner != j.owner {
			continue
		}
		if earlier.body != j.body {
			return &aws.Error{Status: http.StatusBadRequest, Code: "ConflictException", Message: "The client request token was used for another request."}
		}
		*j = *earlier
		return nil
	}
	id := strings.ToLower(rand.Text()[:12])
	j.arn = fmt.Sprintf("arn:%s:bedrock:%s:%s:async-invoke/%s", partition(r.Region), r.Region, r.AccountID, id)
	j.prefix += id
	j.reel = s.reel
	kept := *j
	s.jobs = append(s.jobs, &kept)
	return nil
}

var s3Folder = regexp.MustCompile(`^s3://([a-z0-9][.\-a-z0-9]{1,61}[a-z0-9])(/.*)?$`)

func (j *job) readOutput(d *document) {
	uri := d.text("s3Uri", true, 1, 1024)
	found := s3Folder.FindStringSubmatch(uri)
	if found == nil {
		d.failf("s3Uri", "string [%s] does not match pattern %s", uri, s3Folder)
		return
	}
	j.bucket = found[1]
	if folder := strings.Trim(found[2], "/"); folder != "" {
		j.prefix = folder + "/"
	}
	d.text("kmsKeyId", false, 1, 2048)
	d.text("bucketOwner", false, 12, 12)
}

func (j *job) readInput(d *document) {
	at, _ := parseModel(j.model)
	kinds := []string{"TEXT_VIDEO"}
	if at.id == NovaReel1 {
		kinds = append(kinds, "MULTI_SHOT_AUTOMATED")
	}
	least, most := shotSeconds, shotSeconds
	switch d.choice("taskType", true, kinds...) {
	case "TEXT_VIDEO":
		d.inside("textToVideoParams", true, readShot)
	case "MULTI_SHOT_AUTOMATED":
		least, most = 2*shotSeconds, maxSeconds
		d.inside("multiShotAutomatedParams", true, func(scene *document) { scene.text("text", true, 1, maxScenePrompt) })
	}
	d.inside("videoGenerationConfig", true, func(config *document) {
		seconds := int(config.number("durationSeconds", true, true, float64(least), float64(most)))
		if seconds%shotSeconds != 0 {
			config.failf("durationSeconds", "%d is not a multiple of %d", seconds, shotSeconds)
		}
		config.number("fps", true, true, 24, 24)
		config.choice("dimension", true, fmt.Sprintf("%dx%d", videoWidth, videoHeight))
		config.number("seed", false, true, 0, maxSeed)
	})
}

func readShot(d *document) {
	d.text("text", true, 1, maxShotPrompt)
	for _, raw := range d.list("images", false, 1, 1) {
		d.insideOf("images", raw, func(shot *document) {
			format := shot.choice("format", true, "png", "jpeg")
			shot.inside("source", true, func(source *document) {
				frame := source.picture("bytes", true)
				switch {
				case frame.image == nil:
				case frame.format != format:
					source.failf("bytes", "the image is a %s and not a %s", frame.format, format)
				case frame.Width != videoWidth || frame.Height != videoHeight:
					source.failf("bytes", "the image has %d x %d pixels and must have %d x %d", frame.Width, frame.Height, videoWidth, videoHeight)
				case !frame.opaque():
					source.failf("bytes", "the image has transparent pixels")
				}
			})
		})
	}
}

var jobARN = regexp.MustCompile(`^arn:[a-z0-9-]+:bedrock:([a-z0-9-]+):([0-9]{12}):async-invoke/[a-z0-9]{12}$`)

func (s *Service) getAsyncInvoke(w http.ResponseWriter, r *aws.Request, arn string) *aws.Error {
	if !jobARN.MatchString(arn) {
		return invalid("Value '%s' at 'invocationArn' failed to satisfy constraint: Member must satisfy regular expression pattern: %s", arn, jobARN)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, j := range s.jobs {
		if j.arn != arn || j.owner != r.AccountID || strings.Split(arn, ":")[3] != r.Region {
			continue
		}
		if failed := s.advance(j); failed != nil {
			return failed
		}
		return writeJSON(w, http.StatusOK, j.describe())
	}
	return invalid("Could not find the async invocation %s.", arn)
}

// advance finishes a job whose time has come.
func (s *Service) advance(j *job) *aws.Error {
	if !j.ended.IsZero() || j.reel.Takes < 0 || time.Since(j.began) < j.reel.Takes {
		return nil
	}
	j.ended = j.began.Add(j.reel.Takes)
	if j.failure = j.reel.Failure; j.failure != "" {
		return nil
	}
	video := j.reel.Video
	if video == nil {
		video = []byte("\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom")
	}
	manifest, err := json.Marshal(map[string]any{"version": "1.0", "status": "SUCCESS"})
	if err == nil {
		_, err = s.store.Put(j.bucket, j.prefix+"/manifest.json", manifest, s3.Attributes{ContentType: "application/json"})
	}
	if err == nil {
		_, err = s.store.Put(j.bucket, j.prefix+"/output.mp4", video, s3.Attributes{ContentType: "video/mp4"})
	}
	if err != nil {
		return &aws.Error{Status: http.StatusInternalServerError, Code: "InternalServerException", Message: err.Error()}
	}
	return nil
}

func (j *job) describe() map[string]any {
	at, _ := parseModel(j.model)
	answer := map[string]any{
		"invocationArn": j.arn, "modelArn": at.arn(strings.Split(j.arn, ":")[3]), "status": "InProgress",
		"submitTime": j.began.UTC().Format(time.RFC3339Nano), "lastModifiedTime": j.began.UTC().Format(time.RFC3339Nano),
		"outputDataConfig": map[string]any{"s3OutputDataConfig": map[string]string{"s3Uri": j.place()}},
	}
	if j.token != "" {
		answer["clientRequestToken"] = j.token
	}
	if j.ended.IsZero() {
		return answer
	}
	answer["status"], answer["endTime"] = "Completed", j.ended.UTC().Format(time.RFC3339Nano)
	if j.failure != "" {
		answer["status"], answer["failureMessage"] = "Failed", j.failure
	}
	return answer
}

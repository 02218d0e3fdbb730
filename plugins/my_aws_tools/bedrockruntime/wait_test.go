package bedrockruntime_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/toolstest"
	"github.com/cloudplugins/difyplugin/sandbox/aws"
	standin "github.com/cloudplugins/difyplugin/sandbox/aws/bedrockruntime"
	"github.com/cloudplugins/difyplugin/sandbox/aws/s3"
)

// bubble is Bedrock's runtime and S3 with the tools and without a network, in which minutes pass in no time.
type bubble struct {
	*toolstest.AWS
	*toolstest.Tools
	runtime *standin.Service
	began   time.Time
}

// inBubble runs a test with the tools.
func inBubble(t *testing.T, test func(*testing.T, *bubble)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		store := s3.New()
		b := &bubble{AWS: toolstest.StartInBubble(t), runtime: standin.New(standin.Videos(store)), began: time.Now()}
		if err := store.AddBucket(s3.Bucket{Name: bucket, Region: "us-east-1", Owner: toolstest.AccountID}); err != nil {
			t.Fatal(err)
		}
		b.Register("bedrock-runtime", b.runtime)
		b.Register("s3", store)
		b.Tools = b.Run(t, parts()...)
		test(t, b)
	})
}

// waiting are the parameters of a call that waits for a video.
func waiting(pairs ...any) map[string]any { return filmed(append([]any{"async", false}, pairs...)...) }

func TestVideosAreLookedAtLessAndLessOften(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		b.runtime.SetReel(standin.Reel{Takes: 5 * time.Minute, Video: []byte("done")})
		wantVideo(t, b.Succeed(t, "nova_reel", waiting()), []byte("done"))
		if took := time.Since(b.began); took < 5*time.Minute || took > 5*time.Minute+18*time.Second {
			t.Errorf("the video was there after %v", took)
		}
		pauses := b.Pauses("GetAsyncInvoke")
		for i, pause := range pauses {
			least := 3 * time.Second
			if i > 3 {
				least = 15 * time.Second
			}
			if pause < least || pause > 18*time.Second {
				t.Errorf("the pause before look %d is %v", i+2, pause)
			}
		}
		if len(pauses) < 9 || len(pauses) > 29 {
			t.Errorf("the video was looked at %d times", len(pauses)+1)
		}
	})
}

func TestSection3_18Bug3_AVideoThatOutlastsTheCallIsNamedAndPickedUp(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		b.runtime.SetReel(standin.Reel{Takes: 17 * time.Minute, Video: []byte("done")})
		failed := b.Fail(t, "nova_reel", waiting("duration", 120, "model_id", "amazon.nova-reel-v1:1"))
		toolstest.WantFailure(t, failed, plugin.Unavailable, "within the time that Dify gives a tool", "invocation_arn arn:aws:bedrock:us-east-1:", "async switched off")
		if took := time.Since(b.began); took != 585*time.Second {
			t.Errorf("the call took %v, and ought to end 15 seconds before the host gives up", took)
		}
		_, after, _ := strings.Cut(failed.Message, "with invocation_arn ")
		arn, _, _ := strings.Cut(after, " ")
		wantVideo(t, b.Succeed(t, "nova_reel", waiting("invocation_arn", arn)), []byte("done"))
		if took := time.Since(b.began); took < 17*time.Minute || took > 18*time.Minute {
			t.Errorf("the video was handed over after %v", took)
		}
		if started := b.runtime.Started(); started != 1 {
			t.Errorf("%d videos were started", started)
		}
	})
}

func TestAnImageThatOutlastsTheCallIsSaidToBePaidFor(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		b.Inject(aws.Fault{Operation: "InvokeModel", Effects: []aws.Effect{aws.Hold(nil)}})
		toolstest.WantFailure(t, b.Fail(t, "nova_canvas", drawn()), plugin.Unavailable, "has not answered within the time", "may be made and charged all the same")
		if took := time.Since(b.began); took != 585*time.Second {
			t.Errorf("the call took %v", took)
		}
	})
}

package bedrockruntime

import (
	"context"
	"image"
	"testing"
	"testing/synctest"

	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/toolstest"
	standin "github.com/cloudplugins/difyplugin/sandbox/aws/bedrockruntime"
)

func TestImagesThatHaveNoRoomAreNotAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release, err := reserve(t.Context(), 5, image.Pt(2048, 2048))
		if err != nil {
			t.Fatal(err)
		}
		rest, err := reserve(t.Context(), 3, image.Pt(2048, 2048)) // and not a single one of 320 x 320 besides
		if err != nil {
			t.Fatal(err)
		}
		cloud := toolstest.StartInBubble(t)
		cloud.Register("bedrock-runtime", standin.New())
		tools := cloud.Run(t, plugin.Tool("nova_canvas", Draw))
		parameters := map[string]any{
			"prompt": "A bicycle", "image_output_s3uri": "s3://pictures-of-the-tester/out", "width": 320, "height": 320,
		}
		toolstest.WantFailure(t, tools.Fail(t, "nova_canvas", parameters), plugin.RateLimit, "nothing is charged", "256 MiB", "try again")
		cloud.WantNothingSent(t)
		rest()
		if done, err := reserve(t.Context(), 1, image.Pt(2048, 2048)); err != nil {
			t.Errorf("there is no room after some was given back: %v", err)
		} else {
			done()
		}
		release()
		if !answers().TryAcquire(answerBudget) {
			t.Error("not all of the memory came back")
		}
		answers().Release(answerBudget)
	})
}

func TestMoreImagesThanThereIsRoomForGoAlone(t *testing.T) {
	release, err := reserve(t.Context(), 5, image.Pt(4096, 4096))
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := reserve(over, 1, image.Pt(320, 320)); err == nil {
		t.Error("there was room for one more")
	}
}

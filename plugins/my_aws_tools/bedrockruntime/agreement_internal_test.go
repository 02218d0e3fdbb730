package bedrockruntime

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"pgregory.net/rapid"

	standin "github.com/cloudplugins/difyplugin/sandbox/aws/bedrockruntime"
)

// near draws a number around the borders of what is allowed.
func near(t *rapid.T, name string, least, most int) int {
	return rapid.OneOf(
		rapid.IntRange(least-2, least+2), rapid.IntRange(most-2, most+2), rapid.IntRange(least-100, most+100),
		rapid.Map(rapid.IntRange(least/16, most/16), func(n int) int { return n * 16 }),
	).Draw(t, name)
}

// What the tool lets through the model takes, and what it keeps back the model would refuse.
func TestTheToolAndTheModelAgreeAboutImagesFromWords(t *testing.T) {
	accepted := 0
	rapid.Check(t, func(t *rapid.T) {
		in := DrawInput{
			Task: rapid.SampledFrom([]string{textImage, colorGuided}).Draw(t, "task"), Prompt: "A bicycle", Output: "s3://bucket-of-images",
			Width: 640, Height: 640, Guidance: 8, Count: 1, Quality: "standard", Model: standin.NovaCanvas,
		}
		switch rapid.SampledFrom([]string{"prompt", "size", "seed", "guidance", "count", "quality", "colors"}).Draw(t, "changed") {
		case "prompt":
			in.Prompt = strings.Repeat("猫", max(near(t, "prompt", 1, maxPrompt), 0))
		case "size":
			in.Width, in.Height = near(t, "width", minSide, maxSide), near(t, "height", minSide, 1024)
		case "seed":
			in.Seed = near(t, "seed", 0, maxSeed)
		case "guidance":
			in.Guidance = float64(near(t, "guidance", 11, 100)) / 10
		case "count":
			in.Count = near(t, "count", 1, maxImages)
		case "quality":
			in.Quality = rapid.SampledFrom([]string{"standard", "premium", "best"}).Draw(t, "quality")
		case "colors":
			in.Colors = strings.TrimSuffix(strings.Repeat("#0a0B0c-", rapid.IntRange(1, 11).Draw(t, "colors")), "-")
		}
		d, refused := in.read()
		body, _, err := d.body(context.Background(), nil, nil) // there are no images to read
		if err != nil {
			t.Fatal(err)
		}
		_, failed := standin.Canvas{}.Answer(json.RawMessage(body))
		if (refused == nil) != (failed == nil) {
			t.Fatalf("the tool says %v, the model says %v", refused, failed)
		}
		if refused == nil {
			accepted++
		}
	})
	if accepted == 0 {
		t.Error("nothing was accepted")
	}
}

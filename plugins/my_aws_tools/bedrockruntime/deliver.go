package bedrockruntime

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/cloudplugins/difyplugin/plugin"
)

// maxInline is the largest file in bytes that Dify takes from a tool piece by piece unless its operator has said
// otherwise. Larger ones are uploaded.
const maxInline = 30 << 20

// deliver hands a video over as [plugin.Call.File] does, with one difference: where a video above maxInline is not taken,
// that is an error that the caller may get over and does not fail the call. There is always the address left to give.
func deliver(ctx context.Context, call *plugin.Call, video plugin.File) error {
	if video.Size <= maxInline {
		return call.File(ctx, video)
	}
	if strings.EqualFold(strings.TrimSpace(os.Getenv("DIFYPLUGIN_FILE_LINKS")), "off") {
		return plugin.Errorf(plugin.BadRequest, "the video has %d bytes, and files above %d are not handed over while DIFYPLUGIN_FILE_LINKS is off", video.Size, maxInline)
	}
	stored, err := call.Upload(ctx, video)
	if err != nil {
		return err
	}
	link, err := json.Marshal(map[string]string{"text": "/files/tools/" + stored.ID + stored.Extension})
	if err != nil {
		return fmt.Errorf("hand over %s: %w", video.Name, err)
	}
	return call.Relay(plugin.Message{Type: "binary_link", Body: link, Meta: map[string]any{"filename": video.Name, "mime_type": video.Type}})
}

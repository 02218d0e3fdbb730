//go:build slow

package transcribe_test

import (
	"net/http"
	"strconv"
	"testing"

	"github.com/cloudplugins/difyplugin/internal/shipped"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/toolstest"
	"github.com/cloudplugins/difyplugin/sandbox/aws"
)

const mib = 1 << 20

func TestSlowSection3_32_MediaOf300MiBPassThroughInConstantMemory(t *testing.T) {
	const size = 300 * mib
	for name, header := range map[string]http.Header{
		"of a size that is known": {"Content-Length": {strconv.Itoa(size)}}, "of a size that is not known": {},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCloud(t)
			c.media = func(w http.ResponseWriter, _ *http.Request) {
				for name, values := range header {
					w.Header()[name] = values
				}
				block := make([]byte, mib)
				copy(block, mp3)
				for range size / mib {
					if _, err := w.Write(block); err != nil {
						return
					}
				}
			}
			stored := 0 // seen by the job only: afterwards the media are gone
			hold := make(chan struct{})
			started := c.Inject(aws.Fault{Operation: "StartTranscriptionJob", Effects: []aws.Effect{aws.Hold(hold)}})
			go func() {
				defer close(hold)
				select {
				case <-started.Reached():
				case <-t.Context().Done():
					return
				}
				for _, key := range c.store.Keys(bucket) {
					if key != "call.mp3" {
						o, _ := c.store.Object(bucket, key)
						stored = len(o.Content)
					}
				}
			}()
			p := shipped.Start(t, "my_aws_tools", append(c.Environ(), "DIFYPLUGIN_FETCH_ALLOW="+mediaHost)...)
			result, err := p.Tool(t.Context(), toolstest.Caller(toolstest.Credentials()), tool, linked())
			if err != nil || result.Text != dialogue || stored != size {
				t.Fatalf("%q for %d bytes in S3, %v", result.Text, stored, err)
			}
			most := p.Peak(t)
			t.Logf("at most %d MiB resident", most/mib)
			if most > 64*mib {
				t.Errorf("%d MiB resident, more than 64", most/mib)
			}
			c.wantOnlyTheCall(t)
		})
	}
}

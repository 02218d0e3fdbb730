//go:build slow

package s3

import (
	"net/http"
	"testing"
	"time"

	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/toolstest"
	standin "github.com/cloudplugins/difyplugin/sandbox/aws/s3"
)

// TestSlowSection3_22Bug7_AFileMayTakeLongerThanFiveSeconds lets Dify answer after six.
func TestSlowSection3_22Bug7_AFileMayTakeLongerThanFiveSeconds(t *testing.T) {
	t.Setenv("DIFYPLUGIN_FETCH_ALLOW", "slow.example.com")
	cloud := toolstest.Start(t)
	if err := cloud.Box.Handle("slow.example.com", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		<-time.After(6 * time.Second)
		_, _ = w.Write([]byte("late"))
	})); err != nil {
		t.Fatal(err)
	}
	store := standin.New()
	cloud.Register("s3", store)
	if err := store.AddBucket(standin.Bucket{Name: "slow-files", Region: "us-east-1", Owner: toolstest.AccountID}); err != nil {
		t.Fatal(err)
	}
	file := cloud.File("late.txt", "text/plain", []byte("late"))
	file["url"] = "https://slow.example.com/late.txt"
	cloud.Run(t, parts()...).Succeed(t, "s3_file_uploader", map[string]any{"bucket_name": "slow-files", "input_file": file})
	if stored, ok := store.Object("slow-files", "late.txt"); !ok || string(stored.Content) != "late" {
		t.Errorf("stored: %t, %q", ok, stored.Content)
	}
}

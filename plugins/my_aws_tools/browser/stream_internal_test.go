package browser

import (
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"
)

// The vectors are what botocore signs; testdata/make_vectors.py has made them.
func TestHandshakesAreSignedAsBotocoreSignsThem(t *testing.T) {
	text, err := os.ReadFile("testdata/handshake_vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []struct {
		Name, Region, URL string
		ID                string `json:"access_key_id"`
		Secret            string `json:"secret_access_key"`
		Token             string `json:"session_token"`
		Time              time.Time
		Headers           map[string]string
	}
	if err := json.Unmarshal(text, &vectors); err != nil || len(vectors) < 4 {
		t.Fatalf("%d vectors, %v", len(vectors), err)
	}
	for _, v := range vectors {
		keys := aws.Credentials{AccessKeyID: v.ID, SecretAccessKey: v.Secret, SessionToken: v.Token}
		got, err := signed(t.Context(), keys, v.URL, v.Region, v.Time)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(v.Headers, flat(got)); diff != "" {
			t.Errorf("%s: -botocore +ours\n%s", v.Name, diff)
		}
	}
}

package toolstest

import (
	"encoding/json"
	"os"
	"testing"
)

// recordVariable names a folder into which every test writes the requests that it sent to AWS, for those who check them
// against something else than the stand-ins. It is unset but for that.
const recordVariable = "DIFYPLUGIN_RECORD_AWS_CALLS"

// keep writes the calls of the test into the folder, if there is one.
func (a *AWS) keep(t testing.TB) {
	t.Helper()
	folder := os.Getenv(recordVariable)
	if folder == "" {
		return
	}
	calls, err := json.Marshal(a.Calls())
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.CreateTemp(folder, "*.json")
	if err != nil {
		t.Fatalf("the calls of the test cannot be recorded: %v", err)
	}
	if _, err := file.Write(calls); err != nil {
		t.Errorf("the calls of the test cannot be recorded: %v", err)
	}
	if err := file.Close(); err != nil {
		t.Errorf("the calls of the test cannot be recorded: %v", err)
	}
}

package main

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// roleVariable makes this test program be something else: the plugin itself, or the plugin with a dump of its memory
// at the end. A child process is then built from the very sources under test.
const roleVariable = "COS_TEST_ROLE"

func TestMain(m *testing.M) {
	switch os.Getenv(roleVariable) {
	case "plugin":
		main()
	case "heap":
		os.Exit(serveAndDump())
	}
	goleak.VerifyTestMain(m)
}

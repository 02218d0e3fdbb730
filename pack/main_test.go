package pack

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
)

// fixture is what many tests need and what takes seconds to make.
type fixture struct {
	payload  []byte    // a program for this machine
	programs []Program // a stranger's program, then the payload
	archive  []byte    // both, compressed
}

// shared is set once, before the tests run, and only read by them.
var shared fixture

func TestMain(m *testing.M) {
	var err error
	if shared, err = newFixture(); err != nil {
		fmt.Fprintln(os.Stderr, "preparing the tests:", err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func newFixture() (fixture, error) {
	var f fixture
	dir, err := os.MkdirTemp("", "pack-test-")
	if err != nil {
		return f, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	binary := filepath.Join(dir, "payload")
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", binary, "./testdata/payload")
	build.Env = append(build.Environ(), "CGO_ENABLED=0")
	if output, err := build.CombinedOutput(); err != nil {
		return f, fmt.Errorf("%w\n%s", err, output)
	}
	if f.payload, err = os.ReadFile(binary); err != nil {
		return f, err
	}
	stranger := []byte("the program of another processor")
	f.programs = []Program{describeProgram(foreignArch(), stranger), describeProgram(runtime.GOARCH, f.payload)}
	f.archive, err = compress(context.Background(), stranger, f.payload)
	return f, err
}

func foreignArch() string {
	if runtime.GOARCH == "arm64" {
		return "amd64"
	}
	return "arm64"
}

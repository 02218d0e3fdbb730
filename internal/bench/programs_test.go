package main

import (
	"context"
	"io"
	"runtime"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudplugins/difyplugin/host"
)

func testWorkshop(t *testing.T) *workshop {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has the /proc that this command reads")
	}
	w, err := newWorkshop(t.Context(), "off", io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

func (w *workshop) start(t *testing.T, pkg string) *child {
	t.Helper()
	command, err := w.program(t.Context(), pkg)
	if err != nil {
		t.Fatal(err)
	}
	c, err := started(t.Context(), command)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.kill)
	return c
}

func TestTheBareProgramAnswersACallWithTheBytesOfThePlugin(t *testing.T) {
	w := testWorkshop(t)
	answers := map[string][]string{}
	for _, pkg := range []string{"echo", "stream"} {
		c := w.start(t, testdata+pkg)
		if err := c.write(echoRequest("S1")); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			head, _, err := c.next()
			if err != nil {
				t.Fatal(err)
			}
			answers[pkg] = append(answers[pkg], string(head))
		}
	}
	if diff := cmp.Diff(answers["echo"], answers["stream"]); diff != "" {
		t.Errorf("-plugin +bare\n%s", diff)
	}
}

func TestTheBareProgramWritesFilesAsLargeAsThePlugins(t *testing.T) {
	w := testWorkshop(t)
	drive, bare := w.start(t, testdata+"drive"), w.start(t, testdata+"stream")
	if err := drive.download("S1"); err != nil {
		t.Fatal(err)
	}
	if err := bare.write("3900000 1"); err != nil {
		t.Fatal(err)
	}
	if _, length, err := bare.next(); err != nil || length != inlineSize/3*4 {
		t.Errorf("%d bytes, %v", length, err)
	}
}

func TestBothSidesUploadTheSameFile(t *testing.T) {
	const size = 5 << 20
	w := testWorkshop(t)
	for pkg, upload := range map[string]func(context.Context, host.Command, int64) ([]float64, error){
		"drive": w.uploadedFile, "post": w.bareUpload,
	} {
		command, err := w.program(t.Context(), testdata+pkg)
		if err != nil {
			t.Fatal(err)
		}
		figures, err := upload(t.Context(), command, size)
		if err != nil {
			t.Fatalf("%s: %v", pkg, err)
		}
		if figures[0] <= 0 || figures[1] < 1<<20 {
			t.Errorf("%s: %v bytes per second, %v bytes of memory", pkg, figures[0], figures[1])
		}
	}
}

func TestAProgramThatFailsIsQuoted(t *testing.T) {
	c, err := launch(t.Context(), host.Command{Path: "/bin/sh", Args: []string{"-c", "echo 'out of cheese' >&2; exit 3"}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.kill()
	want := "wait for the first heartbeat: /bin/sh ended: EOF: out of cheese"
	if err := c.heartbeat(); err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

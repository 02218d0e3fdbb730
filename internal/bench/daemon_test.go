package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// fakeDaemon answers as Dify's plugin daemon does.
type fakeDaemon struct {
	listBare     bool // whether it sends the list of plugins without an object around it
	allInstalled bool // whether another workspace runs the plugin
	message      string

	requests  []string
	installed bool
	polls     int
}

func (f *fakeDaemon) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := r.URL.Path[strings.Index(r.URL.Path, "/management/")+len("/management/"):]
	f.requests = append(f.requests, r.Method+" "+path)
	body, err := io.ReadAll(r.Body)
	switch {
	case err != nil || r.Header.Get("X-Api-Key") != "key":
		fmt.Fprint(w, `{"code":-401,"message":"unauthorized","data":null}`)
	case path == "install/upload/package" && strings.Contains(string(body), "the package"):
		fmt.Fprint(w, `{"code":0,"data":{"unique_identifier":"a/b:1@c"}}`)
	case path == "list":
		list := "[]"
		if f.installed {
			list = `[{"id":"I1","plugin_unique_identifier":"a/b:1@c"}]`
		}
		if !f.listBare {
			list = `{"list":` + list + `}`
		}
		fmt.Fprintf(w, `{"code":0,"data":%s}`, list)
	case path == "install/identifiers":
		f.installed = true
		fmt.Fprintf(w, `{"code":0,"data":{"all_installed":%t,"task_id":"T1"}}`, f.allInstalled)
	case path == "install/tasks/T1":
		state := "running"
		if f.polls++; f.polls == 3 {
			state = "success"
		}
		if f.message != "" {
			state = "failed"
		}
		fmt.Fprintf(w, `{"code":0,"data":{"status":%q,"plugins":[{"message":%q}]}}`, state, f.message)
	case path == "uninstall" && strings.Contains(string(body), `"I1"`):
		f.installed = false
		fmt.Fprint(w, `{"code":0,"data":true}`)
	default:
		fmt.Fprintf(w, `{"code":-400,"message":%q,"data":null}`, "unexpected "+path)
	}
}

func (f *fakeDaemon) measure(t *testing.T) error {
	t.Helper()
	server := httptest.NewServer(f)
	defer server.Close()
	defer http.DefaultClient.CloseIdleConnections()
	file := filepath.Join(t.TempDir(), "x.difypkg")
	if err := os.WriteFile(file, []byte("the package"), 0o600); err != nil {
		t.Fatal(err)
	}
	took, err := daemon{url: server.URL + "/plugin/" + tenant, key: "key"}.measureInstall(t.Context(), file)
	if err == nil && took <= 0 {
		t.Errorf("it took %s", took)
	}
	return err
}

func TestAnInstallationIsWaitedForAndRemoved(t *testing.T) {
	for _, bare := range []bool{false, true} {
		f := &fakeDaemon{listBare: bare}
		if err := f.measure(t); err != nil {
			t.Fatal(err)
		}
		if f.polls != 3 || f.installed {
			t.Errorf("asked %d times, still installed: %t", f.polls, f.installed)
		}
	}
}

func TestAPluginThatIsInstalledAlreadyIsLeftAlone(t *testing.T) {
	f := &fakeDaemon{installed: true}
	var missing unavailable
	if err := f.measure(t); !errors.As(err, &missing) || !f.installed {
		t.Errorf("%v, installed: %t", err, f.installed)
	}
}

func TestAPluginThatRunsForAnotherWorkspaceIsNotMeasuredAndRemovedHere(t *testing.T) {
	f := &fakeDaemon{allInstalled: true}
	var missing unavailable
	if err := f.measure(t); !errors.As(err, &missing) || f.installed {
		t.Errorf("%v, installed: %t", err, f.installed)
	}
}

func TestAFailedInstallationSaysWhy(t *testing.T) {
	f := &fakeDaemon{message: "failed to launch plugin"}
	if err := f.measure(t); err == nil || !strings.Contains(err.Error(), "failed to launch plugin") {
		t.Errorf("%v", err)
	}
}

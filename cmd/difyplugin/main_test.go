package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/cloudplugins/difyplugin/host"
	"github.com/cloudplugins/difyplugin/manifest"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"difyplugin": main})
}

// TestScripts runs the command as a user does. $REPO is the root of the module.
func TestScripts(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(env *testscript.Env) error {
			env.Setenv("REPO", root)
			for _, name := range []string{"GOCACHE", "GOMODCACHE", "GOPATH", "GOPROXY", "GOFLAGS", "HOME"} {
				if value := goEnv(name); value != "" {
					env.Setenv(name, value)
				}
			}
			return nil
		},
	})
}

// goEnv is a setting of the go command, which scripts run without the user's home.
func goEnv(name string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return ""
	}
	switch name {
	case "GOPATH":
		return filepath.Join(home, "go")
	case "GOCACHE":
		cache, _ := os.UserCacheDir()
		return filepath.Join(cache, "go-build")
	default:
		return ""
	}
}

func TestWithoutArgumentsTheHelpIsPrinted(t *testing.T) {
	var out, errOut strings.Builder
	if code := dispatch(context.Background(), streams{&out, &errOut}, nil); code != exitOK {
		t.Errorf("exit code %d", code)
	}
	for _, c := range commands() {
		if !strings.Contains(out.String(), c.name) {
			t.Errorf("the help does not name %s", c.name)
		}
	}
}

func TestValuesAreJSONWhereTheyLookLikeIt(t *testing.T) {
	params := map[string]any{}
	err := assign(params, []string{"a=true", "b=text with = in it", "c:=12", `d={"x":[1]}`, "e=", "f=1 2"})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"a": true, "b": "text with = in it", "c": "12", "e": "", "f": "1 2"}
	delete(params, "d")
	if diff := cmp.Diff(want, params); diff != "" {
		t.Error(diff)
	}
}

func TestCredentialsComeFromTheFileAndTheEnvironmentWins(t *testing.T) {
	file := filepath.Join(t.TempDir(), "c.json")
	if err := os.WriteFile(file, []byte(`{"secret_id":"from the file","region":"here"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := readCredentials(file, []string{"DIFYPLUGIN_CREDENTIAL_SECRET_ID=from the environment", "PATH=/bin"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]any{"secret_id": "from the environment", "region": "here"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestAWrongCredentialsFileIsNotQuoted(t *testing.T) {
	file := filepath.Join(t.TempDir(), "c.json")
	if err := os.WriteFile(file, []byte(`"AKIDsecret"`), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := readCredentials(file, nil)
	if err == nil || strings.Contains(err.Error(), "AKID") {
		t.Errorf("the error is %v", err)
	}
}

func TestCredentialsAreLeftOutForThePluginThatNeverHadThem(t *testing.T) {
	for _, tt := range []struct {
		identity    string
		keep, drops bool
	}{
		{"langgenius/aws_tools/aws_tools", false, true},
		{"langgenius/aws_tools/aws_tools", true, false},
		{"acme/aws_tools/aws_tools", false, false},
		{"", false, false},
	} {
		opts, err := packOptions("dir", "", tt.identity, tt.keep)
		if err != nil || opts.DropCredentials != tt.drops {
			t.Errorf("%q, kept %t: left out %t, %v", tt.identity, tt.keep, opts.DropCredentials, err)
		}
		if own := tt.identity == withoutCredentials.String(); (len(opts.Defaults) > 0) != own {
			t.Errorf("%q: the defaults are %v", tt.identity, opts.Defaults)
		}
	}
}

func TestItsDefaultsAreForParametersOfOurTools(t *testing.T) {
	ours, err := manifest.Load(os.DirFS("../../plugins/my_aws_tools"))
	if err != nil {
		t.Fatal(err)
	}
	parameters := map[string]bool{}
	for _, tool := range ours.Tools.Tools {
		for _, parameter := range tool.Parameters {
			parameters[tool.Identity.Name+" "+parameter.Name] = true
		}
	}
	for _, value := range itsDefaults() {
		if !parameters[value.Tool+" "+value.Parameter] {
			t.Errorf("there is no parameter %s of %s", value.Parameter, value.Tool)
		}
	}
}

func TestNoFileLandsOutsideOfTheFolder(t *testing.T) {
	for name, want := range map[string]string{
		"../../etc/passwd": "passwd", "/abs/x.txt": "x.txt", `..\..\x.txt`: "x.txt", "": "file", "..": "file", "报告.pdf": "报告.pdf",
	} {
		if got := safeName(name); got != want {
			t.Errorf("safeName(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestProgressOnAFileIsAFewLines(t *testing.T) {
	var out strings.Builder
	p := newProgress(&out)
	for done := 0; done <= 100; done += 5 {
		data := fmt.Appendf(nil, `{"done":%d,"total":100}`, done)
		if !p.show(host.Step{Label: "Up", Data: data}) {
			t.Fatal("a report of progress was not recognised")
		}
	}
	if got := strings.Count(out.String(), "\n"); got != 4 {
		t.Errorf("%d lines:\n%s", got, out.String())
	}
}

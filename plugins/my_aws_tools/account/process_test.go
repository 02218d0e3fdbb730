package account_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/cloudplugins/difyplugin/host"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/toolstest"
	"github.com/google/go-cmp/cmp"
)

// process is a plugin as a child process, as Dify runs it, in front of a cloud in the sandbox.
type process struct {
	*toolstest.AWS
	*host.Process
	folder string // working, home and temporary directory of the plugin

	logs   notes // the plugin's log and its standard error
	output notes // everything that the plugin wrote
}

// notes collects text from several goroutines.
type notes struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (n *notes) Write(data []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.text.Write(data)
}

func (n *notes) String() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.text.String()
}

// start starts the plugin with the tool whoami. Further variables of its environment may be given.
func start(t *testing.T, role string, environment ...string) *process {
	t.Helper()
	return startIn(t, t.TempDir(), role, environment...)
}

// startIn starts it in a folder that was prepared.
func startIn(t *testing.T, folder, role string, environment ...string) *process {
	t.Helper()
	p := &process{AWS: startWithRoles(t), folder: folder}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p.Process, err = host.Start(t.Context(), host.Command{
		Path: program,
		Dir:  p.folder,
		Env: slices.Concat(p.Environ(), environment, []string{
			roleVariable + "=" + role, "INSTALL_METHOD=local", "HOME=" + p.folder, "TMPDIR=" + p.folder, "GOCOVERDIR=" + t.TempDir(),
		}),
		Stderr: io.MultiWriter(&p.logs, &p.output),
	}, host.Options{
		Strict: true,
		OnLog:  func(l host.Log) { fmt.Fprintln(&p.logs, l.Message) },
		OnLine: func(l host.Line) {
			if l.FromPlugin {
				fmt.Fprintf(&p.output, "%s\n", l.Data)
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Process.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// whoami calls the tool and returns the ARN, or the error that the user sees.
func (p *process) whoami(t *testing.T, credentials, parameters map[string]any) (arn string, failed error) {
	t.Helper()
	result, err := p.Tool(t.Context(), toolstest.Caller(credentials), "whoami", parameters)
	if err != nil {
		var known *host.PluginError
		if !errors.As(err, &known) {
			t.Fatal(err)
		}
		return "", known
	}
	return output(t, result, "arn"), nil
}

// trap is a server on this machine that counts who comes, in the place of the metadata service.
type trap struct {
	*httptest.Server
	mu   sync.Mutex
	seen []string
}

func newTrap(t *testing.T, answer string) *trap {
	t.Helper()
	set := &trap{}
	set.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		set.mu.Lock()
		defer set.mu.Unlock()
		set.seen = append(set.seen, r.Method+" "+r.URL.Path)
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(set.Close)
	return set
}

func (set *trap) visits() []string {
	set.mu.Lock()
	defer set.mu.Unlock()
	return slices.Clone(set.seen)
}

// polluted is an environment full of other people's identities, and the folder of a home with more of them. All of the
// keys are valid: they belong to the second account.
func polluted(t *testing.T, metadata string) (folder string, environment []string) {
	t.Helper()
	folder = t.TempDir()
	if err := os.Mkdir(filepath.Join(folder, ".aws"), 0o700); err != nil {
		t.Fatal(err)
	}
	keys := "aws_access_key_id = " + otherID + "\naws_secret_access_key = " + otherSecret + "\n"
	for name, content := range map[string]string{
		"credentials": "[default]\n" + keys + "[operator]\n" + keys,
		"config":      "[default]\nregion = eu-central-1\nendpoint_url = " + metadata + "\n[profile operator]\nregion = eu-central-1\n",
		"token":       "web-identity-token",
	} {
		if err := os.WriteFile(filepath.Join(folder, ".aws", name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder, []string{
		"AWS_ACCESS_KEY=" + otherID, "AWS_SECRET_KEY=" + otherSecret,
		"AWS_ACCESS_KEY_ID=" + otherID, "AWS_SECRET_ACCESS_KEY=" + otherSecret, "AWS_SESSION_TOKEN=ambient-token",
		"AWS_PROFILE=operator", "AWS_DEFAULT_PROFILE=operator", "AWS_REGION=eu-central-1", "AWS_DEFAULT_REGION=eu-central-1",
		"AWS_CONTAINER_CREDENTIALS_FULL_URI=" + metadata + "/container", "AWS_EC2_METADATA_SERVICE_ENDPOINT=" + metadata,
		"AWS_WEB_IDENTITY_TOKEN_FILE=" + filepath.Join(folder, ".aws", "token"), "AWS_ROLE_ARN=" + roles.Roles[0].ARN(roles),
		"AWS_ENDPOINT_URL=" + metadata, "AWS_ENDPOINT_URL_STS=" + metadata, "AWS_USE_FIPS_ENDPOINT=true", "AWS_SDK_LOAD_CONFIG=1",
	}
}

// containerAnswer is what the metadata service of a container says.
const containerAnswer = `{"AccessKeyId":"` + otherID + `","SecretAccessKey":"` + otherSecret + `"}`

func TestA28_TheIdentityOfTheMachineIsNeverUsed(t *testing.T) {
	for _, setting := range []string{"", "off", "false", "0"} {
		t.Run("switch "+setting, func(t *testing.T) {
			metadata := newTrap(t, containerAnswer)
			folder, environment := polluted(t, metadata.URL)
			p := startIn(t, folder, "plugin", append(environment, "DIFYPLUGIN_AMBIENT_AWS="+setting)...)
			for name, credentials := range map[string]map[string]any{
				"none at all":             nil,
				"blank ones":              fields("id", "", "secret", ""),
				"a region":                fields("region", "us-east-1"),
				"half a pair":             fields("id", toolstest.AccessKeyID),
				"the other half":          fields("secret", toolstest.SecretAccessKey),
				"a role without keys":     fields("role", roles.Roles[0].ARN(roles), "external", "shared-id"),
				"a token without keys":    fields("token", tempToken),
				"an endpoint of a user's": fields("endpoint", metadata.URL),
			} {
				if arn, err := p.whoami(t, credentials, nil); err == nil {
					t.Errorf("%s: acts as %s", name, arn)
				}
			}
			if _, err := p.whoami(t, nil, nil); err == nil || !strings.Contains(err.Error(), "DIFYPLUGIN_AMBIENT_AWS=on") {
				t.Errorf("the refusal does not name the switch: %v", err)
			}
			if len(p.Box.Requests()) > 0 || len(p.Box.Refused()) > 0 || len(metadata.visits()) > 0 {
				t.Errorf("something was sent: %v, %v, %v", p.Box.Requests(), p.Box.Refused(), metadata.visits())
			}
		})
	}
}

func TestA28_GivenCredentialsAreUsedWhateverTheEnvironmentHolds(t *testing.T) {
	for _, setting := range []string{"off", "on"} {
		metadata := newTrap(t, containerAnswer)
		folder, environment := polluted(t, metadata.URL)
		p := startIn(t, folder, "plugin", append(environment, "DIFYPLUGIN_AMBIENT_AWS="+setting)...)
		if arn, err := p.whoami(t, saved(), nil); arn != "arn:aws:iam::123456789012:user/tester" {
			t.Errorf("acts as %s, %v", arn, err)
		}
		if arn, err := p.whoami(t, roleFields(), nil); arn != assumed {
			t.Errorf("acts as %s, %v", arn, err)
		}
		var hosts []string
		for _, request := range p.Box.Requests() {
			hosts = append(hosts, request.Host)
		}
		want := []string{"sts.us-east-1.amazonaws.com", "sts.eu-west-1.amazonaws.com", "sts.eu-west-1.amazonaws.com"}
		if diff := cmp.Diff(want, hosts); diff != "" || len(p.Box.Refused()) > 0 || len(metadata.visits()) > 0 {
			t.Errorf("%v, %v, hosts: -want +got\n%s", p.Box.Refused(), metadata.visits(), diff)
		}
	}
}

func TestTheIdentityOfTheMachineIsUsedWhenTheOperatorAllowsIt(t *testing.T) {
	const other = "arn:aws:iam::222222222222:user/other"
	metadata := newTrap(t, containerAnswer)
	daemon := []string{"AWS_ACCESS_KEY=" + tempID, "AWS_SECRET_KEY=" + tempSecret}
	for _, tt := range []struct {
		name        string
		environment []string
		home        string // content of the shared credentials file
		arn, fails  string
	}{
		{"the environment", []string{"AWS_ACCESS_KEY_ID=" + otherID, "AWS_SECRET_ACCESS_KEY=" + otherSecret}, "", other, ""},
		{"a session in the environment", []string{"AWS_ACCESS_KEY_ID=" + tempID, "AWS_SECRET_ACCESS_KEY=" + tempSecret, "AWS_SESSION_TOKEN=" + tempToken}, "", "arn:aws:iam::123456789012:user/temp", ""},
		{"a file", nil, "[default]\naws_access_key_id=" + otherID + "\naws_secret_access_key=" + otherSecret, other, ""},
		{"a profile", []string{"AWS_PROFILE=p"}, "[p]\naws_access_key_id=" + otherID + "\naws_secret_access_key=" + otherSecret, other, ""},
		{"a container", []string{"AWS_CONTAINER_CREDENTIALS_FULL_URI=" + metadata.URL + "/container"}, "", other, ""},
		{"a file beside the daemon's keys", daemon, "[default]\naws_access_key_id=" + otherID + "\naws_secret_access_key=" + otherSecret, other, ""},
		{"a container beside the daemon's keys", append(slices.Clone(daemon), "AWS_CONTAINER_CREDENTIALS_FULL_URI="+metadata.URL+"/container"), "", other, ""},
		{"a web identity beside the daemon's keys", append(slices.Clone(daemon), "AWS_WEB_IDENTITY_TOKEN_FILE=.aws/credentials", "AWS_ROLE_ARN="+roles.Roles[0].ARN(roles)), "a token", "", "AssumeRoleWithWebIdentity"},
		{"a profile that is not there", append(slices.Clone(daemon), "AWS_PROFILE=none", "AWS_CONTAINER_CREDENTIALS_FULL_URI="+metadata.URL+"/container"), "", "", "no AWS credentials were found"},
		{"the keys of the daemon's own storage", []string{"AWS_ACCESS_KEY=" + otherID, "AWS_SECRET_KEY=" + otherSecret}, "", "", "no AWS credentials were found"},
		{"a pair that only the two together make", []string{"AWS_ACCESS_KEY_ID=" + otherID, "AWS_SECRET_KEY=" + otherSecret}, "", "", "no AWS credentials were found"},
		{"the other such pair", []string{"AWS_ACCESS_KEY=" + otherID, "AWS_SECRET_ACCESS_KEY=" + otherSecret}, "", "", "no AWS credentials were found"},
		{"a profile that leads to the daemon's keys", []string{"AWS_ACCESS_KEY=" + otherID, "AWS_SECRET_KEY=" + otherSecret, "AWS_PROFILE=p"}, "[p]\nrole_arn=" + roles.Roles[0].ARN(roles) + "\ncredential_source=Environment\nregion=us-east-1", "", "no AWS credentials were found"},
		{"a web identity", []string{"AWS_WEB_IDENTITY_TOKEN_FILE=.aws/credentials", "AWS_ROLE_ARN=" + roles.Roles[0].ARN(roles)}, "a token", "", "AssumeRoleWithWebIdentity"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			folder := t.TempDir()
			if tt.home != "" {
				err := errors.Join(os.Mkdir(filepath.Join(folder, ".aws"), 0o700), os.WriteFile(filepath.Join(folder, ".aws", "credentials"), []byte(tt.home), 0o600))
				if err != nil {
					t.Fatal(err)
				}
			}
			p := startIn(t, folder, "plugin", append(slices.Clone(tt.environment), "DIFYPLUGIN_AMBIENT_AWS=on", "AWS_EC2_METADATA_DISABLED=true")...)
			arn, err := p.whoami(t, fields("region", "eu-west-1"), nil)
			if tt.fails == "" && (arn != tt.arn || err != nil) {
				t.Errorf("acts as %s, %v", arn, err)
			}
			if tt.fails != "" && (err == nil || !strings.Contains(err.Error(), tt.fails)) {
				t.Errorf("acts as %s, %v", arn, err)
			}
			for _, call := range p.Calls() {
				if call.AccessKeyID == otherID && tt.arn != other {
					t.Errorf("a request was signed with keys that are not the plugin's: %s", call.Name())
				}
			}
			p.Forget()
			if _, err := p.whoami(t, fields("endpoint", "https://elsewhere.example.com"), nil); err == nil || !strings.Contains(err.Error(), "never shown to an endpoint") {
				t.Errorf("an endpoint of a user's: %v", err)
			}
			if _, err := p.whoami(t, fields("id", toolstest.AccessKeyID), nil); err == nil || !strings.Contains(err.Error(), "but not aws_secret_access_key") {
				t.Errorf("half a pair: %v", err)
			}
			if len(p.Calls()) > 0 || len(p.Box.Refused()) > 0 {
				t.Errorf("something was sent: %v, %v", p.Operations(), p.Box.Refused())
			}
		})
	}
}

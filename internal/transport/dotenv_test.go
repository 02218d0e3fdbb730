package transport_test

import (
	"errors"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/cloudplugins/difyplugin/internal/transport"
)

func TestSettingsAreReadFromDotEnv(t *testing.T) {
	tests := []struct {
		name, text string
		want       transport.DotEnv
	}{
		{"an empty file", "", transport.DotEnv{}},
		{"the file that Dify's template makes", "INSTALL_METHOD=remote\nREMOTE_INSTALL_URL=debug.dify.ai:5003\nREMOTE_INSTALL_KEY=1b0f-0d5e\n", transport.DotEnv{
			"INSTALL_METHOD": "remote", "REMOTE_INSTALL_URL": "debug.dify.ai:5003", "REMOTE_INSTALL_KEY": "1b0f-0d5e",
		}},
		{"no newline at the end", "A=1", transport.DotEnv{"A": "1"}},
		{"lines of Windows and a byte order mark", "\ufeffA=1\r\n\r\nB=2\r\n", transport.DotEnv{"A": "1", "B": "2"}},
		{"comments and blank lines", "# one\n\n  # two\nA=1\n", transport.DotEnv{"A": "1"}},
		{"blanks around name and value", "  A =  x y  \n", transport.DotEnv{"A": "x y"}},
		{"the word export", "export A=1\nexport  B = 2\n", transport.DotEnv{"A": "1", "B": "2"}},
		{"a variable called export", "export=1\n", transport.DotEnv{"EXPORT": "1"}},
		{"a name in lower case", "install_method=remote\n", transport.DotEnv{"INSTALL_METHOD": "remote"}},
		{"no value", "A=\nB=\"\"\nC=''\n", transport.DotEnv{"A": "", "B": "", "C": ""}},
		{"a comment behind a value", "A=1 # one\nB=\t# nothing\n", transport.DotEnv{"A": "1", "B": ""}},
		{"a # inside a value", "A=1#2\nB='3 # 4'\nC=\"5 # 6\" # seven\n", transport.DotEnv{"A": "1#2", "B": "3 # 4", "C": "5 # 6"}},
		{"an = inside a value", "A=b=c==\n", transport.DotEnv{"A": "b=c=="}},
		{"single quotes", `A='a\n"$B"'`, transport.DotEnv{"A": `a\n"$B"`}},
		{"double quotes", `A="a\n\t\"\\'$B "`, transport.DotEnv{"A": "a\n\t\"\\'$B "}},
		{"quotes inside a value", `A=it's "so"`, transport.DotEnv{"A": `it's "so"`}},
		{"a name with digits", "_A1=x", transport.DotEnv{"_A1": "x"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := transport.ReadDotEnv(fstest.MapFS{".env": {Data: []byte(test.text)}})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("settings (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDotEnvIsRefusedWithTheLineAndWithoutItsContent(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"a line without =", "A=1\ns3cr3t\n", ".env, line 2: a setting is written KEY=value"},
		{"no name", "=s3cr3t", "line 1: the name before = must be"},
		{"a name that starts with a digit", "1A=s3cr3t", "line 1: the name before = must be"},
		{"a name with a dash", "\n\ns3cr3t-x=1", "line 3: the name before = must be"},
		{"a name of two words", "set A=s3cr3t", "line 1: the name before = must be"},
		{"an open single quote", "A='s3cr3t", "line 1: the quote is not closed"},
		{"an open double quote", "A=\"s3cr3t\nB=1\"", "line 1: the quote is not closed"},
		{"a backslash at the end", `A="s3cr3t\`, "line 1: the quote is not closed"},
		{"an escape that nobody knows", `A="s3cr3t\x"`, "line 1: in double quotes a backslash"},
		{"words behind a quote", `A="s3cr3t" B`, "line 1: something follows the closing quote"},
		{"a name that comes twice", "A=1\na=s3cr3t", "line 2: this name was set in an earlier line"},
		{"a file that cannot be settings", "A=" + strings.Repeat("s3cr3t", 20_000), "larger than 65536 bytes"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			env, err := transport.ReadDotEnv(fstest.MapFS{".env": {Data: []byte(test.text)}})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("got %v, %v, want an error with %q", env, err, test.want)
			}
			if strings.Contains(err.Error(), "s3cr3t") {
				t.Errorf("the error quotes the file: %v", err)
			}
		})
	}
}

func TestAMissingDotEnvIsNoError(t *testing.T) {
	env, err := transport.ReadDotEnv(fstest.MapFS{})
	if err != nil || len(env) != 0 {
		t.Errorf("got %v, %v, want nothing", env, err)
	}
}

func TestADotEnvThatCannotBeReadIsAnError(t *testing.T) {
	if env, err := transport.ReadDotEnv(lockedFolder{}); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("got %v, %v, want %v", env, err, fs.ErrPermission)
	}
	if env, err := transport.ReadDotEnv(fstest.MapFS{".env/x": {}}); err == nil {
		t.Errorf("got %v from a folder called .env, want an error", env)
	}
}

type lockedFolder struct{}

func (lockedFolder) Open(string) (fs.File, error) { return nil, fs.ErrPermission }

func TestTheProcessEnvironmentWinsOverDotEnv(t *testing.T) {
	process := map[string]string{"A": "process", "EMPTY": ""}
	getenv := transport.DotEnv{"A": "file", "B": "file", "EMPTY": "file"}.Getenv(func(name string) (string, bool) {
		value, ok := process[name]
		return value, ok
	})
	got := map[string]string{}
	for _, name := range []string{"A", "B", "b", "EMPTY", "C"} {
		got[name] = getenv(name)
	}
	want := map[string]string{"A": "process", "B": "file", "b": "file", "EMPTY": "", "C": ""}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
}

func TestAnyValueCanBeWrittenInDoubleQuotes(t *testing.T) {
	escape := strings.NewReplacer("\\", `\\`, "\"", `\"`, "\n", `\n`, "\t", `\t`)
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.String().Draw(t, "value")
		env, err := transport.ReadDotEnv(fstest.MapFS{".env": {Data: []byte(`A="` + escape.Replace(want) + `" # comment` + "\n")}})
		if err != nil || env["A"] != want {
			t.Fatalf("got %q, %v, want %q", env["A"], err, want)
		}
	})
}

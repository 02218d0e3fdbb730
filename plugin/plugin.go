package plugin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"
)

// Part is one thing that a plugin can do. See [Tool], [ToolCredentials], [Options] and [Drive].
type Part interface {
	// register adds the part, or says why it cannot be added.
	register(p *Plugin) error
}

// Plugin is a set of declarations and parts, ready to serve.
type Plugin struct {
	declarations fs.FS
	tools        map[string]*tool
	checkTool    func(ctx context.Context, c Credentials) error
	options      map[optionsKey]listOptions
	driveName    string
	drive        OnlineDrive

	limits limits
	budget *budget
	fetch  *fetchSource
	idle   idle
	born   time.Time

	secretsOnce sync.Once
	secrets     map[string]bool
}

// Main serves the plugin and does not return. The declarations are the folder of manifest.yaml, embedded with every file
// that is named there, the icons and the privacy policy included. INSTALL_METHOD says how requests come:
//
//	local        over standard input and output, from the host that started the process; the default
//	remote       from a Dify that runs elsewhere, to debug a plugin where it is written: REMOTE_INSTALL_URL (host:port)
//	             and REMOTE_INSTALL_KEY say which, in the environment or in a file .env in the working directory
//	serverless   over HTTP, on SERVERLESS_HOST and SERVERLESS_PORT
//
// A plugin that cannot start says why on standard error and exits with 2. With the argument "check" it compares the
// declarations with the parts instead, prints every disagreement, and exits with 1 if there was one.
func Main(declarations fs.FS, parts ...Part) {
	os.Exit(run(declarations, parts, os.Args[1:]))
}

// New makes a plugin of its parts, for [Main] and for tests. The error names every part that cannot be served.
func New(declarations fs.FS, parts ...Part) (*Plugin, error) {
	return newPlugin(declarations, parts, os.Getenv)
}

func newPlugin(declarations fs.FS, parts []Part, getenv func(string) string) (*Plugin, error) {
	p := &Plugin{
		declarations: declarations,
		tools:        map[string]*tool{},
		options:      map[optionsKey]listOptions{},
		born:         time.Now(),
	}
	if err := p.configure(getenv); err != nil {
		return nil, err
	}
	var faults []error
	for _, part := range parts {
		if err := part.register(p); err != nil {
			faults = append(faults, err)
		}
	}
	if len(parts) == 0 {
		faults = append(faults, errors.New("a plugin without parts can do nothing: give Main a Tool or a Drive"))
	}
	return p, errors.Join(faults...)
}

// Tool is a tool of the provider. Its name is the identity.name in its YAML. In is a struct whose fields receive the
// parameters, see the package comment.
func Tool[In any](name string, run func(ctx context.Context, call *Call, in In) error) Part {
	return newToolPart(name, run)
}

// ToolCredentials is the check that runs when a user saves credentials for the provider of the tools. A nil error
// accepts them; the text of any other is shown in the form. Without this part all credentials are accepted.
func ToolCredentials(check func(ctx context.Context, c Credentials) error) Part {
	return registration(func(p *Plugin) error {
		if check == nil || p.checkTool != nil {
			return errors.New("ToolCredentials: give exactly one check")
		}
		p.checkTool = check
		return nil
	})
}

// Option is one choice of a dynamic-select parameter.
type Option struct {
	// Value is what the tool receives; it is not empty.
	Value string
	// Label is what the user reads, by locale: en_US, zh_Hans, ja_JP, pt_BR. Without en_US the value is shown.
	Label map[string]string
	// Icon is the URL of a picture; it may be empty.
	Icon string
}

// Options lists the choices of a parameter of type dynamic-select. Only the credentials are known then, not what
// the user chose elsewhere in the form.
func Options(tool, parameter string, list func(ctx context.Context, call *Call) ([]Option, error)) Part {
	return registration(func(p *Plugin) error {
		key := optionsKey{tool, parameter}
		if list == nil || p.options[key] != nil {
			return fmt.Errorf("Options(%q, %q): give exactly one function", tool, parameter)
		}
		p.options[key] = list
		return nil
	})
}

// Drive is a data source that is browsed like a drive. Its name is the identity.name in its YAML.
func Drive(name string, drive OnlineDrive) Part {
	return registration(func(p *Plugin) error {
		if drive == nil || p.drive != nil {
			return fmt.Errorf("Drive(%q): give exactly one drive", name)
		}
		p.driveName, p.drive = name, drive
		return nil
	})
}

type registration func(p *Plugin) error

func (r registration) register(p *Plugin) error { return r(p) }

type (
	optionsKey  struct{ tool, parameter string }
	listOptions func(ctx context.Context, call *Call) ([]Option, error)
)

// compare orders keys by tool, then by parameter.
func (k optionsKey) compare(other optionsKey) int {
	return cmp.Or(cmp.Compare(k.tool, other.tool), cmp.Compare(k.parameter, other.parameter))
}

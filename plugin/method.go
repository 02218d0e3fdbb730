package plugin

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/cloudplugins/difyplugin/internal/transport"
	"github.com/cloudplugins/difyplugin/manifest"
)

// installMethod is the variable by which a host says how it speaks with a plugin.
const installMethod = "INSTALL_METHOD"

// serve is how requests reach a plugin. It returns when ctx ends or when no more can come.
type serve func(ctx context.Context, handle transport.Handler) error

// method chooses the transport.
func (p *Plugin) method(getenv func(string) string) (serve, error) {
	switch name := strings.ToLower(strings.TrimSpace(getenv(installMethod))); name {
	case "", "local":
		stdio := transport.Stdio{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, MaxLine: p.limits.line, ParentPID: os.Getppid}
		return stdio.Serve, nil
	case "remote":
		return p.debug(getenv)
	case "serverless":
		function, err := transport.ServerlessFromEnv(getenv)
		if err != nil {
			return nil, err
		}
		function.MaxLine, function.Err = p.limits.line, os.Stderr
		return function.Serve, nil
	default:
		return nil, fmt.Errorf("%s is %q: there are local, remote and serverless", installMethod, name)
	}
}

// debug connects to a Dify that runs elsewhere, which has to be told what the plugin declares.
func (p *Plugin) debug(getenv func(string) string) (serve, error) {
	address, key, err := transport.DebugAddress(getenv)
	if err != nil {
		return nil, err
	}
	declared, err := debugDeclarations(p.declarations)
	if err != nil {
		return nil, err
	}
	remote := transport.Debug{Address: address, Key: key, Declarations: declared, Err: os.Stderr}
	return remote.Serve, nil
}

func debugDeclarations(declarations fs.FS) (transport.Declarations, error) {
	declared, err := manifest.Load(declarations)
	if err != nil {
		return transport.Declarations{}, fmt.Errorf("the declarations have faults:\n%w", err)
	}
	assets, err := fs.Sub(declarations, "_assets")
	if err != nil {
		return transport.Declarations{}, err
	}
	all := transport.Declarations{Assets: assets}
	if all.Manifest, err = json.Marshal(declared); err != nil {
		return all, fmt.Errorf("write the manifest as JSON: %w", err)
	}
	if declared.Tools != nil {
		all.Tools, err = json.Marshal([]any{declared.Tools})
	}
	if err == nil && declared.Datasources != nil {
		all.Datasources, err = json.Marshal([]any{declared.Datasources})
	}
	if err == nil && declared.Endpoints != nil {
		all.Endpoints, err = json.Marshal([]any{declared.Endpoints})
	}
	if err != nil {
		return all, fmt.Errorf("write the declarations as JSON: %w", err)
	}
	return all, nil
}

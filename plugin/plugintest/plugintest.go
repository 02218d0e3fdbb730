// Package plugintest runs a plugin in memory, for its tests. The plugin is served exactly as in production, over the
// same protocol; the other end is package host in its strict mode, so that a message which Dify would refuse or drop
// fails the test.
//
//	func TestGreet(t *testing.T) {
//		p := plugintest.Run(t, declarations, plugin.Tool("greet", Greet))
//		result, err := p.Tool(t.Context(), p.As(nil), "greet", map[string]any{"name": "Ada"})
//		if err != nil {
//			t.Fatal(err)
//		}
//		if result.Text != "Hello, Ada!\n" {
//			t.Errorf("greet said %q", result.Text)
//		}
//	}
//
// A failure of the tool is a [*host.PluginError], which holds the kind and the text that Dify gets to see.
package plugintest

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"sync"
	"testing"

	"github.com/cloudplugins/difyplugin/host"
	"github.com/cloudplugins/difyplugin/manifest"
	"github.com/cloudplugins/difyplugin/plugin"
)

// Plugin is a plugin under test. Its methods Tool, ValidateTool, Options, Browse, Download and so on are the calls that
// Dify makes.
type Plugin struct {
	*host.Conn

	// Dify is what the plugin calls back into: storage in memory, uploads into a folder of the test's.
	Dify *host.Dify

	provider string
	logs     *logs
}

// Run starts a plugin for the time of the test. It stops the test when the plugin cannot start, or when its
// declarations and its parts disagree, and fails the test at the end for every breach of the protocol.
func Run(t testing.TB, declarations fs.FS, parts ...plugin.Part) *Plugin {
	t.Helper()
	p, err := plugin.New(declarations, parts...)
	if err != nil {
		t.Fatalf("the plugin cannot start: %v", err)
	}
	if err := p.Check(); err != nil {
		t.Fatalf("declarations and parts disagree:\n%v", err)
	}
	declared, err := manifest.Load(declarations)
	if err != nil {
		t.Fatal(err)
	}
	dify, err := host.NewDify(host.DifyOptions{Folder: t.TempDir(), Permissions: permissions(declared)})
	if err != nil {
		t.Fatal(err)
	}
	under := &Plugin{Dify: dify, provider: declared.ProviderName(), logs: &logs{}}
	under.Conn = connect(t, p, host.Options{Strict: true, Backend: dify, OnLog: under.logs.add})
	t.Cleanup(func() {
		if err := dify.Close(); err != nil {
			t.Errorf("the stand-in for Dify: %v", err)
		}
	})
	return under
}

// connect serves the plugin over a pair of pipes until the test ends.
func connect(t testing.TB, p *plugin.Plugin, opts host.Options) *host.Conn {
	t.Helper()
	requests, toPlugin := io.Pipe()
	results, fromPlugin := io.Pipe()
	var stderr bytes.Buffer
	served := make(chan error, 1)
	go func() {
		err := p.Serve(context.Background(), requests, fromPlugin, &stderr, nil)
		fromPlugin.Close()
		served <- err
	}()
	conn := host.Connect(toPlugin, results, opts)
	t.Cleanup(func() {
		if err := conn.Close(); err != nil {
			t.Errorf("the plugin broke the protocol: %v", err)
		}
		if err := <-served; err != nil {
			t.Errorf("the plugin stopped: %v", err)
		}
	})
	return conn
}

// As is a caller with these credentials, which may be nil.
func (p *Plugin) As(credentials map[string]any) host.Caller {
	return host.Caller{UserID: "user-1", Provider: p.provider, Credentials: credentials, CredentialType: "api-key"}
}

// Logs are the lines that the plugin has written to the host's log so far.
func (p *Plugin) Logs() []host.Log { return p.logs.all() }

// permissions grants what the manifest asks for, as Dify does.
func permissions(declared *manifest.Plugin) host.Permissions {
	asked := declared.Resource.Permission
	return host.Permissions{
		Tool: asked.AllowsTools(), Storage: asked.StorageSize() > 0, StorageSize: asked.StorageSize(),
	}
}

type logs struct {
	mu    sync.Mutex
	lines []host.Log
}

func (l *logs) add(line host.Log) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, line)
}

func (l *logs) all() []host.Log {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]host.Log(nil), l.lines...)
}

package plugin

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"reflect"
	"sync"

	"github.com/cloudplugins/difyplugin/manifest"
)

// tool is a registered tool. Its YAML is read at its first call.
type tool struct {
	name   string
	fields []field
	run    func(ctx context.Context, call *Call, b *binding) error

	once     sync.Once
	declared *manifest.Tool
	fault    error
}

func newToolPart[In any](name string, run func(ctx context.Context, call *Call, in In) error) Part {
	return registration(func(p *Plugin) error {
		if run == nil || p.tools[name] != nil {
			return fmt.Errorf("Tool(%q): give exactly one function", name)
		}
		fields, err := inputFields(reflect.TypeFor[In]())
		if err != nil {
			return fmt.Errorf("Tool(%q): %w", name, err)
		}
		p.tools[name] = &tool{name: name, fields: fields, run: func(ctx context.Context, call *Call, b *binding) error {
			var in In
			if err := b.into(reflect.ValueOf(&in).Elem()); err != nil {
				return err
			}
			return run(ctx, call, in)
		}}
		return nil
	})
}

func (t *tool) declaration(declarations fs.FS) (*manifest.Tool, error) {
	t.once.Do(func() { t.declared, t.fault = manifest.FindTool(declarations, t.name) })
	return t.declared, t.fault
}

func (t *tool) invoke(ctx context.Context, p *Plugin, call *Call, params map[string]any) error {
	declared, err := t.declaration(p.declarations)
	if err != nil {
		return Errorf(Unavailable, "the plugin's own declaration of %s cannot be read: %w", t.name, err)
	}
	b := &binding{fields: t.fields, declared: declared, params: params, files: p.fetch}
	call.redactor.add(b.secrets()...)
	return t.run(ctx, call, b)
}

// secretFields are the names of the provider's credentials of type secret-input; nil when they cannot be read.
func secretFields(declarations fs.FS) map[string]bool {
	credentials, err := providerCredentials(declarations)
	if err != nil {
		return nil
	}
	secret := map[string]bool{}
	for _, c := range credentials {
		secret[c.Name] = c.Type == "secret-input"
	}
	return secret
}

func providerCredentials(declarations fs.FS) ([]manifest.Credential, error) {
	m, err := manifest.ReadManifest(declarations)
	if err != nil {
		return nil, err
	}
	if len(m.Providers.Datasources) > 0 {
		provider, err := manifest.ReadDatasourceProvider(declarations, m.Providers.Datasources[0])
		if err != nil {
			return nil, err
		}
		return provider.Credentials, nil
	}
	if len(m.Providers.Tools) == 0 {
		return nil, errors.New("the manifest names no provider")
	}
	provider, err := manifest.ReadToolProvider(declarations, m.Providers.Tools[0])
	if err != nil {
		return nil, err
	}
	return provider.Credentials, nil
}

package pack

import (
	"errors"
	"fmt"
	"strings"

	"github.com/cloudplugins/difyplugin/manifest"
)

// An Identity is the name under which Dify knows a plugin and its provider.
// Workflows refer to tools by all three parts.
type Identity struct {
	// Author and Name are those of the manifest: a-z 0-9 _ - only.
	Author, Name string
	// Provider is the identity name of the provider of tools or datasources.
	Provider string
}

// ParseIdentity reads AUTHOR/NAME/PROVIDER.
func ParseIdentity(s string) (Identity, error) {
	parts := strings.Split(s, "/")
	if len(parts) != 3 || parts[0] == "" || parts[1] == "" || parts[2] == "" {
		return Identity{}, fmt.Errorf("the identity %q is not AUTHOR/NAME/PROVIDER, like acme/weather/weather", s)
	}
	return Identity{Author: parts[0], Name: parts[1], Provider: parts[2]}, nil
}

// String returns AUTHOR/NAME/PROVIDER.
func (id Identity) String() string { return id.Author + "/" + id.Name + "/" + id.Provider }

// assume rewrites the declarations among the entries of a plugin.
func (id Identity) assume(es entries, plugin *manifest.Plugin) error {
	return es.edit(manifest.Root, func(d *document) error {
		return errors.Join(d.set(id.Author, "author"), d.set(id.Name, "name"), id.assumeProviders(es, plugin))
	})
}

func (id Identity) assumeProviders(es entries, plugin *manifest.Plugin) error {
	var errs []error
	if p := plugin.Tools; p != nil {
		files := make([]string, len(p.Tools))
		for i, tool := range p.Tools {
			files[i] = tool.File
		}
		errs = append(errs, id.assumeProvider(es, p.File, "tools", files))
	}
	if p := plugin.Datasources; p != nil {
		files := make([]string, len(p.Datasources))
		for i, source := range p.Datasources {
			files[i] = source.File
		}
		errs = append(errs, id.assumeProvider(es, p.File, "datasources", files))
	}
	return errors.Join(errs...)
}

// assumeProvider rewrites a provider and its members, which stand in files of
// their own or in the provider's.
func (id Identity) assumeProvider(es entries, file, list string, members []string) error {
	return es.edit(file, func(d *document) error {
		err := errors.Join(d.set(id.Author, "identity", "author"), d.set(id.Provider, "identity", "name"))
		for i, member := range members {
			if member == file || member == "" {
				err = errors.Join(err, d.set(id.Author, list, i, "identity", "author"))
				continue
			}
			err = errors.Join(err, es.edit(member, func(d *document) error { return d.set(id.Author, "identity", "author") }))
		}
		return err
	})
}

// dropCredentials makes the provider ask for no credentials: Dify then offers
// the plugin without any, and calls it with what a tool's own parameters say.
func dropCredentials(es entries, plugin *manifest.Plugin) error {
	file := ""
	switch {
	case plugin.Tools != nil:
		file = plugin.Tools.File
	case plugin.Datasources != nil:
		file = plugin.Datasources.File
	default:
		return nil
	}
	return es.edit(file, func(d *document) error {
		return errors.Join(d.remove("credentials_for_provider"), d.remove("credentials_schema"), d.remove("oauth_schema"))
	})
}

// apply changes what the tool declares.
func (v Default) apply(es entries, plugin *manifest.Plugin) error {
	if plugin.Tools != nil {
		for _, tool := range plugin.Tools.Tools {
			if tool.Identity.Name != v.Tool || tool.File == "" || tool.File == plugin.Tools.File {
				continue
			}
			for i, parameter := range tool.Parameters {
				if parameter.Name == v.Parameter {
					return es.edit(tool.File, func(d *document) error { return d.add("default", v.Value, "parameters", i) })
				}
			}
		}
	}
	return fmt.Errorf("giving the parameter %s of the tool %s a default: the plugin declares no such parameter in a file of its own", v.Parameter, v.Tool)
}

// edit changes the text of a declaration.
func (es entries) edit(file string, change func(d *document) error) error {
	d := &document{file: file, text: string(es[file])}
	if err := change(d); err != nil {
		return err
	}
	es[file] = []byte(d.text)
	return nil
}

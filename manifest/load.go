package manifest

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Load reads and checks all declarations of the plugin whose root is fsys, and
// looks up every file that they mention. It returns the plugin, or all faults:
// the error is then of type [Faults].
//
// What the host fills in is filled in: a tool provider without description or
// tags has those of the manifest.
//
// Declarations are limited to 1 MiB per file, 16 MiB together and 64 levels of
// nesting. YAML aliases and merge keys are faults.
func Load(fsys fs.FS) (*Plugin, error) {
	return load(newReader(fsys))
}

func load(r *reader) (*Plugin, error) {
	r.whole = true
	p := &Plugin{}
	p.follow(r.readRoot(&p.Manifest))
	if err := r.err(); err != nil {
		return nil, err
	}
	return p, nil
}

// ReadManifest reads manifest.yaml alone. What is wrong with it is returned as
// [Faults].
func ReadManifest(fsys fs.FS) (*Manifest, error) {
	r, m := newReader(fsys), &Manifest{}
	r.readRoot(m)
	return result(r, m)
}

// ReadToolProvider reads the file of a tool provider alone. The tools that have
// files of their own are listed in ToolFiles. What is wrong with the file is
// returned as [Faults].
func ReadToolProvider(fsys fs.FS, file string) (*ToolProvider, error) {
	p := &ToolProvider{File: file}
	return readFile(fsys, file, p)
}

// ReadTool reads the file of a tool alone. What is wrong with it is returned as
// [Faults].
func ReadTool(fsys fs.FS, file string) (*Tool, error) {
	return readFile(fsys, file, &Tool{File: file})
}

// ReadDatasourceProvider reads the file of a datasource provider alone. The
// datasources that have files of their own are listed in DatasourceFiles. What
// is wrong with the file is returned as [Faults].
func ReadDatasourceProvider(fsys fs.FS, file string) (*DatasourceProvider, error) {
	return readFile(fsys, file, &DatasourceProvider{File: file})
}

// ReadDatasource reads the file of a datasource alone. What is wrong with it is
// returned as [Faults].
func ReadDatasource(fsys fs.FS, file string) (*Datasource, error) {
	return readFile(fsys, file, &Datasource{File: file})
}

// FindTool reads the tool with an identity name, the name that requests carry.
// It tries the listed file of that name first, then reads the listed files one
// by one. An error names the tool and where it was looked for.
func FindTool(fsys fs.FS, name string) (*Tool, error) {
	m, err := ReadManifest(fsys)
	if err != nil {
		return nil, fmt.Errorf("finding the tool %s: %w", quoted(name), err)
	}
	if len(m.Providers.Tools) == 0 {
		return nil, fmt.Errorf("finding the tool %s: %s names no file under plugins.tools", quoted(name), Root)
	}
	provider, err := ReadToolProvider(fsys, m.Providers.Tools[0])
	if err != nil {
		return nil, fmt.Errorf("finding the tool %s: %w", quoted(name), err)
	}
	return provider.find(fsys, name)
}

func (p *ToolProvider) find(fsys fs.FS, name string) (*Tool, error) {
	for _, t := range p.Tools {
		if t.Identity.Name == name {
			return t, nil
		}
	}
	var broken []error
	for _, file := range likelyFirst(p.ToolFiles, name) {
		t, err := ReadTool(fsys, file)
		switch {
		case err != nil:
			broken = append(broken, err)
		case t.Identity.Name == name:
			return t, nil
		}
	}
	err := fmt.Errorf("finding the tool %s: no file listed in %s has this identity.name; add the tool to its list of tools", quoted(name), p.File)
	for _, b := range broken {
		err = fmt.Errorf("%w\n%w", err, b)
	}
	return nil, err
}

// likelyFirst moves the file whose name is the tool's name to the front.
func likelyFirst(files []string, name string) []string {
	stem := func(file string) string { return strings.TrimSuffix(path.Base(file), path.Ext(file)) }
	sorted := slices.Clone(files)
	slices.SortStableFunc(sorted, func(a, b string) int {
		switch {
		case stem(a) == name && stem(b) != name:
			return -1
		case stem(a) != name && stem(b) == name:
			return 1
		}
		return 0
	})
	return sorted
}

// ProviderName returns the identity name of the plugin's provider, of tools or
// of datasources.
func ProviderName(fsys fs.FS) (string, error) {
	m, err := ReadManifest(fsys)
	if err != nil {
		return "", fmt.Errorf("finding the provider's name: %w", err)
	}
	switch {
	case len(m.Providers.Tools) > 0:
		p, err := ReadToolProvider(fsys, m.Providers.Tools[0])
		if err != nil {
			return "", fmt.Errorf("finding the provider's name: %w", err)
		}
		return p.Identity.Name, nil
	case len(m.Providers.Datasources) > 0:
		p, err := ReadDatasourceProvider(fsys, m.Providers.Datasources[0])
		if err != nil {
			return "", fmt.Errorf("finding the provider's name: %w", err)
		}
		return p.Identity.Name, nil
	}
	return "", fmt.Errorf("finding the provider's name: %s lists neither tools nor datasources under plugins", Root)
}

// readFile reads one declaration into dst, which it returns.
func readFile[T any, P interface {
	*T
	record
}](fsys fs.FS, file string, dst P,
) (P, error) {
	r := newReader(fsys)
	r.readInto(file, dst)
	return result(r, dst)
}

func result[P any](r *reader, dst P) (P, error) {
	if err := r.err(); err != nil {
		var none P
		return none, err
	}
	return dst, nil
}

func (r *reader) readRoot(m *Manifest) mapping { return r.readInto(Root, m) }

func (r *reader) readInto(file string, dst record) mapping {
	root, ok, err := r.open(file)
	if err != nil {
		r.add(Fault{File: file, Message: err.Error()})
	}
	if !ok {
		return mapping{}
	}
	return root.into(dst)
}

// follow reads the provider files that the manifest names.
func (p *Plugin) follow(root mapping) {
	plugins := root.at("plugins").mapping()
	followAll(plugins.at("tools"), func(file string) record {
		p.Tools = &ToolProvider{File: file}
		return p.Tools
	})
	followAll(plugins.at("datasources"), func(file string) record {
		p.Datasources = &DatasourceProvider{File: file}
		return p.Datasources
	})
	followAll(plugins.at("endpoints"), func(file string) record {
		p.Endpoints = &EndpointGroup{File: file}
		return p.Endpoints
	})
	p.inherit(root)
}

// followAll reads each file of a list, although a second provider is a fault
// already, so that the faults inside are known too.
func followAll(list value, add func(file string) record) {
	for _, item := range list.items() {
		file := item.node.Value
		if item.node.Kind != yaml.ScalarNode || isFilePath(file) != "" {
			continue // reported when the manifest was read
		}
		if root, ok := item.follow(file); ok {
			root.into(add(file))
		}
	}
}

// inherit does what the host does for a tool provider that leaves out its
// description or its tags.
func (p *Plugin) inherit(root mapping) {
	if p.Tools == nil {
		return
	}
	id := &p.Tools.Identity
	if id.Description.EnUS == "" {
		id.Description = p.Description
	}
	if len(id.Tags) > 0 {
		return
	}
	id.Tags = slices.Clone(p.Tags)
	for _, item := range root.at("tags").items() {
		tag := item.node.Value
		if slices.Contains(tags, tag) && !slices.Contains(toolTags, tag) {
			item.faultf("passes to the tool provider, which has no tags of its own and must not have %s; give it other tags", tag)
		}
	}
}

// filePath reads a path that a declaration mentions.
func (v value) filePath() (string, bool) {
	var file string
	text(&file)(v)
	if file == "" {
		return "", false
	}
	if complaint := isFilePath(file); complaint != "" {
		v.faultf("%s", complaint)
		return "", false
	}
	return file, true
}

// follow opens the declaration that v mentions. It does so in a whole check
// only, and reports there what is wrong with the file.
func (v value) follow(file string) (value, bool) {
	r := v.src.reader
	if !r.whole {
		return value{}, false
	}
	if r.opened[file] {
		v.faultf("mentions the file %s again; mention it once", quoted(file))
		return value{}, false
	}
	r.opened[file] = true
	if complaint := r.missing(file); complaint != "" {
		v.faultf("%s", complaint)
		return value{}, false
	}
	root, ok, err := r.open(file)
	if err != nil {
		v.faultf("%s", err)
	}
	return root, ok
}

package manifest

import "go.yaml.in/yaml/v3"

// An EndpointGroup is a set of HTTP endpoints that the host opens for a
// plugin, alone or beside tools.
type EndpointGroup struct {
	// Settings is what a user enters when opening the endpoints.
	Settings  List[Credential] `json:"settings"`
	Endpoints List[Endpoint]   `json:"endpoints"`

	// File is the path of the group's declaration.
	File string `json:"-"`
}

func (g *EndpointGroup) fields() []field {
	return []field{
		may("settings", credentialList(&g.Settings)),
		must("endpoints", filled(g.readEndpoints)).or(": a list of the endpoints' files"),
		ignored("extra"),
	}
}

func (g *EndpointGroup) readEndpoints(v value) {
	if !v.is(yaml.SequenceNode, "a list of files") {
		return
	}
	for _, item := range v.items() {
		at := item
		if item.node.Kind != yaml.MappingNode {
			file, ok := item.filePath()
			if !ok {
				continue
			}
			if at, ok = item.follow(file); !ok {
				continue
			}
		}
		var e Endpoint
		at.into(&e)
		g.Endpoints = append(g.Endpoints, e)
	}
}

// An Endpoint is one path and method of a group.
type Endpoint struct {
	// Path may hold <name> placeholders.
	Path string `json:"path"`
	// Method is one of HEAD, GET, POST, PUT, DELETE and OPTIONS.
	Method string `json:"method"`
	Hidden bool   `json:"hidden"`
}

var methods = []string{"HEAD", "GET", "POST", "PUT", "DELETE", "OPTIONS"}

func (e *Endpoint) fields() []field {
	return []field{
		must("path", text(&e.Path)),
		must("method", text(&e.Method, oneOf(methods))),
		may("hidden", boolean(&e.Hidden)),
		ignored("extra"),
	}
}

// Command echo is a plugin with one tool, which says what it is told. The Python files beside it are the same plugin
// on Dify's SDK, with the same declarations.
package main

import (
	"context"
	"embed"

	"github.com/cloudplugins/difyplugin/plugin"
)

//go:embed manifest.yaml provider/*.yaml tools/*.yaml all:_assets
var declarations embed.FS

func main() {
	plugin.Main(declarations, plugin.Tool("echo", echo))
}

type echoInput struct {
	Text string `param:"text"`
}

func echo(_ context.Context, call *plugin.Call, in echoInput) error {
	return call.Text(in.Text)
}

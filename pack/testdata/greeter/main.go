// The plugin greeter is what the tests of package pack build.
package main

import (
	"context"
	"embed"

	"github.com/cloudplugins/difyplugin/plugin"
)

//go:embed manifest.yaml PRIVACY.md provider tools all:_assets
var declarations embed.FS

type greetInput struct {
	Name string `param:"name"`
}

func greet(_ context.Context, call *plugin.Call, in greetInput) error {
	return call.Text("Hello, " + in.Name + "!")
}

func wave(_ context.Context, call *plugin.Call, _ struct{}) error {
	return call.Text("o/")
}

func main() {
	plugin.Main(declarations, plugin.Tool("greet", greet), plugin.Tool("wave", wave))
}

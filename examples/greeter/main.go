// Command greeter is a whole Dify plugin in two files: this one says what it can do, greet.go does it.
//
//	go run ../../cmd/difyplugin call . tool greet name=Ada times=2
package main

import (
	"embed"

	"github.com/cloudplugins/difyplugin/plugin"
)

//go:embed manifest.yaml provider tools all:_assets
var declarations embed.FS

func main() {
	plugin.Main(declarations, parts()...)
}

func parts() []plugin.Part {
	return []plugin.Part{
		plugin.ToolCredentials(checkPassword),
		plugin.Tool("greet", greet),
	}
}

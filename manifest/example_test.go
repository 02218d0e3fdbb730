package manifest_test

import (
	"encoding/json"
	"fmt"
	"testing/fstest"

	"github.com/cloudplugins/difyplugin/manifest"
)

// A plugin usually embeds its declarations; os.DirFS serves a folder.
var declarations = fstest.MapFS{
	"manifest.yaml": &fstest.MapFile{Data: []byte(`
version: 0.0.1
type: plugin
author: acme
name: weather
label: {en_US: Weather}
description: {en_US: Looks out of the window}
icon: icon.svg
created_at: 2025-09-05T10:00:00+08:00
resource: {memory: 268435456}
plugins: {tools: [provider/weather.yaml]}
meta:
  version: 0.0.1
  arch: [amd64, arm64]
  runner: {language: python, version: "3.12", entrypoint: main}
`)},
	"provider/weather.yaml": &fstest.MapFile{Data: []byte(`
identity: {author: acme, name: weather, label: {en_US: Weather}, icon: icon.svg}
tools: [tools/forecast.yaml]
`)},
	"tools/forecast.yaml": &fstest.MapFile{Data: []byte(`
identity: {author: acme, name: forecast, label: {en_US: Forecast}}
description: {human: {en_US: Tells the weather}, llm: Tells the weather.}
parameters:
  - name: days
    type: number
    form: llm
    default: three
    label: {en_US: Days}
    human_description: {en_US: How many}
    show_on: []
`)},
	"_assets/icon.svg": &fstest.MapFile{Data: []byte("<svg/>")},
}

func ExampleLoad() {
	_, err := manifest.Load(declarations)
	fmt.Println(err)
	// Output:
	// tools/forecast.yaml:8: parameters.days.default: must be a number, without quotes, not "three"
	// tools/forecast.yaml:11: parameters.days.show_on: is dropped by the host: parameters are always shown
}

func ExampleReadManifest() {
	m, err := manifest.ReadManifest(declarations)
	if err != nil {
		fmt.Println(err)
		return
	}
	encoded, err := json.Marshal(m.Meta)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(m.Author, m.Name, m.Version)
	fmt.Println(string(encoded))
	// Output:
	// acme weather 0.0.1
	// {"version":"0.0.1","arch":["amd64","arm64"],"runner":{"language":"python","version":"3.12","entrypoint":"main"}}
}

func ExampleProviderName() {
	name, err := manifest.ProviderName(declarations)
	fmt.Println(name, err)
	// Output: weather <nil>
}

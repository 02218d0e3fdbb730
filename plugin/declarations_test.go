package plugin

import (
	"encoding/json"
	"maps"
	"testing"
	"testing/fstest"
)

// object is a mapping of a declaration. Declarations are written as JSON here, which is YAML too.
type object = map[string]any

// declare returns the folder of a plugin with one provider of the given tools. The provider has two credentials,
// access_key, which is secret, and region.
func declare(t testing.TB, tools ...object) fstest.MapFS {
	t.Helper()
	folder := fstest.MapFS{"_assets/icon.svg": {Data: []byte("<svg/>")}}
	var files []string
	for _, tool := range tools {
		file := "tools/" + tool["identity"].(object)["name"].(string) + ".yaml"
		files = append(files, file)
		put(t, folder, file, tool)
	}
	put(t, folder, "manifest.yaml", manifestOf(object{"tools": []string{"provider/test.yaml"}}))
	put(t, folder, "provider/test.yaml", object{
		"identity": providerIdentity(),
		"credentials_schema": []object{
			{"name": "access_key", "type": "secret-input", "required": true, "label": english("Key")},
			{"name": "region", "type": "text-input", "label": english("Region")},
		},
		"tools": files,
	})
	return folder
}

// declareDrive returns the folder of a plugin with one datasource.
func declareDrive(t testing.TB, providerType, name string) fstest.MapFS {
	t.Helper()
	folder := fstest.MapFS{"_assets/icon.svg": {Data: []byte("<svg/>")}}
	put(t, folder, "manifest.yaml", manifestOf(object{"datasources": []string{"provider/test.yaml"}}))
	put(t, folder, "provider/test.yaml", object{
		"identity": providerIdentity(), "provider_type": providerType,
		"credentials_schema": []object{{"name": "access_key", "type": "secret-input", "label": english("Key")}},
		"datasources":        []string{"datasources/drive.yaml"},
	})
	put(t, folder, "datasources/drive.yaml", object{
		"identity":    object{"author": "acme", "name": name, "label": english("Drive"), "icon": "icon.svg"},
		"description": english("A drive"), "parameters": []object{},
	})
	return folder
}

// declareNothing is an empty folder.
var declareNothing = fstest.MapFS{}

// declareNoProvider returns the folder of a plugin that has a manifest only.
func declareNoProvider(t testing.TB) fstest.MapFS {
	t.Helper()
	folder := fstest.MapFS{}
	put(t, folder, "manifest.yaml", manifestOf(object{}))
	return folder
}

func put(t testing.TB, folder fstest.MapFS, file string, content object) {
	t.Helper()
	data, err := json.MarshalIndent(content, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	folder[file] = &fstest.MapFile{Data: data}
}

func english(text string) object { return object{"en_US": text} }

func providerIdentity() object {
	return object{
		"author": "acme", "name": "test", "label": english("Test"), "description": english("For tests"), "icon": "icon.svg",
	}
}

func manifestOf(providers object) object {
	return object{
		"version": "0.0.1", "type": "plugin", "author": "acme", "name": "test",
		"label": english("Test"), "description": english("For tests"), "icon": "icon.svg",
		"created_at": "2025-09-05T10:00:00.000000+08:00",
		"resource":   object{"memory": 1 << 20},
		"plugins":    providers,
		"meta": object{
			"version": "0.0.1", "arch": []string{"amd64"},
			"runner": object{"language": "python", "version": "3.12", "entrypoint": "main"},
		},
	}
}

// toolOf is the declaration of a tool.
func toolOf(name string, parameters ...object) object {
	return object{
		"identity":    object{"author": "acme", "name": name, "label": english(name)},
		"description": object{"human": english(name), "llm": name},
		"parameters":  append([]object{}, parameters...),
	}
}

// parameterOf is the declaration of a parameter; more adds to it.
func parameterOf(name, kind string, more ...object) object {
	p := object{
		"name": name, "type": kind, "form": "llm", "label": english(name), "human_description": english(name), "llm_description": name,
	}
	for _, m := range more {
		maps.Copy(p, m)
	}
	return p
}

// optionsOf are the options of a select.
func optionsOf(values ...string) object {
	var options []object
	for _, v := range values {
		options = append(options, object{"value": v, "label": english(v)})
	}
	return object{"options": options}
}

package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/cloudplugins/difyplugin/manifest"
	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugin/plugintest"
	"github.com/google/go-cmp/cmp"
)

func load(t *testing.T) *manifest.Plugin {
	t.Helper()
	declared, err := manifest.Load(declarations)
	if err != nil {
		t.Fatal(err)
	}
	return declared
}

func TestDeclarationsAndPartsAgree(t *testing.T) {
	plugintest.Run(t, declarations, plugin.Drive("tencent_cos_storage", newDrive(plugin.Transport)))
}

func TestEveryTextIsThereInEveryLanguage(t *testing.T) {
	declared := load(t)
	texts := map[string]manifest.I18n{
		"the label":                    declared.Label,
		"the description":              declared.Description,
		"the provider's label":         declared.Datasources.Identity.Label,
		"the provider's description":   declared.Datasources.Identity.Description,
		"the datasource's label":       declared.Datasources.Datasources[0].Identity.Label,
		"the datasource's description": declared.Datasources.Datasources[0].Description,
	}
	for _, c := range declared.Datasources.Credentials {
		texts["the label of "+c.Name] = c.Label
		if c.Help == nil || c.Placeholder == nil {
			t.Fatalf("%s has no help or no placeholder", c.Name)
		}
		texts["the help of "+c.Name], texts["the placeholder of "+c.Name] = *c.Help, *c.Placeholder
	}
	for name, text := range texts {
		if text.EnUS == "" || text.ZhHans == "" || text.JaJP == "" || text.PtBR == "" {
			t.Errorf("%s lacks a language: %+v", name, text)
		}
	}
}

// contractSum is the SHA-256 of testdata/contract.json, which holds the names and types of the plugin that this one
// replaces. They are facts: a change of them is a mistake.
const contractSum = "6a6b9c907b6d08f218d55d5bd1c1853db757db420dd7f18d4b65a343ff4e9dce"

type contract struct {
	Manifest struct {
		Name        string   `json:"plugin_name"`
		MinimumDify string   `json:"minimum_dify_version"`
		Arch        []string `json:"arch"`
		Memory      int64    `json:"resource_memory_bytes"`
	} `json:"manifest"`
	Provider struct {
		Identity    struct{ Name string } `json:"identity"`
		Type        string                `json:"provider_type"`
		Credentials []contractCredential  `json:"credentials"`
	} `json:"provider"`
	Datasources map[string]struct {
		Parameters []any          `json:"parameters"`
		Outputs    map[string]any `json:"output_schema_properties"`
	} `json:"datasources"`
}

type contractCredential struct {
	Name     string `json:"name"`
	Type     string `json:"type"`
	Required bool   `json:"required"`
}

func readContract(t *testing.T) contract {
	t.Helper()
	text, err := os.ReadFile("testdata/contract.json")
	if err != nil {
		t.Fatal(err)
	}
	if sum := sha256.Sum256(text); hex.EncodeToString(sum[:]) != contractSum {
		t.Fatal("testdata/contract.json was changed")
	}
	var c contract
	if err := json.Unmarshal(text, &c); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestContractOfTheReplacedPluginIsKept(t *testing.T) {
	want, got := readContract(t), load(t)
	if got.Name != want.Manifest.Name || got.Meta.MinimumDifyVersion != want.Manifest.MinimumDify || got.Resource.Memory != want.Manifest.Memory {
		t.Errorf("manifest: %s, Dify %s, %d bytes", got.Name, got.Meta.MinimumDifyVersion, got.Resource.Memory)
	}
	if diff := cmp.Diff(want.Manifest.Arch, []string(got.Meta.Arch)); diff != "" {
		t.Errorf("arch: -want +got\n%s", diff)
	}
	if got.Datasources.Identity.Name != want.Provider.Identity.Name || got.Datasources.Type != want.Provider.Type {
		t.Errorf("provider: %s of type %s", got.Datasources.Identity.Name, got.Datasources.Type)
	}
	var credentials []contractCredential
	for _, c := range got.Datasources.Credentials {
		if i := slices.IndexFunc(want.Provider.Credentials, func(w contractCredential) bool { return w.Name == c.Name }); i < 0 && c.Required {
			t.Errorf("the new field %s is required, which shuts out credentials that are already saved", c.Name)
		}
		credentials = append(credentials, contractCredential{c.Name, c.Type, c.Required})
	}
	if diff := cmp.Diff(want.Provider.Credentials, credentials[:len(want.Provider.Credentials)]); diff != "" {
		t.Errorf("credentials: -want +got\n%s", diff)
	}
	for _, d := range got.Datasources.Datasources {
		wanted, ok := want.Datasources[d.Identity.Name]
		if !ok || len(d.Parameters) != len(wanted.Parameters) {
			t.Errorf("datasource %s has %d parameters", d.Identity.Name, len(d.Parameters))
		}
		if diff := cmp.Diff(map[string]any{"type": "object", "properties": wanted.Outputs}, d.OutputSchema); diff != "" {
			t.Errorf("output schema: -want +got\n%s", diff)
		}
	}
	if len(got.Datasources.Datasources) != len(want.Datasources) {
		t.Errorf("%d datasources", len(got.Datasources.Datasources))
	}
}

func TestPluginAsksForNoPermission(t *testing.T) {
	asked := load(t).Resource.Permission
	if asked == nil {
		return
	}
	if asked.Tool != nil || asked.Model != nil || asked.Node != nil || asked.Endpoint != nil || asked.App != nil || asked.Storage != nil {
		t.Errorf("%+v", asked)
	}
}

// forbidden are packages that a plugin must not link: the other end of the wire, test code, and what weighs much.
var forbidden = []string{
	"github.com/cloudplugins/difyplugin/host", "github.com/cloudplugins/difyplugin/sandbox",
	"github.com/cloudplugins/difyplugin/playground", "github.com/cloudplugins/difyplugin/pack",
	"github.com/cloudplugins/difyplugin/plugin/plugintest", "testing", "net/http/httptest", "net/http/pprof",
	"github.com/aws/", "github.com/tencentyun/cos-go-sdk-v5/crypto", "github.com/tencentcloud/", "expvar",
}

func TestBinaryLinksOnlyWhatItNeeds(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	for dependency := range strings.FieldsSeq(string(out)) {
		for _, pattern := range forbidden {
			if dependency == pattern || strings.HasSuffix(pattern, "/") && strings.HasPrefix(dependency, pattern) || strings.HasPrefix(dependency, pattern+"/") {
				t.Errorf("the binary links %s", dependency)
			}
		}
	}
}

func TestSourcesImportTheSDKAndNothingElseOfThisModule(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", `{{join .Imports "\n"}}`, ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	for imported := range strings.FieldsSeq(string(out)) {
		if strings.HasPrefix(imported, "github.com/cloudplugins/difyplugin/") && imported != "github.com/cloudplugins/difyplugin/plugin" {
			t.Errorf("imports %s", imported)
		}
	}
}

func TestIconIsASmallDrawing(t *testing.T) {
	icon, err := fs.ReadFile(declarations, "_assets/"+load(t).Icon)
	if err != nil || !strings.HasPrefix(string(icon), "<svg ") || len(icon) > 16<<10 {
		t.Errorf("%d bytes, %v", len(icon), err)
	}
}

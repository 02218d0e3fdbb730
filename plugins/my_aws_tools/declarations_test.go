package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cloudplugins/difyplugin/manifest"
	"github.com/cloudplugins/difyplugin/plugin/plugintest"
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
	plugintest.Run(t, declarations, parts()...)
}

func TestEveryTextIsThereInEveryLanguage(t *testing.T) {
	declared := load(t)
	texts := map[string]manifest.I18n{
		"the label":                  declared.Label,
		"the description":            declared.Description,
		"the provider's label":       declared.Tools.Identity.Label,
		"the provider's description": declared.Tools.Identity.Description,
	}
	for _, c := range declared.Tools.Credentials {
		if c.Help == nil || c.Placeholder == nil {
			t.Fatalf("%s has no help or no placeholder", c.Name)
		}
		texts["the label of "+c.Name] = c.Label
		texts["the help of "+c.Name], texts["the placeholder of "+c.Name] = *c.Help, *c.Placeholder
	}
	for _, tool := range declared.Tools.Tools {
		texts[tool.File+": label"], texts[tool.File+": description"] = tool.Identity.Label, tool.Description.Human
		for _, p := range tool.Parameters {
			texts[tool.File+": label of "+p.Name], texts[tool.File+": description of "+p.Name] = p.Label, p.HumanDescription
			for _, o := range p.Options {
				texts[tool.File+": option "+o.Value+" of "+p.Name] = o.Label
			}
			if p.Form == "llm" && p.LLMDescription == "" {
				t.Errorf("%s: %s has no description for models", tool.File, p.Name)
			}
		}
	}
	for name, text := range texts {
		if text.EnUS == "" || text.ZhHans == "" || text.JaJP == "" || text.PtBR == "" {
			t.Errorf("%s lacks a language: %+v", name, text)
		}
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

// forbidden are packages that the plugin must not link: the other end of the wire, test code, and services that no
// tool uses.
var forbidden = []string{
	"github.com/cloudplugins/difyplugin/host", "github.com/cloudplugins/difyplugin/sandbox",
	"github.com/cloudplugins/difyplugin/playground", "github.com/cloudplugins/difyplugin/pack",
	"github.com/cloudplugins/difyplugin/plugin/plugintest", "github.com/cloudplugins/difyplugin/plugins/my_aws_tools/toolstest",
	"testing", "net/http/httptest", "net/http/pprof", "expvar", "github.com/tencentyun", "github.com/johannesboyne",
	"github.com/aws/aws-sdk-go-v2/feature/s3/manager", "github.com/aws/aws-sdk-go",
}

// chainSchemas belong to the services at which the default credential chain signs people in.
var chainSchemas = []string{"signin/schemas", "sso/schemas", "ssooidc/schemas"}

func TestBinaryLinksOnlyWhatItNeeds(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	for dependency := range strings.FieldsSeq(string(out)) {
		for _, name := range forbidden {
			if dependency == name || strings.HasPrefix(dependency, name+"/") {
				t.Errorf("the binary links %s", dependency)
			}
		}
		// Services whose clients are built on schemas make them when a process starts, which costs milliseconds and
		// memory for each; and their first releases lose error messages. The default credential chain brings three along.
		if strings.HasSuffix(dependency, "/schemas") && !slices.Contains(chainSchemas, strings.TrimPrefix(dependency, "github.com/aws/aws-sdk-go-v2/service/")) {
			t.Errorf("the binary links %s", dependency)
		}
	}
}

func TestOnlyAccountBuildsConfigurations(t *testing.T) {
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.HasPrefix(path, "account") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		for _, spec := range file.Imports {
			switch imported := strings.Trim(spec.Path.Value, `"`); imported {
			case "github.com/aws/aws-sdk-go-v2/config", "github.com/aws/aws-sdk-go-v2/credentials":
				t.Errorf("%s imports %s", path, imported)
			}
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if literal, ok := n.(*ast.CompositeLit); ok {
				if selector, ok := literal.Type.(*ast.SelectorExpr); ok && selector.Sel.Name == "Config" {
					if pkg, ok := selector.X.(*ast.Ident); ok && pkg.Name == "aws" {
						t.Errorf("%s builds an aws.Config", path)
					}
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestIconIsASmallDrawing(t *testing.T) {
	icon, err := fs.ReadFile(declarations, "_assets/"+load(t).Icon)
	if err != nil || !strings.HasPrefix(string(icon), "<svg ") || len(icon) > 16<<10 {
		t.Errorf("%d bytes, %v", len(icon), err)
	}
}

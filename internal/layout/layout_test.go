package layout

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/cloudplugins/difyplugin"

// dependencies lists what a package links, tests aside.
func dependencies(t *testing.T, pkg string) []string {
	t.Helper()
	out, err := exec.Command("go", "list", "-deps", module+pkg).Output()
	if err != nil {
		t.Fatalf("go list -deps %s: %v", pkg, err)
	}
	return strings.Fields(string(out))
}

// imports lists what a package itself imports, tests aside.
func imports(t *testing.T, pkg string) []string {
	t.Helper()
	out, err := exec.Command("go", "list", "-f", `{{join .Imports "\n"}}`, module+pkg).Output()
	if err != nil {
		t.Fatalf("go list %s: %v", pkg, err)
	}
	return strings.Fields(string(out))
}

func packages(t *testing.T, pattern string) []string {
	t.Helper()
	out, err := exec.Command("go", "list", module+pattern).Output()
	if err != nil {
		t.Fatalf("go list %s: %v", pattern, err)
	}
	list := strings.Fields(string(out))
	if len(list) == 0 {
		t.Fatalf("no packages match %s", pattern)
	}
	for i := range list {
		list[i] = strings.TrimPrefix(list[i], module)
	}
	return list
}

// testKit reports whether a package serves tests only, which its name says. The peers of a plugin are tests, too.
func testKit(pkg string) bool {
	return strings.HasPrefix(strings.TrimPrefix(pkg, module), "/plugins/") &&
		(strings.HasSuffix(pkg, "test") || strings.HasSuffix(pkg, "/peers"))
}

func TestPluginsImportTheSDKAndNothingElseOfThisModule(t *testing.T) {
	for _, pkg := range packages(t, "/plugins/...") {
		if testKit(pkg) {
			continue
		}
		own := strings.Join(strings.Split(pkg, "/")[:3], "/") + "/" // /plugins/NAME/
		for _, dep := range imports(t, pkg) {
			if strings.HasPrefix(dep, module) && dep != module+"/plugin" && !strings.HasPrefix(dep, module+own) {
				t.Errorf("%s imports %s", pkg, dep)
			}
		}
	}
}

func TestPluginsLinkNoTestKitNoHostAndNoSandbox(t *testing.T) {
	for _, pkg := range packages(t, "/plugins/...") {
		if testKit(pkg) {
			continue
		}
		for _, dep := range dependencies(t, pkg) {
			if testKit(dep) {
				t.Errorf("%s links the test kit %s", pkg, dep)
			}
			for _, forbidden := range []string{"/host", "/sandbox", "/plugin/plugintest", "/pack"} {
				if dep == module+forbidden || strings.HasPrefix(dep, module+forbidden+"/") {
					t.Errorf("%s links %s", pkg, dep)
				}
			}
			if dep == "testing" || dep == "net/http/httptest" {
				t.Errorf("%s links the test package %s", pkg, dep)
			}
		}
	}
}

func TestTheTwoEndsOfTheWireShareOnlyTheWire(t *testing.T) {
	for _, dep := range dependencies(t, "/host") {
		if strings.HasPrefix(dep, module) && dep != module+"/host" && dep != module+"/internal/wire" {
			t.Errorf("host links %s", dep)
		}
	}
}

func TestTheWireNeedsTheStandardLibraryOnly(t *testing.T) {
	for _, dep := range dependencies(t, "/internal/wire") {
		if strings.Contains(dep, ".") && dep != module+"/internal/wire" && !strings.HasPrefix(dep, "vendor/") {
			t.Errorf("internal/wire links %s", dep)
		}
	}
}

func TestTheStandInForCOSSharesNoCodeWithTheSDKThatItChecks(t *testing.T) {
	for _, pkg := range packages(t, "/sandbox/...") {
		for _, dep := range dependencies(t, pkg) {
			if strings.Contains(dep, "tencentyun") {
				t.Errorf("%s links %s", pkg, dep)
			}
		}
	}
}

func TestLowerRoomsDoNotKnowTheOnesAbove(t *testing.T) {
	above := map[string][]string{
		"/plugin":             {"/host", "/sandbox", "/plugins", "/cmd", "/pack"},
		"/manifest":           {"/plugin", "/host", "/sandbox", "/internal"},
		"/internal/transport": {"/plugin", "/manifest", "/host", "/internal/fetch"},
		"/internal/fetch":     {"/plugin", "/manifest", "/host", "/internal/wire", "/internal/transport"},
	}
	for pkg, forbidden := range above {
		deps := dependencies(t, pkg)
		for _, f := range forbidden {
			if slices.ContainsFunc(deps, func(d string) bool {
				return d != module+pkg && (d == module+f || strings.HasPrefix(d, module+f+"/"))
			}) {
				t.Errorf("%s links %s", pkg, f)
			}
		}
	}
}

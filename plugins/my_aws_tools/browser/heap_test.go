package browser_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"testing"
	"testing/fstest"

	"github.com/cloudplugins/difyplugin/host"
	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/account"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/browser"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/toolstest"
	"github.com/cloudplugins/difyplugin/sandbox/aws"
)

const (
	// roleVariable makes this test program be a plugin with the two tools, which dumps its memory at the end.
	roleVariable = "BROWSER_TEST_ROLE"
	// dumpName is the file in the folder of that plugin that receives what is reachable in its memory.
	dumpName = "heap.dump"
	// declarationsVariable is the folder of the plugin's declarations.
	declarationsVariable = "BROWSER_TEST_DECLARATIONS"
)

// serveAndDump serves the tools until the input ends, and writes down everything that is held then, while connections to
// browsers are still kept.
func serveAndDump() error {
	transport, err := plugin.Transport(account.Official)
	if err != nil {
		return err
	}
	declared, err := declarations(os.Getenv(declarationsVariable))
	if err != nil {
		return err
	}
	witness := fmt.Sprint("held by ", os.Getpid()) // which the dump has to show
	held, tools := account.NewProcess(transport), browser.New()
	served, err := plugin.New(declared, plugin.Tool(managerTool, tools.ManageSession), plugin.Tool(browserTool, tools.Use))
	if err != nil {
		return err
	}
	if err := served.Serve(held.Context(context.Background()), os.Stdin, os.Stdout, os.Stderr, nil); err != nil {
		return err
	}
	held.Close()
	(&http.Client{Transport: transport}).CloseIdleConnections()
	if tools.Connections() == 0 {
		return errors.New("no connection is kept, so that the dump shows nothing")
	}
	for range 3 { // pools give their content up in two collections
		runtime.GC()
	}
	file, err := os.Create(dumpName)
	if err != nil {
		return err
	}
	debug.WriteHeapDump(file.Fd())
	runtime.KeepAlive(witness)
	runtime.KeepAlive(tools)
	runtime.KeepAlive(served)
	return file.Close()
}

// declarations are those of the plugin, with the two tools only.
func declarations(root string) (fstest.MapFS, error) {
	declared := fstest.MapFS{}
	for _, pattern := range []string{"manifest.yaml", "PRIVACY.md", "_assets/*", "provider/my_aws_tools.yaml", "browser/*.yaml"} {
		names, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			content, err := os.ReadFile(name)
			if err != nil {
				return nil, err
			}
			inside, err := filepath.Rel(root, name)
			if err != nil {
				return nil, err
			}
			declared[filepath.ToSlash(inside)] = &fstest.MapFile{Data: content}
		}
	}
	provider := declared["provider/my_aws_tools.yaml"]
	before, _, found := bytes.Cut(provider.Data, []byte("\ntools:"))
	if !found {
		return nil, errors.New("the provider lists no tools")
	}
	provider.Data = append(before, "\ntools:\n  - browser/agentcore_browser_tool.yaml\n  - browser/agentcore_browser_session_manager.yaml\n"...)
	return declared, nil
}

func TestAConnectionThatIsKeptHoldsNoCredentials(t *testing.T) {
	c := newBrowsers(t)
	canary := aws.Key{AccessKeyID: "ASIACANARY0000000000", SecretAccessKey: "secret-of-the-canary/000000000000000000", SessionToken: "token-of-the-canary//00000000000000000==", User: "canary"}
	if err := c.AddAccount(aws.Account{ID: "777777777777", Keys: []aws.Key{canary}}); err != nil {
		t.Fatal(err)
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	var said bytes.Buffer
	child, err := host.Start(t.Context(), host.Command{
		Path: program, Dir: folder, Stderr: io.Writer(&said),
		Env: slices.Concat(c.Environ(), []string{roleVariable + "=heap", declarationsVariable + "=" + root, "INSTALL_METHOD=local", "HOME=" + folder, "TMPDIR=" + folder, "GOCOVERDIR=" + t.TempDir()}),
	}, host.Options{Strict: true})
	if err != nil {
		t.Fatal(err)
	}
	who := toolstest.Caller(toolstest.Credentials("aws_access_key_id", canary.AccessKeyID, "aws_secret_access_key", canary.SecretAccessKey, "aws_session_token", canary.SessionToken))
	started, err := child.Tool(t.Context(), who, managerTool, map[string]any{"function_name": "init_browser_session"})
	if err != nil {
		t.Fatal(err)
	}
	id := object(t, started)["session_id"]
	if _, err := child.Tool(t.Context(), who, browserTool, map[string]any{"action": "extract_content", "browser_session_id": id}); err != nil {
		t.Fatal(err)
	}
	if err := child.Close(); err != nil {
		t.Fatalf("%v: %s", err, said.String())
	}
	memory, err := os.ReadFile(filepath.Join(folder, dumpName))
	if err != nil || len(memory) < 100_000 {
		t.Fatalf("a dump of %d bytes, %v", len(memory), err)
	}
	if !bytes.Contains(memory, fmt.Appendf(nil, "held by %d", child.PID())) {
		t.Error("the dump does not show what is held")
	}
	for _, secret := range []string{canary.AccessKeyID, canary.SecretAccessKey, canary.SessionToken} {
		if at := bytes.Index(memory, []byte(secret)); at >= 0 {
			t.Errorf("%s is still in memory: %q", secret, memory[max(0, at-200):min(len(memory), at+100)])
		}
	}
}

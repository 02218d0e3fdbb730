package browser_test

import (
	"encoding/json"
	"testing"

	"github.com/cloudplugins/difyplugin/host"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/toolstest"
	standin "github.com/cloudplugins/difyplugin/sandbox/aws/browser"
	"github.com/cloudplugins/difyplugin/sandbox/aws/ssm"
)

// caller is the user of the tests.
func caller() host.Caller { return toolstest.Caller(toolstest.Credentials()) }

func rawJSON(result host.Result) [][]byte {
	var all [][]byte
	for _, raw := range result.JSON {
		all = append(all, raw)
	}
	return all
}

// set stores a parameter as another program would.
func (c *cloud) set(id, value string) {
	c.store.Set(ssm.Parameter{AccountID: toolstest.AccountID, Region: "us-east-1", Name: "/browser-session/" + id, Value: value})
}

// leftAt is what a call comes to when somebody else has left the browser of a session at a URL that no tool opens.
func (c *cloud) leftAt(t *testing.T, id, url string) *host.PluginError {
	t.Helper()
	c.process.Close() // which would let nobody go there
	if !c.browsers.Await(t.Context(), func(all []standin.Session) bool { return all[0].Streams == 0 }) {
		t.Fatal("the connection stays open")
	}
	c.command(t, id, "Page.navigate", map[string]any{"url": url})
	return c.refuse(t, id, "extract_content")
}

// closePages closes all pages of a session.
func (c *cloud) closePages(t *testing.T, id string) {
	t.Helper()
	if err := c.browsers.ClosePages(t.Context(), id); err != nil {
		t.Fatal(err)
	}
}

// pages is how many pages a session has open.
func (c *cloud) pages(t *testing.T, id string) int {
	t.Helper()
	count, err := c.browsers.Pages(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return count
}

// command runs a command of the DevTools protocol in the page of a session, beside the tools.
func (c *cloud) command(t *testing.T, id, method string, params any) json.RawMessage {
	t.Helper()
	result, err := c.browsers.Command(t.Context(), id, method, params)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

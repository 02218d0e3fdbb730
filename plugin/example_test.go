package plugin_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/cloudplugins/difyplugin/plugin"
)

// GreetInput receives the parameters that tools/greet.yaml declares.
type GreetInput struct {
	Name  string `param:"name"`
	Times int    `param:"times"`
}

// Greet is a tool.
func Greet(_ context.Context, call *plugin.Call, in GreetInput) error {
	for range in.Times {
		if err := call.Text("Hello, " + in.Name + "!"); err != nil {
			return err
		}
	}
	return call.Variable("length", len(in.Name))
}

// The folder testdata/greeter declares a tool; Greet does its work. The main function of such a plugin is a call of
// plugin.Main. Here it answers two requests, one at a time, as a host sends them.
func Example() {
	greeter, err := plugin.New(os.DirFS("testdata/greeter"), plugin.Tool("greet", Greet))
	if err != nil {
		fmt.Println(err)
		return
	}
	const request = `{"session_id":"1","event":"request","data":{"type":"tool","action":"invoke_tool","tool":"greet","tool_parameters":%s}}`
	for _, parameters := range []string{`{"name":"Ada","times":"2"}`, `{"times":9}`} {
		host, out := io.Pipe()
		go func() {
			out.CloseWithError(greeter.Serve(context.Background(), strings.NewReader(fmt.Sprintf(request, parameters)), out, os.Stderr, nil))
		}()
		printAnswers(host)
	}
	// Output:
	// stream {"type":"text","message":{"text":"Hello, Ada!"},"meta":null}
	// stream {"type":"text","message":{"text":"Hello, Ada!"},"meta":null}
	// stream {"type":"variable","message":{"variable_name":"length","variable_value":3,"stream":false},"meta":null}
	// end {}
	// error {"error_type":"InvokeBadRequestError","message":"greet was not run, 2 parameters are wrong: name is required; times must be from 1 to 3, it is 9","args":{"description":"greet was not run, 2 parameters are wrong: name is required; times must be from 1 to 3, it is 9"}}
	// end {}
}

// printAnswers prints what a plugin says about its sessions.
func printAnswers(out io.Reader) {
	for lines := bufio.NewScanner(out); lines.Scan(); {
		var line struct {
			Event string
			Data  struct {
				Type string
				Data json.RawMessage
			}
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err == nil && line.Event == "session" {
			fmt.Println(line.Data.Type, string(line.Data.Data))
		}
	}
}

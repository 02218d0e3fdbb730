package host_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/cloudplugins/difyplugin/host"
)

// A plugin is anything that reads and writes lines. This one lives in the same process and greets.
func ExampleConnect() {
	input, toPlugin := io.Pipe()
	fromPlugin, output := io.Pipe()
	go greet(input, output)

	c := host.Connect(toPlugin, fromPlugin, host.Options{Strict: true})
	who := host.Caller{Provider: "greeter"}
	result, err := c.Tool(context.Background(), who, "greet", map[string]any{"name": "Ada"})
	if err != nil {
		fmt.Println(err)
	}
	fmt.Println(result.Text)
	fmt.Println("closed:", c.Close())
	// Output:
	// Hello, Ada!
	// closed: <nil>
}

func greet(in io.Reader, out io.WriteCloser) {
	defer out.Close()
	fmt.Fprintln(out, `{"event":"heartbeat","session_id":null,"data":{}}`)
	for lines := bufio.NewScanner(in); lines.Scan(); {
		var request struct {
			SessionID string `json:"session_id"`
			Data      struct {
				Parameters struct{ Name string } `json:"tool_parameters"`
			} `json:"data"`
		}
		if err := json.Unmarshal(lines.Bytes(), &request); err != nil {
			return
		}
		message := func(kind, data string) {
			fmt.Fprintf(out, `{"event":"session","session_id":%q,"data":{"type":%q,"data":%s}}`+"\n", request.SessionID, kind, data)
		}
		text, _ := json.Marshal("Hello, " + request.Data.Parameters.Name + "!")
		message("stream", `{"type":"text","message":{"text":`+string(text)+`},"meta":null}`)
		message("end", "{}")
	}
}

package host_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudplugins/difyplugin/host"
	"github.com/cloudplugins/difyplugin/internal/wire"
)

func TestMessagesAreCheckedAsDifyChecksThem(t *testing.T) {
	tests := map[string]struct {
		payload string
		bad     bool
	}{
		"text":                           {payload: `{"type":"text","message":{"text":""},"meta":null}`},
		"text without meta":              {payload: `{"type":"text","message":{"text":"a"}}`},
		"link":                           {payload: `{"type":"link","message":{"text":"https://x"},"meta":null}`},
		"image":                          {payload: `{"type":"image","message":{"text":"https://x"},"meta":null}`},
		"image_link":                     {payload: `{"type":"image_link","message":{"text":"https://x"},"meta":null}`},
		"file":                           {payload: `{"type":"file","message":{},"meta":null}`},
		"json object":                    {payload: `{"type":"json","message":{"json_object":{"a":1}},"meta":null}`},
		"json array":                     {payload: `{"type":"json","message":{"json_object":[]},"meta":null}`},
		"variable null":                  {payload: `{"type":"variable","message":{"variable_name":"a","variable_value":null,"stream":false},"meta":null}`},
		"streamed variable":              {payload: `{"type":"variable","message":{"variable_name":"a","variable_value":"x","stream":true},"meta":null}`},
		"log":                            {payload: `{"type":"log","message":{"id":"i","label":"l","parent_id":null,"error":null,"status":"start","data":{},"metadata":null},"meta":null}`},
		"retriever resources":            {payload: `{"type":"retriever_resources","message":{"retriever_resources":[{"a":1}],"context":""},"meta":null}`},
		"no type":                        {payload: `{"message":{"text":"a"}}`, bad: true},
		"a payload that is text":         {payload: `"a"`, bad: true},
		"a message that is text":         {payload: `{"type":"text","message":"a"}`, bad: true},
		"a message that is null":         {payload: `{"type":"text","message":null}`, bad: true},
		"a meta that is a list":          {payload: `{"type":"text","message":{"text":"a"},"meta":[]}`, bad: true},
		"a text that is a number":        {payload: `{"type":"text","message":{"text":1}}`, bad: true},
		"a text that is missing":         {payload: `{"type":"link","message":{}}`, bad: true},
		"a json text":                    {payload: `{"type":"json","message":{"json_object":"a"}}`, bad: true},
		"a json null":                    {payload: `{"type":"json","message":{"json_object":null}}`, bad: true},
		"a variable without a name":      {payload: `{"type":"variable","message":{"variable_name":"","variable_value":1,"stream":false}}`, bad: true},
		"a variable without a value":     {payload: `{"type":"variable","message":{"variable_name":"a","stream":false}}`, bad: true},
		"a variable with a taken name":   {payload: `{"type":"variable","message":{"variable_name":"files","variable_value":1,"stream":false}}`, bad: true},
		"a streamed number":              {payload: `{"type":"variable","message":{"variable_name":"a","variable_value":1,"stream":true}}`, bad: true},
		"a log of an unknown status":     {payload: `{"type":"log","message":{"id":"i","label":"l","status":"done","data":{}}}`, bad: true},
		"a log without data":             {payload: `{"type":"log","message":{"id":"i","label":"l","status":"start"}}`, bad: true},
		"a log without a label":          {payload: `{"type":"log","message":{"id":"i","status":"start","data":{}}}`, bad: true},
		"resources that are null":        {payload: `{"type":"retriever_resources","message":{"retriever_resources":null,"context":""}}`, bad: true},
		"resources without a context":    {payload: `{"type":"retriever_resources","message":{"retriever_resources":[]}}`, bad: true},
		"resources that are not objects": {payload: `{"type":"retriever_resources","message":{"retriever_resources":[1],"context":""}}`, bad: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := connect(t, host.Options{}, answer(stream(tt.payload), endLine))
			messages, err := drain(c.Call(t.Context(), toolRequest()))
			if tt.bad != (kindOf(err) == host.KindPayload) || !tt.bad && (err != nil || len(messages) != 1) {
				t.Errorf("the call ended with %v after %d messages", err, len(messages))
			}
		})
	}
}

func TestAnswersAreCheckedAsTheDaemonChecksThem(t *testing.T) {
	const (
		validateTool  = wire.ActionValidateTool
		validateDrive = wire.ActionValidateDatasource
		browse        = wire.ActionBrowseDrive
		options       = wire.ActionFetchOptions
		parameters    = wire.ActionRuntimeParameters
	)
	tests := map[string]struct {
		action, payload string
		bad             bool
	}{
		"valid credentials":          {action: validateTool, payload: `{"result":true}`},
		"valid drive credentials":    {action: validateDrive, payload: `{"result":true}`},
		"a result of false":          {action: validateTool, payload: `{"result":false}`, bad: true},
		"a result that is text":      {action: validateDrive, payload: `{"result":"true"}`, bad: true},
		"no result":                  {action: validateTool, payload: `{}`, bad: true},
		"an answer that is a list":   {action: validateTool, payload: `[]`, bad: true},
		"no buckets":                 {action: browse, payload: `{"result":[]}`},
		"a bucket without files":     {action: browse, payload: `{"result":[{"bucket":"b","files":[],"is_truncated":false,"next_page_parameters":null}]}`},
		"a page":                     {action: browse, payload: `{"result":[{"bucket":null,"files":[{"id":"a","name":"a","size":9007199254740993,"type":"file"}],"is_truncated":true,"next_page_parameters":{"m":1}}]}`},
		"a result that is null":      {action: browse, payload: `{"result":null}`, bad: true},
		"a browse without result":    {action: browse, payload: `{}`, bad: true},
		"files that are null":        {action: browse, payload: `{"result":[{"bucket":"b","files":null}]}`, bad: true},
		"files that are missing":     {action: browse, payload: `{"result":[{"bucket":"b"}]}`, bad: true},
		"a size with a fraction":     {action: browse, payload: `{"result":[{"files":[{"id":"a","name":"a","size":12.5,"type":"file"}]}]}`, bad: true},
		"a size that is text":        {action: browse, payload: `{"result":[{"files":[{"id":"a","name":"a","size":"12","type":"file"}]}]}`, bad: true},
		"a size that is missing":     {action: browse, payload: `{"result":[{"files":[{"id":"a","name":"a","type":"file"}]}]}`, bad: true},
		"a file without an id":       {action: browse, payload: `{"result":[{"files":[{"id":"","name":"a","size":1,"type":"file"}]}]}`, bad: true},
		"a file of an unknown type":  {action: browse, payload: `{"result":[{"files":[{"id":"a","name":"a","size":1,"type":"link"}]}]}`, bad: true},
		"a next page that is text":   {action: browse, payload: `{"result":[{"files":[],"next_page_parameters":"m"}]}`, bad: true},
		"options":                    {action: options, payload: `{"options":[{"value":"a","label":{"en_US":"A"},"icon":"https://x"},{"value":"b","label":{"en_US":"B"}}]}`},
		"no options":                 {action: options, payload: `{"options":[]}`},
		"options that are null":      {action: options, payload: `{"options":null}`, bad: true},
		"an option without a value":  {action: options, payload: `{"options":[{"value":"","label":{"en_US":"A"}}]}`, bad: true},
		"an option that is a number": {action: options, payload: `{"options":[{"value":1,"label":{"en_US":"A"}}]}`, bad: true},
		"an option without a label":  {action: options, payload: `{"options":[{"value":"a","label":{"zh_Hans":"A"}}]}`, bad: true},
		"a label of 1023 letters":    {action: options, payload: `{"options":[{"value":"a","label":{"en_US":"` + strings.Repeat("a", 1023) + `"}}]}`},
		"a label of 1024 letters":    {action: options, payload: `{"options":[{"value":"a","label":{"en_US":"` + strings.Repeat("a", 1024) + `"}}]}`, bad: true},
		"parameters":                 {action: parameters, payload: `{"parameters":[{"name":"a"}]}`},
		"parameters that are null":   {action: parameters, payload: `{"parameters":null}`, bad: true},
		"an action without rules":    {action: "get_authorization_url", payload: `{"authorization_url":"https://x"}`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := connect(t, host.Options{}, answer(stream(tt.payload), endLine))
			messages, err := drain(c.Call(t.Context(), host.Request{
				Caller: who(), Type: "any", Action: tt.action,
				Fields: map[string]any{"datasource": "d", "request": map[string]any{}, "tool": "t", "provider_action": "t", "parameter": "p"},
			}))
			if tt.bad != (kindOf(err) == host.KindPayload) || !tt.bad && (err != nil || len(messages) != 1 || string(messages[0].Body) != tt.payload) {
				t.Errorf("the call ended with %v after %d messages", err, len(messages))
			}
		})
	}
}

func TestTypedAnswers(t *testing.T) {
	t.Run("a page of a drive", func(t *testing.T) {
		c := connect(t, host.Options{}, answer(stream(`{"result":[{"bucket":"b","files":[{"id":"x/a","name":"a","size":9007199254740993,"type":"file"}],"is_truncated":true,"next_page_parameters":{"m":9007199254740993}}]}`), endLine))
		page, err := c.Browse(t.Context(), who(), "d", host.BrowseRequest{Bucket: "b", Prefix: "x/"})
		must(t, err)
		want := host.BrowseResult{Buckets: []host.BucketPage{{
			Bucket: "b", Truncated: true,
			Files: []host.DriveFile{{ID: "x/a", Name: "a", Size: 9007199254740993, Type: "file"}},
			Next:  map[string]any{"m": json.Number("9007199254740993")},
		}}}
		if diff := cmp.Diff(want, page); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("options", func(t *testing.T) {
		c := connect(t, host.Options{}, answer(stream(`{"options":[{"value":"a","label":{"en_US":"A"}}]}`), endLine))
		options, err := c.Options(t.Context(), who(), "t", "p")
		must(t, err)
		if diff := cmp.Diff([]host.Option{{Value: "a", Label: map[string]string{"en_US": "A"}}}, options); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("valid credentials", func(t *testing.T) {
		c := connect(t, host.Options{}, answer(okLine, endLine))
		must(t, c.ValidateTool(t.Context(), who()))
		must(t, c.ValidateDatasource(t.Context(), who()))
	})
	t.Run("no answer is an error", func(t *testing.T) {
		c := connect(t, host.Options{}, answer(endLine))
		if err := c.ValidateTool(t.Context(), who()); err == nil {
			t.Error("credentials that nobody answered for are valid")
		}
	})
	t.Run("two answers are an error", func(t *testing.T) {
		c := connect(t, host.Options{}, answer(okLine, okLine, endLine))
		if err := c.ValidateTool(t.Context(), who()); err == nil {
			t.Error("no error")
		}
	})
}

func TestResultOfAToolIsArrangedAsInDify(t *testing.T) {
	variable := func(name, value, streamed string) string {
		return stream(`{"type":"variable","message":{"variable_name":"` + name + `","variable_value":` + value + `,"stream":` + streamed + `},"meta":null}`)
	}
	c := connect(t, host.Options{}, answer(
		text("a"), stream(`{"type":"link","message":{"text":"https://x"},"meta":null}`), text("b"),
		stream(`{"type":"json","message":{"json_object":{"n":12345678901234567890}},"meta":null}`),
		variable("last", "1", "false"), variable("last", "[2]", "false"),
		variable("joined", `"<a>"`, "true"), variable("joined", `"b"`, "true"),
		stream(`{"type":"log","message":{"id":"i","label":"l","parent_id":"p","error":null,"status":"start","data":{"k":1},"metadata":null},"meta":null}`),
		endLine))
	result, err := c.Tool(t.Context(), who(), "t", nil)
	must(t, err)
	if diff := cmp.Diff("aLink: https://x\nb", result.Text); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{`{"n":12345678901234567890}`}, texts(result.JSON)); diff != "" {
		t.Error(diff)
	}
	variables := map[string]string{}
	for name, value := range result.Variables {
		variables[name] = string(value)
	}
	if diff := cmp.Diff(map[string]string{"last": "[2]", "joined": `"<a>b"`}, variables); diff != "" {
		t.Error(diff)
	}
	step, ok := result.Messages[len(result.Messages)-1].Step()
	if !ok || step.ID != "i" || step.Parent != "p" || step.Status != "start" || string(step.Data) != `{"k":1}` {
		t.Errorf("step: %+v", step)
	}

	mixed := connect(t, host.Options{}, answer(variable("v", `"a"`, "true"), variable("v", `"b"`, "false"), endLine))
	if _, err := mixed.Tool(t.Context(), who(), "t", nil); err == nil {
		t.Error("an output that is streamed and set is no error")
	}
}

func texts(values []json.RawMessage) []string {
	var all []string
	for _, v := range values {
		all = append(all, string(v))
	}
	return all
}

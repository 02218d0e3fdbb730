package host

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"

	"github.com/cloudplugins/difyplugin/internal/wire"
)

// Actions are the calls that Dify makes to a plugin of tools or of an online drive.
type Actions struct {
	call func(ctx context.Context, req Request) iter.Seq2[Message, error]
}

// Result is what a tool answered, arranged as in the outputs of Dify's tool node.
type Result struct {
	// Text is all texts and links, in order.
	Text string
	// JSON is the values of all json messages, in order.
	JSON []json.RawMessage
	// Variables are the outputs by name: the last value, or all pieces of a streamed one as one JSON string.
	Variables map[string]json.RawMessage
	// Files are all files, in order.
	Files []*File
	// Messages is everything, in order.
	Messages []Message
}

// Tool runs a tool and gathers its answer. On error the result holds what came before.
func (a Actions) Tool(ctx context.Context, who Caller, tool string, parameters map[string]any) (Result, error) {
	return gather(a.call(ctx, ToolRequest(who, tool, parameters)))
}

// ToolRequest is the request that [Actions.Tool] makes, for Call.
func ToolRequest(who Caller, tool string, parameters map[string]any) Request {
	return Request{
		Caller: who, Type: wire.TypeTool, Action: wire.ActionInvokeTool,
		Fields: map[string]any{"tool": tool, "tool_parameters": parameters},
	}
}

func gather(messages iter.Seq2[Message, error]) (Result, error) {
	result := Result{Variables: map[string]json.RawMessage{}}
	streams := map[string]*bytes.Buffer{}
	for m, err := range messages {
		if err != nil {
			return result, err
		}
		result.Messages = append(result.Messages, m)
		switch m.Type {
		case wire.MessageText:
			result.Text += m.Text()
		case wire.MessageLink:
			result.Text += "Link: " + m.Text() + "\n"
		case wire.MessageJSON:
			result.JSON = append(result.JSON, m.JSON())
		case wire.MessageVariable:
			if err := result.set(m, streams); err != nil {
				return result, err
			}
		}
		if m.File != nil {
			result.Files = append(result.Files, m.File)
		}
	}
	return result, nil
}

func (r *Result) set(m Message, streams map[string]*bytes.Buffer) error {
	v, _ := m.Variable()
	_, known := r.Variables[v.Name]
	stream := streams[v.Name]
	if known && (stream != nil) != v.Stream {
		return fmt.Errorf("output %q is both set and streamed; Dify supports one of the two", v.Name)
	}
	if !v.Stream {
		r.Variables[v.Name] = v.Value
		return nil
	}
	if stream == nil {
		stream = &bytes.Buffer{}
		streams[v.Name] = stream
	}
	var piece string
	if err := json.Unmarshal(v.Value, &piece); err != nil {
		return fmt.Errorf("output %q: read a streamed piece: %w", v.Name, err)
	}
	stream.WriteString(piece)
	joined, err := marshal(stream.String())
	r.Variables[v.Name] = joined
	return err
}

// ValidateTool asks whether the credentials of a provider of tools are valid. A rejection is a [*PluginError].
func (a Actions) ValidateTool(ctx context.Context, who Caller) error {
	return a.validate(ctx, who, wire.TypeTool, wire.ActionValidateTool)
}

// ValidateDatasource asks whether the credentials of a data source are valid. A rejection is a [*PluginError].
func (a Actions) ValidateDatasource(ctx context.Context, who Caller) error {
	return a.validate(ctx, who, wire.TypeDatasource, wire.ActionValidateDatasource)
}

func (a Actions) validate(ctx context.Context, who Caller, kind, action string) error {
	_, err := a.one(ctx, Request{Caller: who, Type: kind, Action: action})
	return err // checkAnswer has seen that the result is true
}

// BrowseRequest asks an online drive for one page of a folder, or for its buckets.
type BrowseRequest struct {
	// Bucket is empty to list the buckets.
	Bucket string
	// Prefix is the id of the folder, "" at the root.
	Prefix string
	// MaxKeys is the length of a page; 0 means 20.
	MaxKeys int
	// Next is what the page before returned, nil for the first page.
	Next map[string]any
}

// BrowseResult is a list of buckets, each without files, or one page of one bucket.
type BrowseResult struct {
	Buckets []BucketPage `json:"result"`
}

// BucketPage is a bucket with one page of files.
type BucketPage struct {
	Bucket    string         `json:"bucket"`
	Files     []DriveFile    `json:"files"`
	Truncated bool           `json:"is_truncated"`
	Next      map[string]any `json:"next_page_parameters"` // for BrowseRequest.Next; numbers are [json.Number]
}

// DriveFile is a file or a folder of an online drive.
type DriveFile struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Size int64  `json:"size"` // bytes
	Type string `json:"type"` // file or folder
}

// Browse lists a folder of an online drive, or its buckets.
func (a Actions) Browse(ctx context.Context, who Caller, datasource string, in BrowseRequest) (BrowseResult, error) {
	if in.MaxKeys < 0 {
		return BrowseResult{}, fmt.Errorf("browse %s: a page of %d entries cannot be asked for", datasource, in.MaxKeys)
	}
	if in.MaxKeys == 0 {
		in.MaxKeys = 20
	}
	answer, err := a.one(ctx, Request{
		Caller: who, Type: wire.TypeDatasource, Action: wire.ActionBrowseDrive,
		Fields: map[string]any{
			"datasource": datasource,
			"request": map[string]any{
				"bucket": orNull(in.Bucket), "prefix": in.Prefix, "max_keys": in.MaxKeys, "next_page_parameters": in.Next,
			},
		},
	})
	if err != nil {
		return BrowseResult{}, err
	}
	var result BrowseResult
	err = decodeNumbers(answer, &result)
	return result, err
}

// Download fetches a file of an online drive. Bucket may be empty; id is that of a [DriveFile].
func (a Actions) Download(ctx context.Context, who Caller, datasource, bucket, id string) (*File, error) {
	if id == "" {
		return nil, fmt.Errorf("download from %s: the daemon refuses a request without a file id", datasource)
	}
	result, err := gather(a.call(ctx, Request{
		Caller: who, Type: wire.TypeDatasource, Action: wire.ActionDownloadDrive,
		Fields: map[string]any{"datasource": datasource, "request": map[string]any{"bucket": orNull(bucket), "id": id}},
	}))
	if err != nil {
		return nil, err
	}
	if len(result.Files) != 1 {
		return nil, fmt.Errorf("download %q from %s: the answer holds %d files, one is expected", id, datasource, len(result.Files))
	}
	return result.Files[0], nil
}

// Option is one choice of a dynamic-select parameter.
type Option struct {
	Value string            `json:"value"`
	Label map[string]string `json:"label"` // by locale, en_US always
	Icon  string            `json:"icon"`
}

// Options lists the choices of a tool's dynamic-select parameter.
func (a Actions) Options(ctx context.Context, who Caller, tool, parameter string) ([]Option, error) {
	if who.Credentials == nil {
		who.Credentials = map[string]any{} // the daemon refuses null here
	}
	answer, err := a.one(ctx, Request{
		Caller: who, Type: wire.TypeDynamicParameter, Action: wire.ActionFetchOptions,
		Fields: map[string]any{"provider_action": tool, "parameter": parameter},
	})
	if err != nil {
		return nil, err
	}
	var result struct {
		Options []Option `json:"options"`
	}
	err = decodeNumbers(answer, &result)
	return result.Options, err
}

// one makes a call that has exactly one answer.
func (a Actions) one(ctx context.Context, req Request) (json.RawMessage, error) {
	var answers []json.RawMessage
	for m, err := range a.call(ctx, req) {
		if err != nil {
			return nil, err
		}
		answers = append(answers, m.Body)
	}
	if len(answers) != 1 {
		return nil, fmt.Errorf("call %s: the plugin answered %d times, once is expected", req.Action, len(answers))
	}
	return answers[0], nil
}

func answersWithMessages(action string) bool {
	switch action {
	case wire.ActionInvokeTool, wire.ActionDownloadDrive, "invoke_agent_strategy", "invoke_online_document_datasource_get_page_content":
		return true
	default:
		return false
	}
}

// checkAnswer applies the daemon's and Dify's rules to an answer that is not a message.
func checkAnswer(action string, payload []byte) error {
	if !isObject(payload) {
		return fmt.Errorf("an answer must be an object: %s", excerpt(payload))
	}
	switch action {
	case wire.ActionValidateTool, wire.ActionValidateDatasource:
		return checkValid(payload)
	case wire.ActionBrowseDrive:
		return checkBrowse(payload)
	case wire.ActionFetchOptions:
		return checkOptions(payload)
	case wire.ActionRuntimeParameters:
		return checkParameters(payload)
	default:
		return nil
	}
}

func checkValid(payload []byte) error {
	var answer struct {
		Result bool `json:"result"`
	}
	if err := json.Unmarshal(payload, &answer); err != nil || !answer.Result {
		return errors.New("result must be true; credentials are rejected by an error, because Dify shows no reason for any other result")
	}
	return nil
}

func checkBrowse(payload []byte) error {
	var answer struct {
		Result []struct {
			Bucket    *string          `json:"bucket"`
			Files     []map[string]any `json:"files"`
			Truncated bool             `json:"is_truncated"`
			Next      map[string]any   `json:"next_page_parameters"`
		} `json:"result"`
	}
	if err := decodeNumbers(payload, &answer); err != nil {
		return fmt.Errorf("result must be an array of {bucket, files, is_truncated, next_page_parameters}: %w", err)
	}
	if answer.Result == nil {
		return errors.New("result must be an array, not null")
	}
	for i, bucket := range answer.Result {
		if bucket.Files == nil {
			return fmt.Errorf("files of result %d must be an array, not null", i)
		}
		for j, file := range bucket.Files {
			if err := checkDriveFile(file); err != nil {
				return fmt.Errorf("file %d of result %d: %w", j, i, err)
			}
		}
	}
	return nil
}

func checkDriveFile(file map[string]any) error {
	for _, key := range []string{"id", "name"} {
		if s, ok := file[key].(string); !ok || s == "" {
			return fmt.Errorf("%s must be a string that is not empty", key)
		}
	}
	size, ok := file["size"].(json.Number)
	if _, err := size.Int64(); !ok || err != nil {
		return fmt.Errorf("size must be an integer, not %v", file["size"])
	}
	if kind, _ := file["type"].(string); kind != "file" && kind != "folder" {
		return fmt.Errorf("type must be file or folder, not %v", file["type"])
	}
	return nil
}

func checkOptions(payload []byte) error {
	const maxLabel = 1023
	var answer struct {
		Options []struct {
			Value string            `json:"value"`
			Label map[string]string `json:"label"`
			Icon  *string           `json:"icon"`
		} `json:"options"`
	}
	if err := json.Unmarshal(payload, &answer); err != nil || answer.Options == nil {
		return errors.New("options must be an array of {value, label, icon} with texts as their values")
	}
	for i, option := range answer.Options {
		if option.Value == "" {
			return fmt.Errorf("the value of option %d is empty", i)
		}
		if n := len([]rune(option.Label["en_US"])); n < 1 || n > maxLabel {
			return fmt.Errorf("the label en_US of option %d (%s) has %d characters, and 1 to %d are accepted", i, option.Value, n, maxLabel)
		}
	}
	return nil
}

func checkParameters(payload []byte) error {
	var answer struct {
		Parameters []map[string]any `json:"parameters"`
	}
	if err := json.Unmarshal(payload, &answer); err != nil || answer.Parameters == nil {
		return errors.New("parameters must be an array of objects")
	}
	return nil
}

// decodeNumbers keeps every digit of the numbers inside maps.
func decodeNumbers(raw []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	return dec.Decode(into)
}

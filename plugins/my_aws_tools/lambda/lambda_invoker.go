package lambda

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/account"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/param"
)

// InvokerInput is the input of lambda_invoker.
type InvokerInput struct {
	account.Input
	FunctionName string `param:"lambda_name"`
	// Payload is JSON: usually as text, which is sent as it is.
	Payload        any    `param:"payload_json"`
	InvocationType string `param:"invocation_type"`
	Qualifier      string `param:"qualifier"`
	// ClientContext is a JSON object, usually as text.
	ClientContext any  `param:"client_context_json"`
	IncludeLogs   bool `param:"include_logs"`
}

// Invoke runs a Lambda function with a payload of the user's, {} where there is none.
//
// It sends the response as JSON together with how the function ran, and then as text: JSON on one line, anything else
// as it is, or a sentence where there is no response, as for the invocation types Event and DryRun. The log is asked for
// only of the type RequestResponse, the only one that has it. A response that is too long or no text is sent as a file.
//
// The client context reaches the function only with the type RequestResponse; Lambda drops it otherwise.
func Invoke(ctx context.Context, call *plugin.Call, in InvokerInput) error {
	request, err := in.read()
	if err != nil {
		return err
	}
	acct, err := in.Open(ctx, call)
	if err != nil {
		return err
	}
	out, err := request.send(ctx, acct)
	if err != nil {
		return err
	}
	result, err := request.result(call, out)
	if err != nil {
		return err
	}
	return result.send(ctx, call)
}

// read checks the parameters.
func (in InvokerInput) read() (invocation, error) {
	request := invocation{
		qualifier: strings.TrimSpace(in.Qualifier), kind: types.InvocationType(in.InvocationType), logs: in.IncludeLogs,
		payload: json.RawMessage("{}"),
	}
	var wrong param.Problems
	var err error
	if request.function, err = parseFunction(in.FunctionName); err == nil {
		err = request.function.checkRegion(in.Region)
	}
	wrong.Add("lambda_name", err)
	wrong.Add("qualifier", request.function.checkQualifier(request.qualifier))
	payload, err := param.JSON(in.Payload)
	wrong.Add("payload_json", err)
	if payload != nil {
		request.payload = payload
	}
	request.clientContext, err = param.JSON(in.ClientContext)
	wrong.Add("client_context_json", err)
	request.check(&wrong, "payload_json")
	return request, wrong.Err("lambda_invoker")
}

// invokerResult is the JSON result of lambda_invoker.
type invokerResult struct {
	FunctionName    string          `json:"function_name"`
	StatusCode      int32           `json:"status_code"`
	ExecutedVersion *string         `json:"executed_version"`
	InvocationType  string          `json:"invocation_type"`
	Qualifier       *string         `json:"qualifier,omitempty"`
	ResponseJSON    json.RawMessage `json:"response_json,omitempty"` // null is a response, too
	ResponseText    *string         `json:"response_text,omitempty"`
	ResponseFile    *fileNote       `json:"response_file,omitempty"`
	Logs            *string         `json:"logs,omitempty"`

	response response
	silent   bool // there is no response
}

// fileNote says what the file holds that a response was sent as.
type fileNote struct {
	Name string `json:"name"`
	Type string `json:"mime_type"`
	Size int64  `json:"size"`
}

func (i invocation) result(call *plugin.Call, out *lambda.InvokeOutput) (*invokerResult, error) {
	result := &invokerResult{
		FunctionName: i.function.text, StatusCode: out.StatusCode, ExecutedVersion: out.ExecutedVersion, InvocationType: string(i.kind),
	}
	if i.qualifier != "" {
		result.Qualifier = &i.qualifier
	}
	var err error
	if result.Logs, err = logTail(out); err != nil {
		// The function has run, and its response counts for more than its log.
		call.Logger().Warn("the log of a Lambda function is lost", "function", i.function.text, "error", err)
	}
	if len(out.Payload) == 0 {
		result.silent = true
		result.response = response{text: i.notice(out.StatusCode)}
		return result, nil
	}
	result.response, err = newResponse(i.function, out.Payload, readable)
	result.describe()
	return result, err
}

// describe puts the response under the key that says what it is.
func (r *invokerResult) describe() {
	switch file := r.response.file; {
	case file != nil:
		r.ResponseFile = &fileNote{Name: file.Name, Type: file.Type, Size: file.Size}
	case r.response.raw != nil:
		r.ResponseJSON = r.response.raw
	default:
		r.ResponseText = &r.response.text
	}
}

// notice is the text where there is no response.
func (i invocation) notice(status int32) string {
	switch i.kind {
	case types.InvocationTypeEvent:
		return fmt.Sprintf("The Lambda function %s was invoked (status %d); it runs without being waited for.", i.function.text, status)
	case types.InvocationTypeDryRun:
		return fmt.Sprintf("The Lambda function %s was not invoked (status %d): with this request it may be.", i.function.text, status)
	}
	return fmt.Sprintf("The Lambda function %s was invoked (status %d); its response is empty.", i.function.text, status)
}

func (r *invokerResult) send(ctx context.Context, call *plugin.Call) error {
	if err := call.JSON(r); err != nil {
		return err
	}
	if err := r.response.send(ctx, call); err != nil {
		return err
	}
	outputs := []output{
		{"function_name", r.FunctionName},
		{"status_code", r.StatusCode},
		{"executed_version", r.ExecutedVersion},
		{"invocation_type", r.InvocationType},
		{"qualifier", r.Qualifier},
		{"logs", r.Logs},
	}
	if err := setOutputs(call, outputs); err != nil {
		return err
	}
	if r.silent {
		return setOutputs(call, []output{{"response_text", nil}, {"response_json", nil}})
	}
	return r.response.setOutputs(call)
}

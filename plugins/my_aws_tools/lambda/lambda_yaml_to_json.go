package lambda

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/account"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/param"
)

// ConvertYAMLInput is the input of lambda_yaml_to_json.
type ConvertYAMLInput struct {
	account.Input
	YAML         string `param:"yaml_content"`
	FunctionName string `param:"lambda_name"`
}

// ConvertYAML has a function turn YAML into JSON. The function gets {"body": YAML} and answers as behind Amazon API
// Gateway, with {"statusCode": 200, "body": JSON}. The text is the body, as it is where it is a text, and as JSON where
// it is any other value. Any other status, and an answer of another form, is a failure.
//
// lambda_name is declared as optional, because it is in workflows that exist, and demanded all the same: there is no
// function that could be meant.
func ConvertYAML(ctx context.Context, call *plugin.Call, in ConvertYAMLInput) error {
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
	body, err := converted(request.function, out.Payload)
	if err != nil {
		return err
	}
	result, err := newResponse(request.function, body, nil)
	if err != nil {
		return err
	}
	if err := result.send(ctx, call); err != nil {
		return err
	}
	return result.setOutputs(call)
}

// read checks the parameters.
func (in ConvertYAMLInput) read() (invocation, error) {
	request := invocation{kind: types.InvocationTypeRequestResponse}
	var wrong param.Problems
	var err error
	if strings.TrimSpace(in.FunctionName) == "" {
		err = fmt.Errorf("is required: %s", functionForm)
	} else if request.function, err = parseFunction(in.FunctionName); err == nil {
		err = request.function.checkRegion(in.Region)
	}
	wrong.Add("lambda_name", err)
	request.payload, err = param.Encode(struct {
		Body string `json:"body"`
	}{in.YAML})
	wrong.Add("yaml_content", err)
	request.check(&wrong, "yaml_content")
	return request, wrong.Err("lambda_yaml_to_json")
}

// converted finds the body in an answer of the function.
func converted(f function, payload []byte) ([]byte, error) {
	var answer struct {
		Status json.RawMessage `json:"statusCode"`
		Body   json.RawMessage `json:"body"`
	}
	if !isObject(payload) || json.Unmarshal(payload, &answer) != nil {
		return nil, unexpected(f, "is not a JSON object", payload)
	}
	status := strings.Trim(string(answer.Status), `"`)
	number, err := strconv.ParseFloat(status, 64)
	switch {
	case err != nil:
		return nil, unexpected(f, "has no statusCode", payload)
	case number != http.StatusOK:
		return nil, plugin.Errorf(plugin.BadRequest, "the Lambda function %s did not convert the YAML: it answered with the status %s and the body %q",
			f.text, param.ClipTo(status, 20), param.ClipTo(bodyText(answer.Body), maxCause))
	case answer.Body == nil:
		return nil, unexpected(f, "has no body", payload)
	}
	return []byte(bodyText(answer.Body)), nil
}

// bodyText is the text that a body holds, or the JSON of a body that is no text.
func bodyText(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil && string(raw) != "null" {
		return text
	}
	if shown, err := readable(raw); err == nil {
		return shown
	}
	return string(raw)
}

func unexpected(f function, what string, payload []byte) error {
	said := strings.ToValidUTF8(string(payload), "\uFFFD")
	if said == "" {
		said = "nothing"
	}
	return plugin.Errorf(plugin.Unavailable, "the answer of the Lambda function %s %s; a function for this tool answers with "+
		"{\"statusCode\": 200, \"body\": \"…\"}. It answered: %s", f.text, what, param.ClipTo(said, maxCause))
}

package lambda

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/account"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/param"
)

// TranslateInput is the input of lambda_translate_utils.
type TranslateInput struct {
	account.Input
	Text         string `param:"text_content"`
	From         string `param:"src_lang"`
	To           string `param:"dest_lang"`
	ModelID      string `param:"model_id"`
	Dictionary   string `param:"dictionary_name"`
	RequestType  string `param:"request_type"`
	FunctionName string `param:"lambda_name"`
}

// Translate runs the function of AWS's sample for translations with terminology, which looks terms up in a dictionary,
// cuts a text into segments, or translates it. Its text is the response of the function, as it was received.
//
// Without a dictionary the function gets an empty dictionary_id.
func Translate(ctx context.Context, call *plugin.Call, in TranslateInput) error {
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
	result, err := newResponse(request.function, out.Payload, nil)
	if err != nil {
		return err
	}
	if err := result.send(ctx, call); err != nil {
		return err
	}
	return result.setOutputs(call)
}

// translateRequest is what the function takes. The order of the names is that of the function's own documentation.
type translateRequest struct {
	Contents    []string `json:"src_contents"`
	From        string   `json:"src_lang"`
	To          string   `json:"dest_lang"`
	Dictionary  string   `json:"dictionary_id"`
	RequestType string   `json:"request_type"`
	ModelID     string   `json:"model_id"`
}

// read checks the parameters.
func (in TranslateInput) read() (invocation, error) {
	request := invocation{kind: types.InvocationTypeRequestResponse}
	var wrong param.Problems
	var err error
	if request.function, err = parseFunction(in.FunctionName); err == nil {
		err = request.function.checkRegion(in.Region)
	}
	wrong.Add("lambda_name", err)
	from, to := strings.TrimSpace(in.From), strings.TrimSpace(in.To)
	wrong.Add("src_lang", checkLanguage(from))
	wrong.Add("dest_lang", checkLanguage(to))
	payload, err := param.Encode(translateRequest{
		Contents: []string{in.Text}, From: from, To: to, Dictionary: in.Dictionary, RequestType: in.RequestType,
		ModelID: strings.TrimSpace(in.ModelID),
	})
	wrong.Add("text_content", err)
	request.payload = payload
	request.check(&wrong, "text_content")
	return request, wrong.Err("lambda_translate_utils")
}

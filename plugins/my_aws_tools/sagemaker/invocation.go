package sagemaker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemakerruntime"
	"github.com/aws/aws-sdk-go-v2/service/sagemakerruntime/types"
	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/account"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/param"
)

const (
	// maxRequest is the longest request to a model in bytes: Body of InvokeEndpoint in the reference of the SageMaker
	// Runtime API.
	maxRequest = 6 << 20
	// maxAnswer bounds an answer in bytes. Those of SageMaker are not longer than a request; an endpoint of a user's
	// choice could send anything.
	maxAnswer = 8 << 20
	jsonType  = "application/json"
)

// encodeRequest writes what a model gets. parameter is the one whose fault it is when that is too long.
func encodeRequest(wrong *param.Problems, parameter string, value any) json.RawMessage {
	body, err := param.Encode(value)
	wrong.Add(parameter, err)
	if len(body) > maxRequest {
		wrong.Addf(parameter, "makes a request of %d bytes, and SageMaker takes at most %d: shorten it", len(body), maxRequest)
	}
	return body
}

// invoke sends a request to the model behind an endpoint and returns what it answers.
func invoke(ctx context.Context, acct *account.Account, endpoint string, body json.RawMessage) ([]byte, error) {
	cfg := acct.Config(account.SageMakerRuntime)
	cfg.HTTPClient = account.NewLine(cfg.HTTPClient, "SageMaker", maxAnswer)
	out, err := sagemakerruntime.NewFromConfig(cfg).InvokeEndpoint(ctx, &sagemakerruntime.InvokeEndpointInput{
		EndpointName: aws.String(endpoint), ContentType: aws.String(jsonType), Body: body,
	})
	if err != nil {
		return nil, account.Error(err, account.Operation{
			Doing: "invoke the SageMaker endpoint " + endpoint, Service: "SageMaker", Action: "sagemaker:InvokeEndpoint",
			Resource: endpointARN(acct, endpoint), Region: acct.Region(), Faults: faults(err),
		})
	}
	return out.Body, nil
}

// faults are the errors of InvokeEndpoint, after its reference.
func faults(err error) map[string]account.Fault {
	return map[string]account.Fault{
		"ModelError":             modelFault(err),
		"ValidationError":        {Kind: plugin.BadRequest, Text: "SageMaker does not accept the request: check that there is such an endpoint in the region {region}, sagemaker_endpoint and aws_region{said}"},
		"ModelNotReadyException": {Kind: plugin.Unavailable, Text: "the model is still being loaded: try again in a minute{said}"},
		"InternalDependencyException": {
			Kind: plugin.Unavailable, Text: "SageMaker has a failure of its own: try again in a minute{said}",
		},
	}
}

// maxModelWords bounds in characters what an error repeats of a model's own words.
const maxModelWords = 1000

// modelFault says what went wrong inside the container of a model.
func modelFault(err error) account.Fault {
	var failed *types.ModelError
	if !errors.As(err, &failed) {
		return account.Fault{Kind: plugin.Unavailable, Text: "the model behind the endpoint has failed{said}"}
	}
	said := strings.TrimSpace(aws.ToString(failed.OriginalMessage))
	if strings.Contains(said, "timed out") && aws.ToInt32(failed.OriginalStatusCode) == 0 {
		return account.Fault{Kind: plugin.Unavailable, Text: "the model did not answer within the 60 seconds that SageMaker waits: give it a shorter text, or the endpoint a faster instance" + logged(failed)}
	}
	if said == "" {
		said = "nothing"
	}
	text := fmt.Sprintf("the model behind the endpoint answered with status %d and said: %s%s", aws.ToInt32(failed.OriginalStatusCode), clip(said, maxModelWords), logged(failed))
	kind := plugin.Unavailable
	if status := aws.ToInt32(failed.OriginalStatusCode); status >= http.StatusBadRequest && status < http.StatusInternalServerError {
		kind = plugin.BadRequest
	}
	return account.Fault{Kind: kind, Text: text}
}

// logged points to the log of a model.
func logged(failed *types.ModelError) string {
	if arn := aws.ToString(failed.LogStreamArn); arn != "" {
		return ". Its log is in CloudWatch: " + clip(arn, 300)
	}
	return ". Its log is in CloudWatch, under /aws/sagemaker/Endpoints"
}

// clip makes one line of what came from a model, of at most so many characters.
func clip(text string, most int) string {
	text = strings.Join(strings.Fields(strings.ToValidUTF8(text, "\uFFFD")), " ")
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}

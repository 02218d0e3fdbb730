package bedrockruntime

import (
	"context"
	"errors"

	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/account"
)

// explain says what became of a request.
func (c client) explain(err error, doing, action, resource string, faults map[string]account.Fault) error {
	return account.Error(err, account.Operation{
		Doing: doing, Service: "Bedrock", Action: action, Resource: resource, Region: c.region, Faults: faults,
	})
}

// modelFaults are the errors of requests to a model, after the API reference of InvokeModel and StartAsyncInvoke.
func modelFaults() map[string]account.Fault {
	return map[string]account.Fault{
		"AccessDeniedException": {
			Kind: plugin.Authorization, Text: "access was denied: give these credentials the permission {action} on {resource} in the IAM console, and request access " +
				"to the model in the Bedrock console of {region}{said}",
		},
		"ResourceNotFoundException": {
			Kind: plugin.BadRequest, Text: "the model is not offered in {region}, or AWS has retired it: choose another aws_region, or enter in model_id a model that the Bedrock console " +
				"lists as active there{said}",
		},
		"ValidationException":         {Kind: plugin.BadRequest, Text: "the model does not accept the request{said}"},
		"ModelErrorException":         {Kind: plugin.Unavailable, Text: "the model has failed: try again{said}"},
		"ModelTimeoutException":       {Kind: plugin.Unavailable, Text: "the model took too long: ask for fewer or smaller images, or try again{said}"},
		"ModelNotReadyException":      {Kind: plugin.RateLimit, Text: "the model is not ready yet: try again in a minute{said}"},
		"ConflictException":           {Kind: plugin.BadRequest, Text: "AWS is still busy with a request like this one: try again in a minute{said}"},
		"ServiceUnavailableException": {Kind: plugin.Unavailable, Text: "{service} cannot cope at the moment: try again in a minute{said}"},
	}
}

// isOver reports whether the call has ended before a request was answered.
func isOver(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}

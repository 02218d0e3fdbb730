package stepfunctions

import (
	"context"
	"errors"

	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/account"
)

// faults are the errors of the three operations, after the API reference of Step Functions.
func faults() map[string]account.Fault {
	kms := account.Fault{Kind: plugin.Authorization, Text: "the KMS key of the state machine cannot be used: look at it in the KMS console, and give these credentials the permissions kms:Decrypt and kms:GenerateDataKey on it{said}"}
	return map[string]account.Fault{
		"StateMachineDoesNotExist": {Kind: plugin.BadRequest, Text: "there is no such state machine, version or alias in the region {region}: check state_machine_arn{said}"},
		"StateMachineDeleting":     {Kind: plugin.BadRequest, Text: "the state machine is being deleted{said}"},
		"StateMachineTypeNotSupported": {
			Kind: plugin.BadRequest, Text: "it is not an EXPRESS state machine: set state_machine_type to STANDARD, and the tool waits for it all the same. Nothing was started{said}",
		},
		"ExecutionAlreadyExists": {
			Kind: plugin.BadRequest, Text: "the state machine has had an execution of this name, which has ended or has another input: choose another execution_name, or pick that execution up with execution_arn{said}",
		},
		"ExecutionDoesNotExist": {
			Kind: plugin.BadRequest, Text: "there is no such execution in the region {region}: check execution_arn. AWS forgets executions 90 days after they have ended{said}",
		},
		"ExecutionLimitExceeded":   {Kind: plugin.RateLimit, Text: "as many executions already run as the quota of the account allows: try again when some have ended, or raise the quota{said}"},
		"InvalidArn":               {Kind: plugin.BadRequest, Text: "AWS does not accept the ARN: check state_machine_arn and execution_arn{said}"},
		"InvalidName":              {Kind: plugin.BadRequest, Text: "AWS does not accept the name: check execution_name{said}"},
		"InvalidExecutionInput":    {Kind: plugin.BadRequest, Text: "AWS does not accept the input: check input_json{said}"},
		"ValidationException":      {Kind: plugin.BadRequest, Text: "AWS does not accept a parameter{said}"},
		"KmsAccessDeniedException": kms,
		"KmsInvalidStateException": kms,
		"KmsThrottlingException":   {Kind: plugin.RateLimit, Text: "KMS asks for fewer requests at a time: try again in a minute{said}"},
	}
}

// explain says what became of a request.
func (c client) explain(err error, doing, action, resource string) error {
	return account.Error(err, account.Operation{
		Doing: doing, Service: "Step Functions", Action: action, Resource: resource, Region: c.region, Faults: faults(),
	})
}

// isOver reports whether the call has ended before a request was answered.
func isOver(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}

package stepfunctions

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/param"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/result"
)

// state is what is known of an execution. Its JSON is that of the tool.
type state struct {
	StateMachineARN string  `json:"state_machine_arn"`
	ExecutionARN    string  `json:"execution_arn"`
	StartDate       any     `json:"start_date"`
	ExecutionName   string  `json:"execution_name"`
	TraceHeader     *string `json:"trace_header,omitempty"`
	Status          *string `json:"status,omitempty"` // not known of what was only started
	StopDate        any     `json:"stop_date,omitempty"`
	// Output is what the execution has returned; null is a value, too.
	Output json.RawMessage `json:"output,omitempty"`

	output       *string // as text
	error, cause string  // of an execution that did not succeed
}

// started is an execution that was started and not waited for.
func started(r request, out *sfn.StartExecutionOutput) state {
	if out == nil {
		return state{}
	}
	s := state{
		StateMachineARN: r.machine.arn, ExecutionARN: aws.ToString(out.ExecutionArn), StartDate: result.Time(out.StartDate),
		ExecutionName: r.name, TraceHeader: optional(r.trace),
	}
	if e, ok := parseExecution(s.ExecutionARN); ok {
		s.ExecutionName = e.name
	}
	return s
}

// described is an execution that was looked up.
func described(m machine, out *sfn.DescribeExecutionOutput) state {
	if out == nil {
		return state{}
	}
	s := state{
		StateMachineARN: m.arn, ExecutionARN: aws.ToString(out.ExecutionArn), StartDate: result.Time(out.StartDate),
		ExecutionName: aws.ToString(out.Name), TraceHeader: out.TraceHeader, Status: aws.String(string(out.Status)), StopDate: result.Time(out.StopDate),
		error: aws.ToString(out.Error), cause: aws.ToString(out.Cause),
	}
	s.setOutput(out.Output)
	return s
}

// answered is an execution of an EXPRESS state machine that was waited for.
func answered(r request, out *sfn.StartSyncExecutionOutput) state {
	if out == nil {
		return state{}
	}
	s := state{
		StateMachineARN: r.machine.arn, ExecutionARN: aws.ToString(out.ExecutionArn), StartDate: result.Time(out.StartDate),
		ExecutionName: aws.ToString(out.Name), TraceHeader: optional(r.trace), Status: aws.String(string(out.Status)), StopDate: result.Time(out.StopDate),
		error: aws.ToString(out.Error), cause: aws.ToString(out.Cause),
	}
	s.setOutput(out.Output)
	return s
}

func (s *state) setOutput(output *string) {
	s.output = output
	if output != nil && json.Valid([]byte(*output)) {
		s.Output = json.RawMessage(*output)
	}
}

// maxCause bounds in characters what an error repeats of an execution's own words, which may have 32 KiB.
const maxCause = 2000

// failure is the error of an execution that has ended without success.
func (s state) failure() error {
	var how string
	switch aws.ToString(s.Status) {
	case "FAILED":
		how = "has failed"
	case "TIMED_OUT":
		how = "has run out of its time"
	case "ABORTED":
		how = "was aborted"
	default:
		return nil
	}
	var said []string
	for _, part := range []string{s.error, s.cause} {
		if part != "" {
			said = append(said, part)
		}
	}
	why := param.ClipTo(strings.Join(said, ": "), maxCause)
	if why == "" {
		why = "it gave no reason"
	}
	return plugin.Errorf(plugin.Unavailable, "the execution %s %s: %s. Look at it in the Step Functions console", s.ExecutionARN, how, why)
}

// send sends what is known.
func (s state) send(call *plugin.Call) error {
	if err := call.JSON(s); err != nil {
		return fmt.Errorf("send the execution %s: %w", s.ExecutionARN, err)
	}
	text := s.ExecutionARN
	if s.output != nil {
		text = *s.output
	}
	if err := call.Text(text); err != nil {
		return err
	}
	return s.setOutputs(call)
}

func (s state) setOutputs(call *plugin.Call) error {
	var object any
	if strings.HasPrefix(strings.TrimSpace(string(s.Output)), "{") {
		object = s.Output
	}
	var faults []error
	for _, output := range []struct {
		name  string
		value any
	}{
		{"state_machine_arn", s.StateMachineARN},
		{"execution_arn", s.ExecutionARN},
		{"execution_name", s.ExecutionName},
		{"trace_header", s.TraceHeader},
		{"start_date", s.StartDate},
		{"stop_date", s.StopDate},
		{"status", s.Status},
		{"output_text", s.output},
		{"output_json", object},
	} {
		faults = append(faults, call.Variable(output.name, output.value))
	}
	return errors.Join(faults...)
}

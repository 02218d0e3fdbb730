package sfn

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// StateMachine is a state machine and what it does.
type StateMachine struct {
	// Region and AccountID say where the state machine is.
	Region, AccountID string
	Name              string
	// Express makes it an EXPRESS state machine instead of a STANDARD one.
	Express bool
	// Qualifiers are its versions and aliases.
	Qualifiers []string
	// Takes is how long an execution runs. A negative time is for ever, until [Service.Finish].
	Takes time.Duration
	// Run makes the outcome of an execution of its input. Without it, the input is the output.
	Run func(input json.RawMessage) Outcome
	// Lag is how many times DescribeExecution does not know an execution that was just started: it is eventually
	// consistent.
	Lag int
}

// Outcome is how an execution has ended.
type Outcome struct {
	// Status is SUCCEEDED when it is left empty, or one of FAILED, TIMED_OUT and ABORTED. PENDING_REDRIVE is that of an
	// execution in a Map Run which has failed and is about to go on.
	Status string
	// Output is for a success, Error and Cause are for the rest.
	Output, Error, Cause string
}

// ARN is the name of the state machine in policies.
func (m StateMachine) ARN() string { return m.prefix() + "stateMachine:" + m.Name }

func (m StateMachine) prefix() string {
	partition := "aws"
	if strings.HasPrefix(m.Region, "cn-") {
		partition = "aws-cn"
	}
	return fmt.Sprintf("arn:%s:states:%s:%s:", partition, m.Region, m.AccountID)
}

// executionARN is the ARN of an execution; id tells those of EXPRESS state machines apart.
func (m StateMachine) executionARN(name, id string) string {
	if m.Express {
		return fmt.Sprintf("%sexpress:%s:%s:%s", m.prefix(), m.Name, name, id)
	}
	return fmt.Sprintf("%sexecution:%s:%s", m.prefix(), m.Name, name)
}

func (m StateMachine) outcome(input json.RawMessage) Outcome {
	out := Outcome{Output: string(input)}
	if m.Run != nil {
		out = m.Run(input)
	}
	if out.Status == "" {
		out.Status = "SUCCEEDED"
	}
	return out
}

// Execution is an execution that was started.
type Execution struct {
	ARN, Name, TraceHeader string
	// StateMachineARN is the one that the request named, with its version or alias.
	StateMachineARN string
	Input           json.RawMessage
	Started         time.Time

	machine StateMachine
	ends    time.Time // zero for never
	lag     int
	outcome *Outcome // once it is certain
}

// end settles an execution whose time is over.
func (e *Execution) end(now time.Time) {
	if e.outcome == nil && !e.ends.IsZero() && !now.Before(e.ends) {
		outcome := e.machine.outcome(e.Input)
		e.outcome = &outcome
	}
}

var (
	machinePattern   = regexp.MustCompile(`^arn:aws[a-z-]*:states:([a-z0-9-]+):([0-9]{12}):stateMachine:([^:/\s]+)(?::([^:/\s]+))?$`)
	labelPattern     = regexp.MustCompile(`^arn:aws[a-z-]*:states:[a-z0-9-]+:[0-9]{12}:stateMachine:[^:/\s]+/[^:/\s]+$`)
	executionPattern = regexp.MustCompile(`^arn:aws[a-z-]*:states:[a-z0-9-]+:[0-9]{12}:execution:[^:\s]+:[^:\s]+$`)
)

// validName follows the rules for names in the reference of the Step Functions API.
func validName(name string) bool {
	return utf8.RuneCountInString(name) <= 80 && !strings.ContainsFunc(name, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || slices.Contains([]rune{0xFFFE, 0xFFFF, 0x10FFFF}, r) ||
			strings.ContainsRune("<>{}[]?*\"#%\\^|~`$&,;:/", r)
	})
}

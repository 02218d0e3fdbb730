package lambda

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
)

// Function is a function and the code behind it.
type Function struct {
	// Region and AccountID say where the function is.
	Region, AccountID string
	Name              string
	// Versions are the published versions, such as 1 and 2. $LATEST always exists.
	Versions []string
	// Aliases are names for versions.
	Aliases map[string]string
	// Busy makes Lambda refuse every run with a TooManyRequestsException.
	Busy *Busy
	// Run is the code. It runs in a goroutine of its own for the invocation type Event; ctx ends when the client goes
	// away or, for an Event, when the service closes.
	Run func(ctx context.Context, e Event) Result
}

// Busy is why a function cannot be run now.
type Busy struct {
	// Reason is one of Lambda's, such as ReservedFunctionConcurrentInvocationLimitExceeded.
	Reason string
	// RetryAfter is in seconds and may be empty.
	RetryAfter string
}

// Event is what the code of a function gets.
type Event struct {
	Payload json.RawMessage
	// ClientContext is decoded. It is nil for the invocation type Event, for which Lambda drops it.
	ClientContext json.RawMessage
	// Version is the version that runs.
	Version string
}

// Result is what the code of a function did.
type Result struct {
	// Payload is the response: JSON, but from runtimes of one's own it may be anything.
	Payload []byte
	// Error is empty for a success, Handled or Unhandled for a failure. Payload then describes it.
	Error string
	// Log is all that was logged. Lambda sends the last 4 KiB of it, when it is asked to.
	Log string
}

// Returns is the result of a function that returns a value.
func Returns(value any) Result {
	payload, err := json.Marshal(value)
	if err != nil {
		return Fails("Runtime.MarshalError", err.Error())
	}
	return Result{Payload: payload}
}

// Fails is the result of a function that ends with an exception.
func Fails(kind, message string) Result {
	payload, err := json.Marshal(map[string]any{"errorType": kind, "errorMessage": message, "stackTrace": []string{}})
	if err != nil {
		payload = nil // a map of strings can always be written
	}
	return Result{Payload: payload, Error: "Unhandled"}
}

// TimesOut is the result of a function that was ended after so many seconds.
func TimesOut(seconds float64) Result {
	return Fails("Sandbox.Timedout", fmt.Sprintf("RequestId: 8a7c0b7e-2f1c-4d7e-9d52-0c1f4c0a6c11 Error: Task timed out after %.2f seconds", seconds))
}

// ARN is the name of the function in policies.
func (f Function) ARN() string {
	return fmt.Sprintf("arn:%s:lambda:%s:%s:function:%s", partition(f.Region), f.Region, f.AccountID, f.Name)
}

func partition(region string) string {
	if strings.HasPrefix(region, "cn-") {
		return "aws-cn"
	}
	return "aws"
}

// version is the version that a qualifier means.
func (f Function) version(qualifier string) (string, bool) {
	if qualifier == "" || qualifier == "$LATEST" {
		return "$LATEST", true
	}
	if version, ok := f.Aliases[qualifier]; ok {
		return version, true
	}
	for _, version := range f.Versions {
		if version == qualifier {
			return version, true
		}
	}
	return "", false
}

// address is a function name taken apart.
type address struct {
	region, account, name, qualifier string
}

// The pattern of FunctionName in the reference of the Lambda API.
var namePattern = regexp.MustCompile(`^(?:arn:aws[a-zA-Z-]*:lambda:)?(?:([a-z]{2}(?:-[a-z]+)+-[0-9]):)?(?:([0-9]{12}):)?(?:function:)?` +
	`([a-zA-Z0-9-_.]+)(?::(\$LATEST(?:\.PUBLISHED)?|[a-zA-Z0-9-_]+))?$`)

var qualifierPattern = regexp.MustCompile(`^(?:\$LATEST(?:\.PUBLISHED)?|[a-zA-Z0-9-_$]+)$`)

func parseAddress(text string) (address, bool) {
	found := namePattern.FindStringSubmatch(text)
	if found == nil || len(text) > 170 || len(found[3]) > 64 {
		return address{}, false
	}
	return address{region: found[1], account: found[2], name: found[3], qualifier: found[4]}, true
}

func (at address) arn() string {
	return Function{Region: at.region, AccountID: at.account, Name: at.name}.ARN()
}

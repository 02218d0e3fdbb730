package account

import (
	"github.com/cloudplugins/difyplugin/plugin"
)

// Operation is one request to AWS, for the errors about it.
type Operation struct {
	// Doing completes the words "could not", such as "read s3://documents/a.txt".
	Doing string
	// Service is the service as people call it, such as "DynamoDB".
	Service string
	// Action is the permission that it needs, as access policies name it, such as "s3:GetObject".
	Action string
	// Resource is what a policy has to name besides: an ARN, or "" for anything.
	Resource string
	// Region is where the request went.
	Region string
	// Faults are sentences for error codes that are particular to the operation. They win over the general ones.
	Faults map[string]Fault
}

// Fault is what an error code of AWS means to a user.
type Fault struct {
	Kind plugin.Kind
	// Text says what is wrong and what to do. It may hold {action}, {resource}, {region} and {service}.
	Text string
}

// Error says to the user what went wrong and what to do. The result is a [*plugin.Error] that wraps err; nil stays nil.
// It never holds a key, a signature or the query of a URL.
func Error(err error, op Operation) error {
	if err == nil {
		return nil
	}
	return plugin.Errorf(plugin.Unavailable, "could not %s: %w", op.Doing, err)
}

// Code is the code of an error that AWS answered, such as NoSuchKey or ResourceNotFoundException, or "" where err is
// no such error.
func Code(err error) string { return "" }

func oneLine(text string) string { return text }

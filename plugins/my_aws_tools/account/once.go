package account

import (
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// Once is for requests that must not be performed twice, because they cost money or change something: a request is
// repeated only where AWS has answered that it did not perform it.
func Once(retryer func() aws.Retryer) func() aws.Retryer {
	return func() aws.Retryer { return unperformedOnly{retryer()} }
}

type unperformedOnly struct{ aws.Retryer }

// IsErrorRetryable implements [aws.Retryer].
func (unperformedOnly) IsErrorRetryable(err error) bool {
	code := Code(err)
	return strings.Contains(code, "Throttl") || slices.Contains([]string{"TooManyRequestsException", "ModelNotReadyException"}, code)
}

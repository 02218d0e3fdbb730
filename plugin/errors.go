package plugin

import (
	"context"
	"errors"
	"fmt"

	"github.com/cloudplugins/difyplugin/internal/wire"
)

// Kind says what sort of failure an error is. Dify knows these and treats them apart, for example when it decides
// whether to try again.
type Kind string

// The kinds that Dify knows.
const (
	// Authorization: the credentials are wrong, expired, or not allowed to do this.
	Authorization Kind = "InvokeAuthorizationError"
	// RateLimit: the service asks to come back later.
	RateLimit Kind = "InvokeRateLimitError"
	// BadRequest: the request itself is at fault; the same request will fail again.
	BadRequest Kind = "InvokeBadRequestError"
	// Connection: the service could not be reached, or the connection broke.
	Connection Kind = "InvokeConnectionError"
	// Unavailable: the service, or the plugin, failed.
	Unavailable Kind = "InvokeServerUnavailableError"
	// InvalidCredentials: what a user tries to save is not usable. It is the only kind that Dify shows as a plain
	// sentence in the credentials form; every error of a credentials check is turned into it.
	InvalidCredentials Kind = "CredentialsValidateFailedError"
)

// Error is a failure with a kind and a text for the user.
type Error struct {
	Kind    Kind
	Message string
	cause   error
}

// Errorf returns an error of the given kind. The format is that of [fmt.Errorf], %w included.
func Errorf(kind Kind, format string, args ...any) error {
	err := fmt.Errorf(format, args...)
	return &Error{Kind: kind, Message: err.Error(), cause: err}
}

// Error returns the text for the user.
func (e *Error) Error() string { return e.Message }

// Unwrap returns what the error was made from.
func (e *Error) Unwrap() error { return e.cause }

// KindOf returns the kind of the first [Error] that err wraps. Other errors are BadRequest, but for those of a
// context, which are Unavailable.
func KindOf(err error) Kind {
	var e *Error
	switch {
	case errors.As(err, &e):
		return e.Kind
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return Unavailable
	default:
		return BadRequest
	}
}

// maxErrorText bounds the text of an error in bytes: enough to read, far below what a line holds.
const maxErrorText = 16 << 10

// wireError is what the host gets to see of err: the sentence stands in message, which logs show, and in
// args.description, which Dify shows for the kinds that it knows.
func wireError(err error, redact func(string) string) wire.Error {
	text := redact(err.Error())
	if len(text) > maxErrorText {
		text = truncate(text, maxErrorText) + " …"
	}
	return wire.Error{
		Type:    string(KindOf(err)),
		Message: text,
		Args:    map[string]any{"description": text},
	}
}

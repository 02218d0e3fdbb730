package plugin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestKindOf(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		want Kind
	}{
		"of an Error":            {Errorf(RateLimit, "slow"), RateLimit},
		"of a wrapped Error":     {fmt.Errorf("get: %w", Errorf(Authorization, "denied")), Authorization},
		"of the outermost":       {Errorf(Connection, "x: %w", Errorf(Authorization, "y")), Connection},
		"of an Error for an end": {Errorf(Connection, "x: %w", context.Canceled), Connection},
		"of one of several":      {errors.Join(io.EOF, Errorf(Unavailable, "y")), Unavailable},
		"of any other":           {io.EOF, BadRequest},
		"of a deadline":          {fmt.Errorf("get: %w", context.DeadlineExceeded), Unavailable},
		"of a cancellation":      {fmt.Errorf("get: %w", context.Canceled), Unavailable},
		"of credentials":         {Errorf(InvalidCredentials, "no"), InvalidCredentials},
	} {
		if got := KindOf(c.err); got != c.want {
			t.Errorf("kind %s = %s, want %s", name, got, c.want)
		}
	}
}

func TestErrorfWraps(t *testing.T) {
	err := Errorf(Connection, "read %s: %w", "x", io.ErrUnexpectedEOF)
	if !errors.Is(err, io.ErrUnexpectedEOF) || err.Error() != "read x: unexpected EOF" {
		t.Errorf("got %v", err)
	}
	var e *Error
	if !errors.As(err, &e) || e.Kind != Connection || e.Message != "read x: unexpected EOF" {
		t.Errorf("got %+v", e)
	}
}

func TestALongErrorIsCutBetweenCharacters(t *testing.T) {
	got := wireError(errors.New(strings.Repeat("存", maxErrorText)), func(s string) string { return s })
	if len(got.Message) > maxErrorText+8 || !utf8.ValidString(got.Message) || !strings.HasSuffix(got.Message, "存 …") || got.Args["description"] != got.Message {
		t.Errorf("%d bytes: …%s", len(got.Message), got.Message[len(got.Message)-20:])
	}
}

func TestTheReasonOfAnEndedContextIsTold(t *testing.T) {
	reason := Errorf(Unavailable, "too slow")
	ended := func(cause error) context.Context {
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(cause)
		return ctx
	}
	for name, c := range map[string]struct {
		ctx  context.Context
		err  error
		want string
	}{
		"for a bare error":                 {ended(reason), context.Canceled, "too slow"},
		"for one in words":                 {ended(reason), fmt.Errorf("get: %w", context.Canceled), "too slow"},
		"for its cause":                    {ended(reason), fmt.Errorf("get: %w", reason), "get: too slow"},
		"for a cause of no kind":           {ended(io.EOF), context.Canceled, "the call was cancelled: EOF; try again"},
		"not for an error with a kind":     {ended(reason), Errorf(Connection, "job 7 goes on: %w", context.Canceled), "job 7 goes on: context canceled"},
		"not for another error":            {ended(reason), io.ErrShortWrite, "short write"},
		"not while the context is running": {t.Context(), context.Canceled, "context canceled"},
	} {
		if got := explain(c.ctx, c.err); got.Error() != c.want {
			t.Errorf("%s: %v, want %s", name, got, c.want)
		}
	}
}

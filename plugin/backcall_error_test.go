package plugin

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/cloudplugins/difyplugin/internal/transport"
)

func TestABrokenWayToDifyIsAFaultOfTheConnection(t *testing.T) {
	tests := []struct {
		name string
		err  error
		kind Kind
		says string
	}{
		{"the answer broke off", io.ErrUnexpectedEOF, Connection, "unexpected EOF; check that the host reaches"},
		{"no answer", transport.ErrNoAnswer, Connection, "no answer from Dify"},
		{"the request is too long", &transport.LineTooLongError{Size: 10, Limit: 5}, BadRequest, "the host takes at most 5 bytes"},
		{"the call's time is over", context.DeadlineExceeded, Unavailable, "deadline exceeded"},
		{"the call was given up", timeoutError("t", 1, 2), Unavailable, "did not finish"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := backcallError("storage", tt.err)
			if KindOf(err) != tt.kind || !strings.Contains(err.Error(), tt.says) || !strings.Contains(err.Error(), `"storage"`) {
				t.Errorf("%s: %v", KindOf(err), err)
			}
			if strings.Contains(err.Error(), "send a result") {
				t.Errorf("a call into Dify is called a result: %v", err)
			}
			var long *transport.LineTooLongError
			if !errors.As(tt.err, &long) && !errors.Is(err, tt.err) {
				t.Errorf("the cause is lost: %v", err)
			}
		})
	}
}

package plugin

import (
	"context"
	"log/slog"
	"slices"
	"strings"
)

// logHandler writes records of package log/slog as lines of the host's log: the message, then the attributes as
// name=value. Everything passes the redactor of the call.
type logHandler struct {
	call   *Call
	prefix string   // of attribute names, from groups
	attrs  []string // already written
}

// Enabled takes every level; the host has its own.
func (h logHandler) Enabled(context.Context, slog.Level) bool { return true }

// Handle writes one line.
func (h logHandler) Handle(_ context.Context, r slog.Record) error {
	parts := append([]string{h.call.part + ": " + r.Message}, h.attrs...)
	r.Attrs(func(a slog.Attr) bool {
		parts = appendAttr(parts, h.prefix, a)
		return true
	})
	text := h.call.redactor.clean(strings.Join(parts, " "))
	if len(text) > maxErrorText {
		text = truncate(text, maxErrorText) + " …"
	}
	h.call.session.Log(levelName(r.Level), text)
	return nil
}

// WithAttrs adds attributes to every later line.
func (h logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	h.attrs = slices.Clone(h.attrs)
	for _, a := range attrs {
		h.attrs = appendAttr(h.attrs, h.prefix, a)
	}
	return h
}

// WithGroup puts a name before those of later attributes.
func (h logHandler) WithGroup(name string) slog.Handler {
	if name != "" {
		h.prefix += name + "."
	}
	return h
}

func appendAttr(parts []string, prefix string, a slog.Attr) []string {
	value := a.Value.Resolve()
	if value.Kind() != slog.KindGroup {
		return append(parts, prefix+a.Key+"="+value.String())
	}
	if a.Key != "" {
		prefix += a.Key + "."
	}
	for _, member := range value.Group() {
		parts = appendAttr(parts, prefix, member)
	}
	return parts
}

// levelName is the nearest of the levels that the host knows.
func levelName(level slog.Level) string {
	switch {
	case level < slog.LevelInfo:
		return "DEBUG"
	case level < slog.LevelWarn:
		return "INFO"
	case level < slog.LevelError:
		return "WARNING"
	default:
		return "ERROR"
	}
}

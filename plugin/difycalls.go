package plugin

import (
	"context"
	"encoding/json"
	"iter"
)

// Message is a result of another tool, see [Call.InvokeTool].
type Message struct {
	// Type is text, json, link, image, image_link, binary_link, blob, blob_chunk, variable, log, file or
	// retriever_resources.
	Type string
	// Body is the message itself; its form depends on Type.
	Body json.RawMessage
	// Meta holds mime_type and filename of files; it may be nil.
	Meta map[string]any
}

// Text returns the text of a text, link, image, image_link or binary_link message, and "" for others.
func (m Message) Text() string { return messageText(m) }

// ToolRequest names a tool of another plugin, or of Dify, and its parameters.
type ToolRequest struct {
	// Type is builtin (tools of plugins), workflow, api or mcp; "" means builtin.
	Type         string
	Provider     string
	Tool         string
	Parameters   map[string]any
	CredentialID string
}

// InvokeTool runs another tool and yields its messages as they come. The manifest must enable
// resource.permission.tool. The iteration ends after the first error; it waits at most 250 s for each message.
func (c *Call) InvokeTool(ctx context.Context, in ToolRequest) iter.Seq2[Message, error] {
	return c.invokeTool(ctx, in)
}

// StoredFile is a file that Dify keeps.
type StoredFile struct {
	ID        string
	Name      string
	Size      int64
	Extension string // with its dot
	Type      string // MIME type
}

// Upload gives Dify a file to keep and returns what it calls it, for example to pass it on. To send a file as a
// result use [Call.File]. The body is streamed; a body that turns out wrong aborts the upload, and nothing is stored.
func (c *Call) Upload(ctx context.Context, f File) (StoredFile, error) { return c.upload(ctx, f) }

// Storage is a small key-value store that Dify keeps for the plugin: one per workspace, shared by its users, kept
// over upgrades, at most resource.permission.storage.size bytes in all. It is not encrypted. Keys have at most 256
// bytes and no "..", "//" or backslash.
type Storage struct{ call *Call }

// Storage gives access to the plugin's storage. The manifest must enable resource.permission.storage.
func (c *Call) Storage() Storage { return Storage{c} }

// Get returns the value of a key, and [ErrNotStored] where there is none.
func (s Storage) Get(ctx context.Context, key string) ([]byte, error) { return s.get(ctx, key) }

// Set stores a value under a key.
func (s Storage) Set(ctx context.Context, key string, value []byte) error {
	return s.set(ctx, key, value)
}

// Delete removes a key. Removing what is not there is no error.
func (s Storage) Delete(ctx context.Context, key string) error { return s.delete(ctx, key) }

// Exists reports whether a key has a value.
func (s Storage) Exists(ctx context.Context, key string) (bool, error) { return s.exists(ctx, key) }

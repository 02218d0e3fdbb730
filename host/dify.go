package host

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"path"
	"strings"
	"sync"
	"time"
)

// Dify answers the calls that plugins make back into Dify, with its rules and in its words: storage in memory, file
// uploads over HTTP into a folder, and tools that a function stands in for. It is a [Backend] and a [FileStore]. One
// Dify may serve several plugins, which then share its storage.
type Dify struct {
	opts DifyOptions
	key  []byte // signs upload URLs
	http *uploadServer

	mu      sync.Mutex
	storage map[string][]byte
	size    int64 // of all values
}

// DifyOptions configure a [Dify]. The zero value answers no call but refuses each with Dify's words.
type DifyOptions struct {
	// Permissions are what the plugin's manifest asks for. What they do not grant is refused.
	Permissions Permissions
	// Folder receives uploaded files, named by their id. Nothing half-written stays in it, and nothing is removed from
	// it. Without it uploads are refused.
	Folder string
	// MaxUpload is the largest file in bytes that is accepted; 0 means no limit.
	MaxUpload int64
	// UploadExpiry is how long an upload URL is valid; 300 s by default. It must still be valid when the whole body has
	// arrived.
	UploadExpiry time.Duration
	// TenantID is the workspace that the plugin works for; by default a random one.
	TenantID string
	// Tool stands in for other tools. Its messages are passed on to the plugin. Without it there are none.
	Tool func(ctx context.Context, call ToolInvocation) iter.Seq2[ToolMessage, error]
}

// Permissions are those of resource.permission in a manifest that a [Dify] can honour. Everything else is refused,
// except uploads, which need no permission.
type Permissions struct {
	Tool    bool
	Storage bool
	// StorageSize is the largest sum of all values in bytes; 0 means 100 MiB.
	StorageSize int64
}

// ToolInvocation is a plugin's call of another tool.
type ToolInvocation struct {
	ToolType       string         `json:"tool_type"` // builtin, workflow, api or mcp
	Provider       string         `json:"provider"`
	Tool           string         `json:"tool"`
	Parameters     map[string]any `json:"tool_parameters"`
	CredentialID   string         `json:"credential_id"`
	CredentialType string         `json:"credential_type"`
}

// ToolMessage is a message of a tool as it is written on the wire.
type ToolMessage struct {
	Type    string         `json:"type"`
	Message any            `json:"message"`
	Meta    map[string]any `json:"meta"`
}

const (
	defaultStorageSize  = 100 << 20
	defaultUploadExpiry = 300 * time.Second
)

// NewDify makes a stand-in for Dify. With a Folder it listens on a free port of the loopback address until Close.
func NewDify(opts DifyOptions) (*Dify, error) {
	setDefault(&opts.Permissions.StorageSize, defaultStorageSize)
	setDefault(&opts.UploadExpiry, defaultUploadExpiry)
	if opts.TenantID == "" {
		opts.TenantID = newUUID()
	}
	d := &Dify{opts: opts, key: []byte(newUUID()), storage: map[string][]byte{}}
	if opts.Folder == "" {
		return d, nil
	}
	server, err := newUploadServer(d)
	if err != nil {
		return nil, fmt.Errorf("start the upload server for %s: %w", opts.Folder, err)
	}
	d.http = server
	return d, nil
}

// Close ends the upload server. Uploads that are under way are cut off and not stored.
func (d *Dify) Close() error {
	if d.http == nil {
		return nil
	}
	return d.http.close()
}

// Invoke answers one call. The texts of its errors are the daemon's where the daemon has one.
func (d *Dify) Invoke(ctx context.Context, in Invocation) iter.Seq2[any, error] {
	if err := d.permit(in.Type); err != nil {
		return failed(err.Error())
	}
	switch in.Type {
	case "storage":
		return answer(d.useStorage(in.Request))
	case "upload_file":
		return answer(d.announceUpload(in))
	default: // permit lets nothing else through
		return d.useTool(ctx, in.Request)
	}
}

func (d *Dify) permit(kind string) error {
	granted := false
	switch kind {
	case "upload_file":
		return nil
	case "storage":
		granted = d.opts.Permissions.Storage
	case "tool":
		granted = d.opts.Permissions.Tool
	case "llm", "llm_structured_output", "system_summary", "text_embedding", "multimodal_embedding", "rerank",
		"multimodal_rerank", "tts", "speech2text", "moderation", "node_parameter_extractor",
		"node_question_classifier", "app", "fetch_app":
	default:
		return fmt.Errorf("unsupported invoke type: %s", kind)
	}
	if !granted {
		return fmt.Errorf("permission denied, you need to enable %s access in plugin manifest", kind)
	}
	return nil
}

func (d *Dify) useStorage(request json.RawMessage) (any, error) {
	var in struct {
		Opt   string `json:"opt"`
		Key   string `json:"key"`
		Value string `json:"value"`
	}
	if err := json.Unmarshal(request, &in); err != nil {
		return nil, invalidRequest("opt, key and value must be strings")
	}
	if in.Opt == "" || in.Key == "" {
		return nil, invalidRequest("opt and key are required")
	}
	key := path.Clean(in.Key)
	if strings.Contains(key, "..") || strings.Contains(key, `\`) {
		return nil, errors.New("invalid key: path traversal attempt detected")
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	value, exists := d.storage[in.Key]
	switch in.Opt {
	case "get":
		if !exists {
			return nil, errors.New("load data failed, please check if the key is correct or you have not set it")
		}
		return map[string]any{"data": hex.EncodeToString(value)}, nil
	case "set":
		return map[string]any{"data": "ok"}, d.store(in.Key, in.Value)
	case "del":
		delete(d.storage, in.Key)
		d.size -= int64(len(value))
		return map[string]any{"data": "ok", "deleted_num": number(exists)}, nil
	case "exist":
		return map[string]any{"data": exists, "exist_num": number(exists)}, nil
	default:
		return nil, invalidRequest("opt must be get, set, del or exist")
	}
}

func (d *Dify) store(key, encoded string) error {
	const maxKey = 256
	if len(key) > maxKey {
		return errors.New("key length must be less than 256 characters")
	}
	value, err := hex.DecodeString(encoded)
	if err != nil {
		return fmt.Errorf("decode data failed: %w", err)
	}
	size := d.size - int64(len(d.storage[key])) + int64(len(value))
	if size > d.opts.Permissions.StorageSize {
		return errors.New("allocated size is greater than max storage size")
	}
	d.storage[key], d.size = value, size
	return nil
}

func (d *Dify) useTool(ctx context.Context, request json.RawMessage) iter.Seq2[any, error] {
	var call ToolInvocation
	if err := decodeNumbers(request, &call); err != nil {
		return failed(invalidRequest("the request of a tool has the wrong form").Error())
	}
	if call.ToolType == "" || call.Provider == "" || call.Tool == "" {
		return failed(invalidRequest("tool_type, provider and tool are required").Error())
	}
	if d.opts.Tool == nil {
		return failed(fmt.Sprintf("tool %s of provider %s is not here: this stand-in for Dify was given no tools", call.Tool, call.Provider))
	}
	return func(yield func(any, error) bool) {
		for m, err := range d.opts.Tool(ctx, call) {
			if !yield(m, err) || err != nil {
				return
			}
		}
	}
}

func invalidRequest(what string) error {
	return errors.New("unmarshal backwards invoke request failed: error validating struct: " + what)
}

func number(exists bool) int {
	if exists {
		return 1
	}
	return 0
}

// answer and failed are the sequences of a call with one answer, and of a call that is refused.
func answer(data any, err error) iter.Seq2[any, error] {
	return func(yield func(any, error) bool) { yield(data, err) }
}

func failed(text string) iter.Seq2[any, error] { return answer(nil, errors.New(text)) }

package agentcore

import (
	"cmp"
	"fmt"
	"path"
	"strings"
	"unicode"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/bedrockagentcore/types"

	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/param"
)

// maxShown is how much of a text stands in results, in bytes, so that all of them fit into the 200 KiB that Dify keeps
// of a variable. All of a longer text is in a file.
const maxShown = 30 << 10

// run is what one invocation has brought: the results of its events put together.
type run struct {
	kind       string // command, code or output
	content    []types.ContentBlock
	structured *types.ToolResultStructuredContent
	isError    bool
}

// add puts the result of a further event behind what is there. What programs print comes in pieces; of all else the
// latest is right.
func (r *run) add(v types.CodeInterpreterResult) {
	r.content = append(r.content, v.Content...)
	r.isError = r.isError || aws.ToBool(v.IsError)
	more := v.StructuredContent
	if more == nil {
		return
	}
	if r.structured == nil {
		r.structured = &types.ToolResultStructuredContent{}
	}
	s := r.structured
	s.Stdout, s.Stderr = joined(s.Stdout, more.Stdout), joined(s.Stderr, more.Stderr)
	s.ExitCode, s.ExecutionTime, s.TaskId = latest(s.ExitCode, more.ExitCode), latest(s.ExecutionTime, more.ExecutionTime), latest(s.TaskId, more.TaskId)
	if more.TaskStatus != "" {
		s.TaskStatus = more.TaskStatus
	}
}

func joined(a, b *string) *string {
	if a == nil || b == nil {
		return latest(a, b)
	}
	return aws.String(*a + *b)
}

func latest[T any](a, b *T) *T {
	if b == nil {
		return a
	}
	return b
}

// ran reports whether a program has run: then there is something that only a program has.
func (r run) ran() bool {
	s := r.structured
	return s != nil && (s.ExitCode != nil || s.TaskId != nil || aws.ToString(s.Stdout) != "" || aws.ToString(s.Stderr) != "")
}

// failed reports whether a program has ended with an error, by the service's word or by its exit code.
func (r run) failed() bool {
	return r.isError || r.structured != nil && aws.ToInt32(r.structured.ExitCode) != 0
}

// size is how much memory a result takes, roughly.
func size(v types.CodeInterpreterResult) int {
	n := 0
	for _, block := range v.Content {
		n += len(aws.ToString(block.Text)) + len(block.Data)
		if block.Resource != nil {
			n += len(aws.ToString(block.Resource.Text)) + len(block.Resource.Blob)
		}
	}
	if s := v.StructuredContent; s != nil {
		n += len(aws.ToString(s.Stdout)) + len(aws.ToString(s.Stderr))
	}
	return n
}

// text are the texts of all blocks, one after the other.
func (r run) text() string {
	var all strings.Builder
	for _, block := range r.content {
		all.WriteString(aws.ToString(block.Text))
	}
	return all.String()
}

// shown is the run in the results of the tool. Its files are added to out.
func (r run) shown(out *files) (map[string]any, error) {
	before := len(out.list)
	content := make([]map[string]any, len(r.content))
	for i, block := range r.content {
		content[i] = r.block(block, out)
	}
	full := map[string]any{"content": content, "isError": r.isError}
	var exitCode any
	if s := r.structured; s != nil {
		full["structuredContent"] = r.shownStructured(out)
		exitCode = orNull(s.ExitCode)
	}
	text, err := param.Encode(full)
	if err != nil {
		return nil, fmt.Errorf("write the result of the %s: %w", r.kind, err)
	}
	return map[string]any{
		"type": r.kind, "result": string(text), "is_error": r.failed(), "exit_code": exitCode, "files": out.names()[before:],
	}, nil
}

// shownStructured has the names of the API. What the service left out is left out.
func (r run) shownStructured(out *files) map[string]any {
	s, shown := r.structured, map[string]any{}
	for name, value := range map[string]any{
		"stdout": r.stream(out, "stdout", s.Stdout), "stderr": r.stream(out, "stderr", s.Stderr), "exitCode": orNull(s.ExitCode),
		"executionTime": orNull(s.ExecutionTime), "taskId": orNull(s.TaskId),
	} {
		if value != nil {
			shown[name] = value
		}
	}
	if s.TaskStatus != "" {
		shown["taskStatus"] = s.TaskStatus
	}
	return shown
}

// stream is what a program printed, or nil where the service does not say.
func (r run) stream(out *files, name string, text *string) any {
	if text == nil {
		return nil
	}
	return out.text(r.kind+"-"+name+".txt", *text)
}

// block is one part of a result. In place of bytes stands the name of the file that has them.
func (r run) block(b types.ContentBlock, out *files) map[string]any {
	shown := map[string]any{"type": b.Type}
	for name, text := range map[string]*string{"uri": b.Uri, "name": b.Name, "description": b.Description, "mimeType": b.MimeType} {
		if text != nil {
			shown[name] = *text
		}
	}
	if b.Text != nil {
		shown["text"] = out.text(r.kind+"-output.txt", *b.Text)
	}
	if b.Size != nil {
		shown["size"] = *b.Size
	}
	if len(b.Data) > 0 {
		shown["size"] = len(b.Data)
		shown["file"] = out.add(r.fileName(aws.ToString(b.Name), aws.ToString(b.Uri), aws.ToString(b.MimeType), b.Type), aws.ToString(b.MimeType), b.Data)
	}
	if b.Resource != nil {
		shown["resource"] = r.resource(*b.Resource, out)
	}
	return shown
}

// resource is a file that the service has put into its answer.
func (r run) resource(res types.ResourceContent, out *files) map[string]any {
	shown := map[string]any{"type": res.Type}
	for name, text := range map[string]*string{"uri": res.Uri, "mimeType": res.MimeType} {
		if text != nil {
			shown[name] = *text
		}
	}
	content := res.Blob
	if res.Text != nil {
		content = []byte(*res.Text)
	}
	if res.Text != nil || res.Blob != nil {
		shown["size"] = len(content)
		shown["file"] = out.add(r.fileName("", aws.ToString(res.Uri), aws.ToString(res.MimeType), "file"), aws.ToString(res.MimeType), content)
	}
	return shown
}

// keepFiles adds the files among the blocks, and nothing else.
func (r run) keepFiles(out *files) {
	for _, block := range r.content {
		block.Text = nil
		r.block(block, out)
	}
}

// fileName is the name of a part, else the end of its URI, else one that says what it is, as in code-image.png. It
// holds nothing that a file name must not.
func (r run) fileName(name, uri, mimeType string, kind types.ContentBlockType) string {
	name = path.Base(strings.TrimRight(cmp.Or(name, uri), "/"))
	name = strings.Map(func(c rune) rune {
		if unicode.IsControl(c) || strings.ContainsRune(`\:*?"<>|%`, c) {
			return '_'
		}
		return c
	}, name)
	if strings.Trim(name, "./ ") == "" || len(name) > maxFileName {
		name = r.kind + "-" + string(kind)
	}
	if path.Ext(name) == "" {
		name += extension(mimeType)
	}
	return name
}

// maxFileName is the longest name that is kept, in bytes, with room for a number behind it.
const maxFileName = 150

// extension is the usual end of names of files of a type; the tables of operating systems differ.
func extension(mimeType string) string {
	bare, _, _ := strings.Cut(mimeType, ";")
	return map[string]string{
		"image/png": ".png", "image/jpeg": ".jpg", "image/gif": ".gif", "image/svg+xml": ".svg", "image/webp": ".webp", "application/pdf": ".pdf",
		"text/plain": ".txt", "text/csv": ".csv", "text/html": ".html", "text/markdown": ".md", "application/json": ".json", "application/zip": ".zip",
	}[strings.ToLower(strings.TrimSpace(bare))]
}

// files are the files of a call, in order. Their names differ. The zero value holds none.
type files struct {
	list  []plugin.File
	texts map[string]string // names of files of long texts, by text
}

// add adds a file and returns its name, which gets a number where another file has it already.
func (f *files) add(name, mimeType string, content []byte) string {
	ext := path.Ext(name)
	stem := strings.TrimSuffix(name, ext)
	for n := 2; f.has(name); n++ {
		name = fmt.Sprintf("%s-%d%s", stem, n, ext)
	}
	f.list = append(f.list, plugin.Bytes(name, mimeType, content))
	return name
}

func (f *files) has(name string) bool {
	for _, file := range f.list {
		if file.Name == name {
			return true
		}
	}
	return false
}

func (f *files) names() []string {
	names := make([]string, len(f.list))
	for i, file := range f.list {
		names[i] = file.Name
	}
	return names
}

// text is a text as it can be shown: whole, or its beginning and the name of the file that has all of it. The same text
// needs one file, however often it is shown.
func (f *files) text(name, text string) string {
	if len(text) <= maxShown {
		return text
	}
	known, ok := f.texts[text]
	if !ok {
		known = f.add(name, "text/plain", []byte(text))
		if f.texts == nil {
			f.texts = map[string]string{}
		}
		f.texts[text] = known
	}
	return fmt.Sprintf("%s\n(the first %d of %d bytes; all of them are in the file %s)", clipText(text, maxShown), maxShown, len(text), known)
}

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/cloudplugins/difyplugin/host"
)

// printer shows messages on a terminal: results on standard output, steps and progress on standard error.
type printer struct {
	streams
	folder   string // for files
	asJSON   bool
	progress *progress
}

func (p *printer) print(m host.Message) error {
	if m.File != nil {
		return p.save(m)
	}
	if p.asJSON {
		return p.printJSON(m)
	}
	if step, ok := m.Step(); ok {
		p.printStep(step)
		return nil
	}
	if v, ok := m.Variable(); ok {
		fmt.Fprintf(p.out, "%s = %s\n", v.Name, v.Value)
		return nil
	}
	switch m.Type {
	case "text":
		fmt.Fprintln(p.out, strings.TrimSuffix(m.Text(), "\n"))
	case "json":
		fmt.Fprintln(p.out, indented(m.JSON()))
	case "link", "image", "image_link", "binary_link":
		fmt.Fprintf(p.out, "%s: %s\n", m.Type, m.Text())
	default:
		fmt.Fprintln(p.out, indented(m.Body))
	}
	return nil
}

func (p *printer) printJSON(m host.Message) error {
	if m.Type == "" {
		fmt.Fprintf(p.out, "%s\n", m.Body)
		return nil
	}
	line, err := json.Marshal(map[string]any{"type": m.Type, "message": m.Body, "meta": m.Meta})
	if err != nil {
		return fmt.Errorf("print a message: %w", err)
	}
	fmt.Fprintf(p.out, "%s\n", line)
	return nil
}

func (p *printer) printStep(step host.Step) {
	if p.progress.show(step) {
		return
	}
	p.progress.clear()
	text := step.Label + ": " + step.Status
	if step.Error != "" {
		text += ": " + step.Error
	}
	fmt.Fprintln(p.err, text)
}

// progress shows how far a long piece of work is: on a terminal in one line that changes, else in a few lines.
type progress struct {
	w        io.Writer
	terminal bool
	shown    bool
	quarter  int64
}

func newProgress(w io.Writer) *progress {
	f, isFile := w.(*os.File)
	if !isFile {
		return &progress{w: w}
	}
	info, err := f.Stat()
	return &progress{w: w, terminal: err == nil && info.Mode()&os.ModeCharDevice != 0}
}

// show reports whether the step was one of progress.
func (p *progress) show(step host.Step) bool {
	done, total, ok := progressOf(step)
	if !ok {
		return false
	}
	line := "  " + progressLine(step.Label, done, total)
	switch {
	case p.terminal:
		fmt.Fprintf(p.w, "\r\x1b[K%s", line)
		p.shown = true
	case total <= 0 || done*4/total != p.quarter:
		fmt.Fprintln(p.w, line)
	}
	if total > 0 {
		p.quarter = done * 4 / total
	}
	return true
}

// clear removes the line that changes.
func (p *progress) clear() {
	if p.shown {
		fmt.Fprint(p.w, "\r\x1b[K")
		p.shown = false
	}
	p.quarter = 0
}

func progressOf(step host.Step) (done, total int64, ok bool) {
	var progress struct{ Done, Total *int64 }
	if json.Unmarshal(step.Data, &progress) != nil || progress.Done == nil || progress.Total == nil {
		return 0, 0, false
	}
	return *progress.Done, *progress.Total, true
}

// progressLine reads like "Uploading to Dify: 12.0 MiB of 64.0 MiB".
func progressLine(label string, done, total int64) string {
	if total <= 0 {
		return fmt.Sprintf("%s: %s", label, byteCount(done))
	}
	return fmt.Sprintf("%s: %s of %s", label, byteCount(done), byteCount(total))
}

func (p *printer) save(m host.Message) error {
	path, size, err := saveFile(m.File, p.folder)
	if err != nil {
		return err
	}
	p.progress.clear()
	fmt.Fprintf(p.out, "saved %s (%s, %s)\n", path, byteCount(size), m.File.Type)
	return nil
}

// saveFile writes a file into a folder under its own name, or, where that is taken, under the next free one.
func saveFile(f *host.File, folder string) (path string, size int64, err error) {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return "", 0, err
	}
	from, err := f.Open()
	if err != nil {
		return "", 0, fmt.Errorf("open the plugin's file %s: %w", f.Name, err)
	}
	defer from.Close()
	to, err := createNew(folder, safeName(f.Name))
	if err != nil {
		return "", 0, err
	}
	size, err = io.Copy(to, from)
	if err = errors.Join(err, to.Close()); err != nil {
		_ = os.Remove(to.Name())
		return "", 0, fmt.Errorf("save %s: %w", to.Name(), err)
	}
	return to.Name(), size, nil
}

func createNew(folder, name string) (*os.File, error) {
	ext := filepath.Ext(name)
	stem := strings.TrimSuffix(name, ext)
	for n := 1; ; n++ {
		candidate := name
		if n > 1 {
			candidate = fmt.Sprintf("%s (%d)%s", stem, n, ext)
		}
		f, err := os.OpenFile(filepath.Join(folder, candidate), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if !errors.Is(err, fs.ErrExist) {
			return f, err
		}
	}
}

// safeName is the last part of a name that a plugin chose, so that no file lands outside of the folder.
func safeName(name string) string {
	name = filepath.Base(filepath.Clean("/" + strings.ReplaceAll(name, `\`, "/")))
	if name == "/" || name == "." {
		return "file"
	}
	return name
}

func indented(raw json.RawMessage) string {
	var buf bytes.Buffer
	if json.Indent(&buf, raw, "", "  ") != nil {
		return string(raw)
	}
	return buf.String()
}

func byteCount(n int64) string {
	switch {
	case n < 1<<10:
		return fmt.Sprintf("%d bytes", n)
	case n < 1<<20:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	default:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	}
}

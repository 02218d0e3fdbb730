// Command post uploads files as a plugin does, with nothing of a plugin behind it. It says that it is ready as a
// plugin does, and for each line of input, URL SIZE NAME, posts SIZE bytes as the file NAME and writes an empty line.
package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"os"
)

func main() {
	if err := serve(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serve() error {
	fmt.Println(`{"event":"heartbeat","session_id":null,"data":{}}`)
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var url, name string
		var size int64
		if _, err := fmt.Sscan(lines.Text(), &url, &size, &name); err != nil {
			return fmt.Errorf("read a command: %w", err)
		}
		if err := post(url, name, size); err != nil {
			return err
		}
		fmt.Println()
	}
	return lines.Err()
}

func post(url, name string, size int64) error {
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	header := textproto.MIMEHeader{}
	header.Set("Content-Disposition", multipart.FileContentDisposition("file", name))
	header.Set("Content-Type", "application/octet-stream")
	if _, err := w.CreatePart(header); err != nil {
		return err
	}
	head := bytes.Clone(form.Bytes())
	form.Reset()
	if err := w.Close(); err != nil {
		return err
	}
	body := io.MultiReader(bytes.NewReader(head), io.LimitReader(newPattern(), size), &form)
	req, err := http.NewRequest(http.MethodPost, url, body)
	if err != nil {
		return err
	}
	req.ContentLength = int64(len(head)) + size + int64(form.Len())
	req.Header.Set("Content-Type", w.FormDataContentType())
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusCreated {
		return fmt.Errorf("post %s: %s: %s", name, resp.Status, answer)
	}
	return nil
}

// pattern is bytes without end, made without work.
type pattern struct {
	block []byte
	rest  []byte
}

func newPattern() *pattern {
	p := &pattern{block: make([]byte, 64<<10)}
	for i := range p.block {
		p.block[i] = byte(i)
	}
	return p
}

func (p *pattern) Read(to []byte) (int, error) {
	if len(p.rest) == 0 {
		p.rest = p.block
	}
	n := copy(to, p.rest)
	p.rest = p.rest[n:]
	return n, nil
}

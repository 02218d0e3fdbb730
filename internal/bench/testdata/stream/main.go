// Command stream writes the bytes that a plugin writes, with nothing of a plugin behind them. It says that it is ready
// as a plugin does and serves one line of input after the other until its input ends:
//
//	{...}         a request for the tool echo: answers with the same two lines
//	SIZE COUNT    writes COUNT files of SIZE bytes, each base64 in one line
package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"fmt"
	"os"
)

func main() {
	if err := serve(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serve() error {
	if _, err := os.Stdout.WriteString(`{"event":"heartbeat","session_id":null,"data":{}}` + "\n"); err != nil {
		return err
	}
	for in := bufio.NewReaderSize(os.Stdin, 64<<10); ; {
		line, err := in.ReadBytes('\n')
		if err != nil {
			return nil // the end
		}
		if line[0] == '{' {
			err = echo(line)
		} else {
			err = files(line)
		}
		if err != nil {
			return err
		}
	}
}

// echo finds what it needs where this one client puts it, and understands nothing.
func echo(request []byte) error {
	session, text := field(request, `"session_id":"`), field(request, `"text":"`)
	var lines bytes.Buffer
	fmt.Fprintf(&lines, `{"event":"session","session_id":"%s","data":{"type":"stream","data":{"type":"text","message":{"text":"%s"},"meta":null}}}`+"\n", session, text)
	if _, err := os.Stdout.Write(lines.Bytes()); err != nil {
		return err
	}
	lines.Reset()
	fmt.Fprintf(&lines, `{"event":"session","session_id":"%s","data":{"type":"end","data":{}}}`+"\n", session)
	_, err := os.Stdout.Write(lines.Bytes())
	return err
}

func field(line []byte, name string) []byte {
	_, after, _ := bytes.Cut(line, []byte(name))
	value, _, _ := bytes.Cut(after, []byte(`"`))
	return value
}

func files(command []byte) error {
	var size, count int
	if _, err := fmt.Sscan(string(command), &size, &count); err != nil {
		return fmt.Errorf("read a command: %w", err)
	}
	content := make([]byte, size)
	for i := range content {
		content[i] = byte(i)
	}
	line := make([]byte, base64.StdEncoding.EncodedLen(size)+1)
	line[len(line)-1] = '\n'
	for range count {
		base64.StdEncoding.Encode(line, content)
		if _, err := os.Stdout.Write(line); err != nil {
			return err
		}
	}
	return nil
}

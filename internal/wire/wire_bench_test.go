package wire

import (
	"bytes"
	"testing"
)

// inboundLine is a call of a tool with a handful of parameters, as the daemon writes it.
const inboundLine = `{"session_id":"0198c5a2-6f0e-7a43-b1f4-3d1d0c8a7d11","conversation_id":null,"message_id":null,"app_id":"5f1a7a0e-52d1-4c1f-9b7e-0d6a3e1c2b4f",` +
	`"endpoint_id":null,"context":null,"event":"request","data":{"action":"invoke_tool","credential_type":"api-key",` +
	`"credentials":{"access_key":"AKEXAMPLE","secret_key":"an example of a secret","region":"ap-guangzhou"},"provider":"storage","tool":"read",` +
	`"tool_parameters":{"uri":"s3://bucket/folder/file.txt","limit":1048576,"encoding":"utf-8","verbose":false,"range":null},"type":"tool","user_id":"u1"}}` + "\n"

func BenchmarkDecodeInbound(b *testing.B) {
	line := []byte(inboundLine)
	b.SetBytes(int64(len(line)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := DecodeInbound(line); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodeRequest(b *testing.B) {
	in, err := DecodeInbound([]byte(inboundLine))
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(in.Data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := DecodeRequest(in.Data); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkStreamLine(b *testing.B) {
	type message struct {
		Type    string         `json:"type"`
		Message any            `json:"message"`
		Meta    map[string]any `json:"meta"`
	}
	for _, bb := range []struct {
		name    string
		payload message
		bytes   int64
	}{
		{"text of 100 bytes", message{MessageText, Text{string(bytes.Repeat([]byte("x"), 100))}, nil}, 100},
		{"text of 64 KiB", message{MessageText, Text{string(bytes.Repeat([]byte("x"), 64<<10))}, nil}, 64 << 10},
		{"chunk of a file", message{
			MessageBlobChunk,
			BlobChunk{ID: "0f3c", TotalLength: 1 << 20, Blob: make([]byte, ChunkSize)},
			map[string]any{"filename": "a.png", "mime_type": "image/png"},
		}, ChunkSize},
	} {
		b.Run(bb.name, func(b *testing.B) {
			b.SetBytes(bb.bytes)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := StreamLine("0198c5a2-6f0e-7a43-b1f4-3d1d0c8a7d11", bb.payload); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkEndLine(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if len(EndLine("0198c5a2-6f0e-7a43-b1f4-3d1d0c8a7d11")) == 0 {
			b.Fatal("no line")
		}
	}
}

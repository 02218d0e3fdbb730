package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/cloudplugins/difyplugin/host"
	"github.com/cloudplugins/difyplugin/sandbox/aws/browser"
	"github.com/cloudplugins/difyplugin/sandbox/aws/sample"
)

// stop is a call of a tool, and what is shown of its result: the outputs of these names, or its text.
type stop struct {
	tool       string
	parameters map[string]any
	shown      []string
}

// stops are calls of tools of every service but S3.
func stops() []stop {
	const orders = "orders"
	return []stop{
		{"dynamodb_manager", map[string]any{"operation_type": "create_table", "table_name": orders, "partition_key_name": "id"}, nil},
		{"dynamodb_manager", map[string]any{"operation_type": "put_item", "table_name": orders, "item_data": `{"id": "7", "total": 12.5}`}, nil},
		{"dynamodb_manager", map[string]any{"operation_type": "get_item", "table_name": orders, "partition_key_name": "id", "partition_key": "7"}, []string{"item"}},
		{"lambda_invoker", map[string]any{"lambda_name": sample.Function, "payload_json": `{"name": "Dify"}`}, []string{"response_json"}},
		{"stepfunctions_start_execution", map[string]any{"state_machine_arn": sample.StateMachine, "input_json": `{"order": 7}`, "wait_for_result": true}, []string{"status", "output_text"}},
		{"bedrock_retrieve", map[string]any{"knowledge_base_id": sample.KnowledgeBase, "query": "When does the office open?", "result_type": "text"}, nil},
		{"bedrock_kb_start_ingestion_job", map[string]any{"knowledge_base_id": sample.KnowledgeBase, "data_source_id": sample.DataSource, "wait_for_completion": true}, nil},
		{"apply_guardrail", map[string]any{"guardrail_id": sample.Guardrail, "guardrail_version": "1", "source": "INPUT", "text": "Tell me your password."}, []string{"action"}},
		{"nova_canvas", map[string]any{"prompt": "A red bicycle", "image_output_s3uri": "s3://" + sample.Documents + "/images", "width": 512, "height": 512}, nil},
		{"nova_reel", map[string]any{"prompt": "A bicycle rolls by", "video_output_s3uri": "s3://" + sample.Documents + "/videos", "async": false}, nil},
		{"opensearch_retrieve", map[string]any{
			"opensearch_endpoint": sample.SearchHost, "index_name": sample.SearchIndex, "query_text": "a red bicycle", "vector_size": "1024",
			"embedding_model_id": "amazon.titan-embed-image-v1",
		}, []string{"results"}},
		{"sagemaker_text_rerank", map[string]any{
			"sagemaker_endpoint": sample.Ranker, "query": "red bicycle", "candidate_texts": `[{"content": "a cat"}, {"content": "a red bicycle"}]`, "topk": 1,
		}, []string{"results"}},
		{"transcribe_asr", map[string]any{"file_url": "s3://" + sample.Documents + "/talk.mp3", "s3_bucket_name": sample.Documents, "ShowSpeakerLabels": true}, nil},
		{"agentcore_memory", map[string]any{"operation": "record", "information": "I like tea."}, []string{"memory_id"}},
		{"agentcore_code_interpreter", map[string]any{"command": "echo Hello from a workflow"}, []string{"stdout"}},
		{"translation_evaluator", map[string]any{"translation": "The cat sat on the mat.", "label": "The cat is on the mat."}, []string{"sacrebleu", "meteor"}},
	}
}

// others shows a tool of each other service.
func (t *awsTour) others(ctx context.Context) error {
	fmt.Fprintf(t.out, "\nThe other services\n")
	for _, at := range stops() {
		if _, err := t.visit(ctx, at); err != nil {
			return err
		}
	}
	if !browser.Available() {
		fmt.Fprintf(t.out, "  The browser tools are left out: there is no Chromium on this machine\n")
		return nil
	}
	if err := t.browse(ctx); err != nil {
		fmt.Fprintf(t.out, "  The browser tools are left out: the Chromium of this machine does not serve: %v\n", err)
	}
	return nil
}

// visit runs a tool and shows what it returned.
func (t *awsTour) visit(ctx context.Context, at stop) (host.Result, error) {
	began := time.Now()
	result, err := t.call(ctx, at.tool, at.parameters)
	if err != nil {
		return result, err
	}
	text := result.Text
	if len(at.shown) > 0 {
		var values []string
		for _, name := range at.shown {
			value, ok := result.Variables[name]
			if !ok {
				return result, fmt.Errorf("%s returned no %s", at.tool, name)
			}
			values = append(values, name+" "+string(value))
		}
		text = strings.Join(values, ", ")
	}
	for _, file := range result.Files {
		text += fmt.Sprintf(" [%s, %s]", file.Name, byteCount(file.Size))
	}
	fmt.Fprintf(t.out, "  %-33s %s (%s)\n", at.tool, shorten(text), time.Since(began).Round(time.Millisecond))
	return result, nil
}

// shorten puts a text into a line of a terminal.
func shorten(text string) string {
	const most = 110
	line := []rune(strings.Join(strings.Fields(text), " "))
	if len(line) > most {
		return string(line[:most-1]) + "…"
	}
	return string(line)
}

// browse opens a page of this machine in a browser of AgentCore, reads it, and closes the browser.
func (t *awsTour) browse(ctx context.Context) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("serve a page: %w", err)
	}
	page := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "<!doctype html><title>Hello</title><h1>A page</h1><p>Read by a browser of AgentCore.")
	})}
	go func() { _ = page.Serve(listener) }() // until it is closed
	defer page.Close()
	const manager, tool = "agentcore-browser-session-manager", "agentcore-browser-tool"
	started, err := t.visit(ctx, stop{manager, map[string]any{"function_name": "init_browser_session"}, []string{"session_id"}})
	if err != nil {
		return err
	}
	id := strings.Trim(string(started.Variables["session_id"]), `"`)
	for _, at := range []stop{
		{tool, map[string]any{"action": "browse_url", "browser_session_id": id, "url": "http://" + listener.Addr().String(), "wait_time": 0}, []string{"title", "content"}},
		{tool, map[string]any{"action": "screenshot", "browser_session_id": id, "wait_time": 0}, []string{"status"}},
		{manager, map[string]any{"function_name": "close_browser_session", "session_id": id}, []string{"status"}},
	} {
		if _, err := t.visit(ctx, at); err != nil {
			return err
		}
	}
	return nil
}

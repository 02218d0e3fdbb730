package main

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"testing"

	"github.com/cloudplugins/difyplugin/manifest"
	gocmp "github.com/google/go-cmp/cmp"
)

// contractSum is the SHA-256 of testdata/contract.json, which holds the names, types, defaults and choices of the two
// plugins that this one replaces. They are facts: a change of them is a mistake.
const contractSum = "850e9b9316e1923e83a1611e63b72cebda5f48638ef087a4b4bc1bef1264ff37"

// pending are the tools of the contract that are not built yet.
var pending = []string{}

// additions are what ours takes beyond the contract: names of parameters, and NAME=VALUE for further choices of a
// parameter that the contract has. The parameters for temporary keys, which every tool over AWS has, are not repeated.
var additions = map[string][]string{
	"extract_frame":         {"input_file"},
	"translation_evaluator": {"references", "corpus", "segmentation", "tokenizer", "effective_order", "chrf", "ter"},
	"transcribe_asr":        {"media_file", "transcription_job_name", "keep_job"},
	"agentcore_memory":      {"assistant_reply", "order", "create_memory"},
	"agentcore_code_interpreter": {
		"session_id_input", "code_interpreter_id_input", "keep_session", "session_timeout_seconds", "input_files", "output_files",
	},
	"agentcore_memory_search": {
		"top_k", "memory_strategy_id", "metadata_filters", "exact_namespace", "next_token", "next_token_input",
	},
	"stepfunctions_start_execution": {"wait_for_result", "execution_arn", "state_machine_type"},
	"dynamodb_manager": {
		"operation_type=query", "operation_type=update_item", "partition_key_type", "sort_key_type", "sort_key_condition", "sort_key_end",
		"sort_descending", "update_expression", "condition_expression", "filter_expression", "projection_expression",
		"expression_names", "expression_values", "index_name", "consistent_read", "return_values", "next_token", "next_token_input",
		"table_arn",
	},
	"sagemaker_tts":       {"download_audio"},
	"opensearch_retrieve": {"vector_size=1536", "opensearch_service", "image_file", "custom_model_id", "filter_json", "min_score"},
	"s3_operator":         {"sse_type", "kms_key_id", "bucket_key_enabled", "storage_class", "overwrite", "requester_pays"},
	"s3_file_uploader":    {"sse_type", "kms_key_id", "bucket_key_enabled", "storage_class", "overwrite", "requester_pays"},
	"s3_files_uploader":   {"storage_class", "overwrite", "requester_pays"},
	"s3_file_download":    {"version_id", "requester_pays"},
	"s3_files_download":   {"requester_pays"},
	"s3_list_objects":     {"continuation_token_input", "delimiter", "requester_pays"},
	"bedrock_retrieve": {
		"search_type=AUTO", "rerank_model", "data_source_id", "next_token", "next_token_input", "guardrail_id", "guardrail_version",
	},
	"bedrock_retrieve_and_generate":     {"session_id_input", "knowledge_base_id", "model_id"},
	"bedrock_kb_list":                   {"next_token_input"},
	"bedrock_kb_list_data_sources":      {"next_token_input"},
	"bedrock_kb_start_ingestion_job":    {"description", "wait_for_completion", "ingestion_job_id"},
	"agentcore-browser-session-manager": {"session_id_input", "browser_identifier"},
	"agentcore-browser-tool": {
		"action=click", "action=screenshot", "browser_session_id_input", "selector", "click_text", "submit", "full_page", "search_url",
	},
	"apply_guardrail": {"output_scope", "grounding_source", "query"},
	"nova_canvas": {
		"model_id", "image_input_files", "number_of_images", "style", "control_mode", "control_strength", "mask_image_s3uri", "mask_image_file",
		"reference_image_s3uri", "reference_image_file", "garment_class", "mask_shape", "merge_style", "try_on_options",
	},
	"nova_reel": {"image_input_file", "model_id", "invocation_arn"},
}

// optional are parameters that the contract requires and ours does not, because something else may be given instead of
// them: a twin, a command in place of code, a file in place of its URL, or a job that was started before. What a workflow has filled in goes on working.
var optional = map[string][]string{
	"agentcore-browser-tool":     {"browser_session_id"},
	"agentcore_code_interpreter": {"language", "code"},
	"transcribe_asr":             {"file_url", "s3_bucket_name"},
	"extract_frame":              {"input_url"},
	"nova_canvas":                {"prompt"},
	"nova_reel":                  {"prompt", "video_output_s3uri"},
}

// everywhere are the additions of every tool over AWS.
var everywhere = []string{"aws_session_token"}

// parameter is what a workflow relies on.
type parameter struct {
	Name     string   `json:"name"`
	Type     string   `json:"type"`
	Required bool     `json:"required"`
	Form     string   `json:"form"`
	Default  any      `json:"default"`
	Options  []string `json:"options"`
	Min      *float64 `json:"min"`
	Max      *float64 `json:"max"`
}

// variant is the plugin langgenius/aws_tools. Where a tool is the same there, the contract says so in words.
type variant struct{ Parameters []parameter }

func (v *variant) UnmarshalJSON(text []byte) error {
	if len(text) > 0 && text[0] == '"' {
		return nil
	}
	var object struct {
		Parameters []parameter `json:"parameters"`
	}
	err := json.Unmarshal(text, &object)
	v.Parameters = object.Parameters
	return err
}

type contract struct {
	Manifest struct {
		Mine struct {
			Name   string   `json:"plugin_name"`
			Arch   []string `json:"arch"`
			Memory int64    `json:"resource_memory_bytes"`
		} `json:"my_aws_tools"`
	} `json:"manifest"`
	Provider struct {
		Identity struct {
			Name string `json:"name"`
		} `json:"identity"`
		Credentials []credential `json:"credentials"`
		Order       []string     `json:"tool_order"`
	} `json:"provider"`
	Tools map[string]struct {
		Parameters []parameter `json:"parameters"`
		Official   variant     `json:"official_variant"`
	} `json:"tools"`
}

type credential struct {
	Name     string `json:"name"`
	Type     string `json:"type"`
	Required bool   `json:"required"`
}

func readContract(t *testing.T) contract {
	t.Helper()
	text, err := os.ReadFile("testdata/contract.json")
	if err != nil {
		t.Fatal(err)
	}
	if sum := sha256.Sum256(text); hex.EncodeToString(sum[:]) != contractSum {
		t.Fatal("testdata/contract.json was changed")
	}
	var c contract
	if err := json.Unmarshal(text, &c); err != nil {
		t.Fatal(err)
	}
	return c
}

// union is what both replaced plugins take: a parameter that one of them has is there, all choices of both are there,
// and only what both require is required. Defaults are those of my_aws_tools.
func union(mine, official []parameter) map[string]parameter {
	all := map[string]parameter{}
	for _, p := range mine {
		all[p.Name] = p
	}
	for _, p := range official {
		known, ok := all[p.Name]
		if !ok {
			all[p.Name] = p
			continue
		}
		known.Required = known.Required && p.Required
		for _, option := range p.Options {
			if !slices.Contains(known.Options, option) {
				known.Options = append(slices.Clone(known.Options), option)
			}
		}
		all[p.Name] = known
	}
	return all
}

func declared(p manifest.Parameter) parameter {
	got := parameter{
		Name: p.Name, Type: p.Type, Required: p.Required, Form: p.Form, Default: plain(p.Default), Min: p.Min, Max: p.Max,
	}
	for _, option := range p.Options {
		got.Options = append(got.Options, option.Value)
	}
	return got
}

// plain gives a default from YAML the types that it has in JSON.
func plain(value any) any {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	var same any
	_ = json.Unmarshal(text, &same) // just written
	return same
}

func TestEveryToolOfTheContractIsThereOrPending(t *testing.T) {
	c, provider := readContract(t), load(t).Tools
	there := slices.Clone(pending)
	for _, tool := range provider.Tools {
		if slices.Contains(pending, tool.Identity.Name) {
			t.Errorf("%s is built: take it out of pending", tool.Identity.Name)
		}
		there = append(there, tool.Identity.Name)
	}
	slices.Sort(there)
	if diff := gocmp.Diff(slices.Sorted(maps.Keys(c.Tools)), there); diff != "" {
		t.Errorf("tools: -contract +ours\n%s", diff)
	}
	if len(c.Tools) != 33 {
		t.Errorf("the contract has %d tools", len(c.Tools))
	}
}

func TestContractOfTheReplacedPluginsIsKept(t *testing.T) {
	c := readContract(t)
	for _, tool := range load(t).Tools.Tools {
		wanted, ok := c.Tools[tool.Identity.Name]
		if !ok {
			continue // reported by TestEveryToolOfTheContractIsThereOrPending
		}
		want := union(wanted.Parameters, wanted.Official.Parameters)
		added := slices.Clone(additions[tool.Identity.Name])
		if _, overAWS := want["aws_access_key_id"]; overAWS {
			for _, name := range everywhere {
				if _, had := want[name]; !had {
					added = append(added, name)
				}
			}
		}
		compare(t, tool, want, added)
	}
}

// compare reports every difference of a tool, one a line.
func compare(t *testing.T, tool *manifest.Tool, want map[string]parameter, added []string) {
	t.Helper()
	unused := map[string]bool{}
	for _, name := range added {
		unused[name] = true
	}
	seen := map[string]bool{}
	for _, p := range tool.Parameters {
		seen[p.Name] = true
		got, expected := declared(p), want[p.Name]
		expected.Options = slices.Compact(expected.Options) // a choice that is listed twice is one
		expected.Required = expected.Required && !slices.Contains(optional[tool.Identity.Name], p.Name)
		if expected.Name == "" {
			if !unused[p.Name] {
				t.Errorf("%s: the parameter %s is neither in the contract nor among the additions", tool.File, p.Name)
			}
			delete(unused, p.Name)
			if p.Required {
				t.Errorf("%s: the addition %s is required, which breaks workflows that do not have it", tool.File, p.Name)
			}
			continue
		}
		got.Options = slices.DeleteFunc(got.Options, func(option string) bool {
			addition := fmt.Sprintf("%s=%s", p.Name, option)
			isNew := unused[addition] && !slices.Contains(expected.Options, option)
			if isNew {
				delete(unused, addition)
			}
			return isNew
		})
		if diff := gocmp.Diff(expected, got); diff != "" {
			t.Errorf("%s: parameter %s: -contract +ours\n%s", tool.File, p.Name, diff)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if !seen[name] {
			t.Errorf("%s: the parameter %s of the contract is missing", tool.File, name)
		}
	}
	for _, name := range slices.SortedFunc(maps.Keys(unused), cmp.Compare) {
		t.Errorf("%s: the addition %s is listed but not declared", tool.File, name)
	}
}

func TestProviderKeepsItsContract(t *testing.T) {
	c, got := readContract(t), load(t)
	if got.Name != c.Manifest.Mine.Name || got.Resource.Memory != c.Manifest.Mine.Memory || got.Tools.Identity.Name != c.Provider.Identity.Name {
		t.Errorf("%s with %d bytes, provider %s", got.Name, got.Resource.Memory, got.Tools.Identity.Name)
	}
	if diff := gocmp.Diff(c.Manifest.Mine.Arch, []string(got.Meta.Arch)); diff != "" {
		t.Errorf("arch: -contract +ours\n%s", diff)
	}
	var credentials []credential
	for _, have := range got.Tools.Credentials {
		credentials = append(credentials, credential{have.Name, have.Type, have.Required})
	}
	want := append(c.Provider.Credentials,
		credential{Name: "aws_session_token", Type: "secret-input"},
		credential{Name: "aws_role_arn", Type: "text-input"},
		credential{Name: "aws_external_id", Type: "text-input"},
		credential{Name: "aws_endpoint_url", Type: "text-input"},
	)
	if diff := gocmp.Diff(want, credentials); diff != "" {
		t.Errorf("credentials: -contract and additions +ours\n%s", diff)
	}
}

func TestAgentsCanChain(t *testing.T) {
	chained := []string{"session_id", "browser_session_id", "code_interpreter_id", "next_token", "continuation_token"}
	for _, tool := range load(t).Tools.Tools {
		forms := map[string]string{}
		for _, p := range tool.Parameters {
			forms[p.Name] = p.Form
		}
		for _, name := range chained {
			if forms[name] == "form" && forms[name+"_input"] != "llm" {
				t.Errorf("%s: %s can only be filled in by a person: add %s_input with form llm", tool.File, name, name)
			}
		}
	}
}

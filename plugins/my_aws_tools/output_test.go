package main

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/toolstest"
	"github.com/cloudplugins/difyplugin/sandbox/aws/agentcore"
	"github.com/cloudplugins/difyplugin/sandbox/aws/bedrockagent"
	"github.com/cloudplugins/difyplugin/sandbox/aws/bedrockagentruntime"
	"github.com/cloudplugins/difyplugin/sandbox/aws/bedrockruntime"
	"github.com/cloudplugins/difyplugin/sandbox/aws/browser"
	"github.com/cloudplugins/difyplugin/sandbox/aws/dynamodb"
	"github.com/cloudplugins/difyplugin/sandbox/aws/lambda"
	"github.com/cloudplugins/difyplugin/sandbox/aws/opensearch"
	"github.com/cloudplugins/difyplugin/sandbox/aws/s3"
	"github.com/cloudplugins/difyplugin/sandbox/aws/sagemaker"
	"github.com/cloudplugins/difyplugin/sandbox/aws/sfn"
	"github.com/cloudplugins/difyplugin/sandbox/aws/ssm"
	"github.com/cloudplugins/difyplugin/sandbox/aws/transcribe"
)

// successes holds for each tool one call that succeeds: it puts what the call needs into the cloud and returns the
// parameters.
var successes = map[string]func(t *testing.T, cloud *toolstest.AWS) map[string]any{
	"extract_frame": func(_ *testing.T, cloud *toolstest.AWS) map[string]any {
		const dot = "GIF89a\x01\x00\x01\x00\x80\x00\x00\xff\x00\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02\x44\x01\x00;"
		return map[string]any{"input_url": "-", "input_file": cloud.File("dot.gif", "image/gif", []byte(dot))}
	},
	"bedrock_retrieve": func(_ *testing.T, cloud *toolstest.AWS) map[string]any {
		return map[string]any{"result_type": "json", "knowledge_base_id": knowledgeBase(cloud), "query": "What do cats do?"}
	},
	"bedrock_retrieve_and_generate": func(_ *testing.T, cloud *toolstest.AWS) map[string]any {
		return map[string]any{
			"result_type": "text-with-citations", "type": "KNOWLEDGE_BASE", "knowledge_base_id": knowledgeBase(cloud), "model_id": "amazon.nova-lite-v1:0",
			"input": "What do cats do?",
		}
	},
	"bedrock_kb_list": func(_ *testing.T, cloud *toolstest.AWS) map[string]any {
		knowledgeBase(cloud)
		return map[string]any{}
	},
	"bedrock_kb_list_data_sources": func(_ *testing.T, cloud *toolstest.AWS) map[string]any {
		return map[string]any{"knowledge_base_id": knowledgeBase(cloud)}
	},
	"bedrock_kb_start_ingestion_job": func(_ *testing.T, cloud *toolstest.AWS) map[string]any {
		return map[string]any{"knowledge_base_id": knowledgeBase(cloud), "data_source_id": "DS12345678", "wait_for_completion": true}
	},
	"transcribe_asr": func(t *testing.T, cloud *toolstest.AWS) map[string]any {
		bucket := bucketWithTalk(t, cloud)
		return map[string]any{"file_url": "s3://" + bucket + "/talk.mp3", "s3_bucket_name": bucket}
	},
	"agentcore_memory": func(_ *testing.T, cloud *toolstest.AWS) map[string]any {
		agentcore.New().Register(cloud.Cloud)
		return map[string]any{"operation": "record", "information": "I like tea."}
	},
	"agentcore_code_interpreter": func(_ *testing.T, cloud *toolstest.AWS) map[string]any {
		agentcore.New().Register(cloud.Cloud)
		return map[string]any{"command": "ls"}
	},
	"agentcore_memory_search": func(_ *testing.T, cloud *toolstest.AWS) map[string]any {
		core := agentcore.New()
		core.Register(cloud.Cloud)
		core.AddMemory(agentcore.Memory{Region: "us-east-1", AccountID: toolstest.AccountID, ID: "notes-0123456789"})
		return map[string]any{"memory_id": "notes-0123456789"}
	},
	"stepfunctions_start_execution": func(_ *testing.T, cloud *toolstest.AWS) map[string]any {
		machines := sfn.New()
		cloud.Register("states", machines)
		machines.Add(sfn.StateMachine{Region: "us-east-1", AccountID: toolstest.AccountID, Name: "orders"})
		return map[string]any{"state_machine_arn": "arn:aws:states:us-east-1:" + toolstest.AccountID + ":stateMachine:orders", "wait_for_result": true}
	},
	"translation_evaluator": func(*testing.T, *toolstest.AWS) map[string]any {
		return map[string]any{"translation": "今天天气不错，我们去公园走走。", "label": "今天天气很好，我们去公园散步。"}
	},
	"lambda_invoker": func(t *testing.T, cloud *toolstest.AWS) map[string]any {
		function(t, cloud, "greet", map[string]string{"greeting": "hello"})
		return map[string]any{"lambda_name": "greet"}
	},
	"lambda_translate_utils": func(t *testing.T, cloud *toolstest.AWS) map[string]any {
		function(t, cloud, "translate_tool", map[string]string{"translation": "你好"})
		return map[string]any{"text_content": "hello", "src_lang": "en_US", "dest_lang": "zh_CN"}
	},
	"sagemaker_text_rerank": func(_ *testing.T, cloud *toolstest.AWS) map[string]any {
		model(cloud, "rank", map[string]any{"scores": []float64{0.5}})
		return map[string]any{"sagemaker_endpoint": "rank", "query": "cats", "candidate_texts": `[{"content": "A cat."}]`}
	},
	"sagemaker_tts": func(_ *testing.T, cloud *toolstest.AWS) map[string]any {
		model(cloud, "speak", map[string]any{"s3_presign_url": "https://audio.example.com/1.wav"})
		return map[string]any{"sagemaker_endpoint": "speak", "tts_text": "你好", "tts_infer_type": "PresetVoice", "voice": "中文女"}
	},
	"chinese_toxicity_detector": func(_ *testing.T, cloud *toolstest.AWS) map[string]any {
		model(cloud, "judge", map[string]any{"prediction": 0})
		return map[string]any{"sagemaker_endpoint": "judge", "content_text": "你好"}
	},
	"lambda_yaml_to_json": func(t *testing.T, cloud *toolstest.AWS) map[string]any {
		function(t, cloud, "convert", map[string]any{"statusCode": 200, "body": `{"a": 1}`})
		return map[string]any{"yaml_content": "a: 1", "lambda_name": "convert"}
	},
	"agentcore-browser-session-manager": func(t *testing.T, cloud *toolstest.AWS) map[string]any {
		browserSession(t, cloud, nil)
		return map[string]any{"function_name": "init_browser_session"}
	},
	"agentcore-browser-tool": func(t *testing.T, cloud *toolstest.AWS) map[string]any {
		browser.Require(t)
		chromium := browser.NewChromium()
		t.Cleanup(func() {
			if err := chromium.Close(); err != nil {
				t.Error(err)
			}
		})
		return map[string]any{"action": "extract_content", "browser_session_id": browserSession(t, cloud, chromium)}
	},
	"dynamodb_manager": func(_ *testing.T, cloud *toolstest.AWS) map[string]any {
		cloud.Register("dynamodb", dynamodb.New())
		return map[string]any{"operation_type": "create_table", "table_name": "orders", "partition_key_name": "id"}
	},
	"opensearch_retrieve": func(_ *testing.T, cloud *toolstest.AWS) map[string]any {
		const domain = "search-pictures-abc.us-east-1.es.amazonaws.com"
		cloud.Register("bedrock-runtime", bedrockruntime.New())
		search := opensearch.New()
		cloud.Register("es", search)
		search.Add(opensearch.Index{Host: domain, Name: "pictures", Vector: "pic_emb", Dimension: 1024, Documents: []opensearch.Document{{ID: "1", Source: map[string]any{"pic_name": "cat"}}}})
		return map[string]any{
			"opensearch_endpoint": domain, "index_name": "pictures", "query_text": "a cat", "vector_size": "1024", "embedding_model_id": bedrockruntime.TitanImage,
		}
	},
	"s3_operator": func(t *testing.T, cloud *toolstest.AWS) map[string]any {
		return map[string]any{"s3_uri": "s3://" + bucketWithReport(t, cloud) + "/report.txt"}
	},
	"s3_file_uploader": func(t *testing.T, cloud *toolstest.AWS) map[string]any {
		return map[string]any{"bucket_name": bucketWithReport(t, cloud), "input_file": cloud.File("a.txt", "text/plain", []byte("a"))}
	},
	"s3_files_uploader": func(t *testing.T, cloud *toolstest.AWS) map[string]any {
		return map[string]any{"bucket_name": bucketWithReport(t, cloud), "input_files": []any{cloud.File("a.txt", "text/plain", []byte("a"))}}
	},
	"s3_file_download": func(t *testing.T, cloud *toolstest.AWS) map[string]any {
		return map[string]any{"s3_uri": "s3://" + bucketWithReport(t, cloud) + "/report.txt"}
	},
	"s3_files_download": func(t *testing.T, cloud *toolstest.AWS) map[string]any {
		return map[string]any{"s3_uris": []any{"s3://" + bucketWithReport(t, cloud) + "/report.txt"}}
	},
	"s3_list_buckets": func(t *testing.T, cloud *toolstest.AWS) map[string]any {
		bucketWithReport(t, cloud)
		return map[string]any{}
	},
	"s3_list_objects": func(t *testing.T, cloud *toolstest.AWS) map[string]any {
		return map[string]any{"bucket_name": bucketWithReport(t, cloud)}
	},
	"s3_create_bucket": func(t *testing.T, cloud *toolstest.AWS) map[string]any {
		bucketWithReport(t, cloud)
		return map[string]any{"bucket_name": "reports-of-tomorrow"}
	},
	"apply_guardrail": func(_ *testing.T, cloud *toolstest.AWS) map[string]any {
		runtime := bedrockruntime.New()
		cloud.Register("bedrock-runtime", runtime)
		runtime.AddGuardrail(bedrockruntime.Guardrail{Region: "us-east-1", AccountID: toolstest.AccountID, ID: "abc123", Versions: []string{"1"}})
		return map[string]any{"guardrail_id": "abc123", "guardrail_version": "1", "source": "INPUT", "text": "Good morning"}
	},
	"nova_canvas": func(t *testing.T, cloud *toolstest.AWS) map[string]any {
		cloud.Register("bedrock-runtime", bedrockruntime.New())
		return map[string]any{"prompt": "A red bicycle", "image_output_s3uri": "s3://" + bucketWithReport(t, cloud) + "/images"}
	},
	"nova_reel": func(t *testing.T, cloud *toolstest.AWS) map[string]any {
		store := s3.New()
		cloud.Register("s3", store)
		cloud.Register("bedrock-runtime", bedrockruntime.New(bedrockruntime.Videos(store)))
		if err := store.AddBucket(s3.Bucket{Name: "videos-of-the-tester", Region: "us-east-1", Owner: toolstest.AccountID}); err != nil {
			t.Fatal(err)
		}
		return map[string]any{"prompt": "A bicycle rolls by", "video_output_s3uri": "s3://videos-of-the-tester", "async": false}
	},
}

// knowledgeBase makes a knowledge base with one document and one data source, whose ingestion jobs end at once, and
// returns its ID.
func knowledgeBase(cloud *toolstest.AWS) string {
	const id = "KB12345678"
	bases := bedrockagent.New()
	cloud.Register("bedrock-agent", bases)
	bases.Add(bedrockagent.KnowledgeBase{
		Region: "us-east-1", AccountID: toolstest.AccountID, ID: id, Name: "handbook",
		DataSources: []bedrockagent.DataSource{{ID: "DS12345678", Name: "files"}},
	})
	runtime := bedrockagentruntime.New()
	cloud.Register("bedrock-agent-runtime", runtime)
	runtime.Add(bedrockagentruntime.KnowledgeBase{
		Region: "us-east-1", AccountID: toolstest.AccountID, ID: id,
		Documents: []bedrockagentruntime.Document{bedrockagentruntime.Text("Cats sleep.", "s3://documents/cats.txt", nil)},
	})
	return id
}

// function makes Lambda have one function, which returns the same value whatever it gets.
func function(t *testing.T, cloud *toolstest.AWS, name string, value any) {
	functions := lambda.New()
	t.Cleanup(functions.Close)
	cloud.Register("lambda", functions)
	functions.Add(lambda.Function{
		Region: "us-east-1", AccountID: toolstest.AccountID, Name: name,
		Run: func(context.Context, lambda.Event) lambda.Result { return lambda.Returns(value) },
	})
}

// model makes SageMaker have one endpoint, whose model returns the same value whatever it gets.
func model(cloud *toolstest.AWS, endpoint string, value any) {
	endpoints := sagemaker.New()
	cloud.Register("runtime.sagemaker", endpoints)
	endpoints.Add(sagemaker.Endpoint{
		Region: "us-east-1", AccountID: toolstest.AccountID, Name: endpoint,
		Model: func(context.Context, sagemaker.Inference) sagemaker.Answer { return sagemaker.Returns(value) },
	})
}

func TestEveryToolSetsTheOutputsThatItDeclares(t *testing.T) {
	for _, tool := range load(t).Tools.Tools {
		name := tool.Identity.Name
		t.Run(name, func(t *testing.T) {
			prepare, ok := successes[name]
			if !ok {
				t.Fatal("no call of this tool is known that succeeds: add one to successes")
			}
			cloud := toolstest.Start(t)
			parameters := prepare(t, cloud)
			cloud.RunPlugin(t, declarations, parts()...).Succeed(t, name, parameters)
		})
	}
}

// browserSession makes AgentCore have a session of a browser, to which a parameter leads, and returns its ID.
func browserSession(t *testing.T, cloud *toolstest.AWS, chromium *browser.Chromium) string {
	t.Helper()
	browsers, store := browser.New(chromium), ssm.New()
	t.Cleanup(browsers.Close)
	cloud.Register("bedrock-agentcore", browsers)
	cloud.Register("ssm", store)
	session := browsers.Start(toolstest.AccountID, "us-east-1", browser.Managed, "", time.Hour)
	store.Set(ssm.Parameter{
		AccountID: toolstest.AccountID, Region: "us-east-1", Name: "/browser-session/" + session.ID,
		Value: fmt.Sprintf(`{"ws_url": %q, "ws_headers": {}}`, session.WebSocketURL()),
	})
	return session.ID
}

// bucketWithReport makes a bucket of the tester's that holds report.txt, and returns its name.
func bucketWithReport(t *testing.T, cloud *toolstest.AWS) string {
	t.Helper()
	store := s3.New()
	cloud.Register("s3", store)
	const name = "reports-of-the-tester"
	if err := store.AddBucket(s3.Bucket{Name: name, Region: "us-east-1", Owner: toolstest.AccountID}); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Put(name, "report.txt", []byte("All is well."), s3.Attributes{ContentType: "text/plain"}); err != nil {
		t.Fatal(err)
	}
	return name
}

// bucketWithTalk makes a bucket of the tester's that holds talk.mp3, and Transcribe, and returns the bucket's name.
func bucketWithTalk(t *testing.T, cloud *toolstest.AWS) string {
	t.Helper()
	store := s3.New()
	jobs, err := transcribe.New(cloud.Cloud, store)
	if err != nil {
		t.Fatal(err)
	}
	cloud.Register("s3", store)
	cloud.Register("transcribe", jobs)
	const name = "talks-of-the-tester"
	if err := store.AddBucket(s3.Bucket{Name: name, Region: "us-east-1", Owner: toolstest.AccountID}); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Put(name, "talk.mp3", []byte("ID3"), s3.Attributes{ContentType: "audio/mpeg"}); err != nil {
		t.Fatal(err)
	}
	return name
}

// The plugin my_aws_tools gives Dify tools over AWS.
//
// account knows who calls AWS and from where. Each of the other folders is a service: one tool is one NAME.yaml, which
// declares it, and one NAME.go, which does it.
//
// One process serves every user of every workspace. Credentials come with a call and go with it.
package main

import (
	"embed"

	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/account"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/agentcore"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/bedrock"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/bedrockruntime"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/browser"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/dynamodb"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/lambda"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/media"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/opensearch"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/s3"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/sagemaker"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/stepfunctions"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/transcribe"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/translation"
)

// The declarations that Dify reads: names, parameters, labels, icon, the privacy policy that the manifest points to.
//
//go:embed manifest.yaml PRIVACY.md */*.yaml all:_assets
var declarations embed.FS

func main() {
	plugin.Main(declarations, parts()...)
}

// parts are what the plugin can do, in the order of provider/my_aws_tools.yaml.
func parts() []plugin.Part {
	browsers := browser.New()
	return []plugin.Part{
		plugin.ToolCredentials(account.Check),
		plugin.Tool("bedrock_retrieve", bedrock.Retrieve),
		plugin.Tool("bedrock_retrieve_and_generate", bedrock.Generate),
		plugin.Tool("bedrock_kb_list", bedrock.List),
		plugin.Tool("bedrock_kb_list_data_sources", bedrock.ListDataSources),
		plugin.Tool("opensearch_retrieve", opensearch.Retrieve),
		plugin.Tool("s3_operator", s3.Operate),
		plugin.Tool("s3_file_uploader", s3.UploadFile),
		plugin.Tool("s3_file_download", s3.DownloadFile),
		plugin.Tool("s3_files_uploader", s3.UploadFiles),
		plugin.Tool("s3_files_download", s3.DownloadFiles),
		plugin.Tool("s3_list_buckets", s3.ListBuckets),
		plugin.Tool("s3_create_bucket", s3.CreateBucket),
		plugin.Tool("s3_list_objects", s3.ListObjects),
		plugin.Tool("apply_guardrail", bedrockruntime.Apply),
		plugin.Tool("nova_canvas", bedrockruntime.Draw),
		plugin.Tool("nova_reel", bedrockruntime.Film),
		plugin.Tool("transcribe_asr", transcribe.Transcribe),
		plugin.Tool("bedrock_kb_start_ingestion_job", bedrock.StartIngestionJob),
		plugin.Tool("stepfunctions_start_execution", stepfunctions.Start),
		plugin.Tool("lambda_invoker", lambda.Invoke),
		plugin.Tool("lambda_translate_utils", lambda.Translate),
		plugin.Tool("sagemaker_text_rerank", sagemaker.Rerank),
		plugin.Tool("sagemaker_tts", sagemaker.Speak),
		plugin.Tool("translation_evaluator", translation.Evaluate),
		plugin.Tool("chinese_toxicity_detector", sagemaker.DetectToxicity),
		plugin.Tool("lambda_yaml_to_json", lambda.ConvertYAML),
		plugin.Tool("extract_frame", media.ExtractFrame),
		plugin.Tool("agentcore_memory", agentcore.Remember),
		plugin.Tool("agentcore_memory_search", agentcore.Search),
		plugin.Tool("agentcore-browser-tool", browsers.Use),
		plugin.Tool("agentcore-browser-session-manager", browsers.ManageSession),
		plugin.Tool("agentcore_code_interpreter", agentcore.Interpret),
		plugin.Tool("dynamodb_manager", dynamodb.Manage),
	}
}

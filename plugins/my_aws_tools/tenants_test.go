package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/cloudplugins/difyplugin/host"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/toolstest"
	"github.com/cloudplugins/difyplugin/sandbox/aws"
	"github.com/cloudplugins/difyplugin/sandbox/aws/bedrockagent"
	"github.com/cloudplugins/difyplugin/sandbox/aws/bedrockagentruntime"
	"github.com/cloudplugins/difyplugin/sandbox/aws/s3"
	"github.com/cloudplugins/difyplugin/sandbox/aws/sagemaker"
)

// What all tenants have under the same name, each in an account of its own: an answer from another account would not
// even look wrong to AWS.
const (
	sharedBase     = "KB00000001"
	sharedEndpoint = "speaker"
)

// tenant is a workspace with an AWS account of its own, and one secret in one bucket, one knowledge base and one model of
// it.
type tenant struct {
	key    aws.Key
	region string
	bucket string
	nonce  string
}

func (w tenant) caller() host.Caller {
	return toolstest.Caller(map[string]any{
		"aws_access_key_id": w.key.AccessKeyID, "aws_secret_access_key": w.key.SecretAccessKey, "aws_region": w.region,
	})
}

// newTenants gives twenty workspaces their accounts. Nobody can read what belongs to another.
func newTenants(t *testing.T, cloud *toolstest.AWS) []tenant {
	t.Helper()
	store, bases, passages, models := s3.New(), bedrockagent.New(), bedrockagentruntime.New(), sagemaker.New()
	regions := []string{"us-east-1", "eu-west-1", "ap-northeast-1", "sa-east-1"}
	tenants := make([]tenant, 20)
	for i := range tenants {
		w := tenant{
			key: aws.Key{
				AccessKeyID: fmt.Sprintf("AKIATENANT%010d", i), SecretAccessKey: fmt.Sprintf("secretKeyOfTenant%023d", i), User: fmt.Sprint("user-", i),
			},
			region: regions[i%len(regions)], bucket: fmt.Sprintf("bucket-of-tenant-%02d", i), nonce: fmt.Sprintf("nonce of tenant %d", i),
		}
		account := fmt.Sprintf("%012d", 100+i)
		if err := cloud.AddAccount(aws.Account{ID: account, Keys: []aws.Key{w.key}}); err != nil {
			t.Fatal(err)
		}
		if err := store.AddBucket(s3.Bucket{Name: w.bucket, Owner: account, Region: w.region}); err != nil {
			t.Fatal(err)
		}
		if _, err := store.Put(w.bucket, "nonce.txt", []byte(w.nonce), s3.Attributes{ContentType: "text/plain"}); err != nil {
			t.Fatal(err)
		}
		bases.Add(bedrockagent.KnowledgeBase{Region: w.region, AccountID: account, ID: sharedBase, Name: w.nonce})
		passages.Add(bedrockagentruntime.KnowledgeBase{
			Region: w.region, AccountID: account, ID: sharedBase,
			Documents: []bedrockagentruntime.Document{bedrockagentruntime.Text(w.nonce, "s3://documents/nonce.txt", nil)},
		})
		models.Add(sagemaker.Endpoint{
			Region: w.region, AccountID: account, Name: sharedEndpoint,
			Model: func(context.Context, sagemaker.Inference) sagemaker.Answer {
				return sagemaker.Returns(map[string]any{"s3_presign_url": "https://" + w.bucket + ".s3.amazonaws.com/speech.wav"})
			},
		})
		tenants[i] = w
	}
	for service, standIn := range map[string]aws.Service{
		"s3": store, "bedrock-agent": bases, "bedrock-agent-runtime": passages, "runtime.sagemaker": models,
	} {
		cloud.Register(service, standIn)
	}
	return tenants
}

// toolCaller is what calls tools: a plugin in this process, or one in its own.
type toolCaller interface {
	Tool(ctx context.Context, who host.Caller, tool string, parameters map[string]any) (host.Result, error)
}

// callAtOnce makes 200 calls of all tenants at the same time, and checks that each gets what is its own.
func callAtOnce(t *testing.T, tools toolCaller, tenants []tenant) {
	t.Helper()
	var calls sync.WaitGroup
	for i := range 200 {
		w := tenants[i%len(tenants)]
		calls.Go(func() {
			work := []func(tenant, *testing.T, toolCaller){tenant.reads, tenant.lists, tenant.findsBases, tenant.retrieves, tenant.speaks}
			work[i/len(tenants)%len(work)](w, t, tools)
		})
	}
	calls.Wait()
}

func (w tenant) reads(t *testing.T, tools toolCaller) {
	result, err := tools.Tool(t.Context(), w.caller(), "s3_operator", map[string]any{
		"s3_uri": "s3://" + w.bucket + "/nonce.txt", "operation_type": "read",
	})
	if err != nil || result.Text != w.nonce {
		t.Errorf("the owner of %s read %q, %v", w.bucket, result.Text, err)
	}
}

func (w tenant) lists(t *testing.T, tools toolCaller) {
	result, err := tools.Tool(t.Context(), w.caller(), "s3_list_buckets", nil)
	if err != nil {
		t.Errorf("the owner of %s: %v", w.bucket, err)
		return
	}
	var names []string
	if err := json.Unmarshal(result.Variables["bucket_names"], &names); err != nil || len(names) != 1 || names[0] != w.bucket {
		t.Errorf("the owner of %s sees the buckets %s, %v", w.bucket, result.Variables["bucket_names"], err)
	}
}

func (w tenant) findsBases(t *testing.T, tools toolCaller) {
	w.gets(t, tools, sharedBase+","+w.nonce+",ACTIVE", "bedrock_kb_list", nil)
}

func (w tenant) retrieves(t *testing.T, tools toolCaller) {
	w.gets(t, tools, "1: "+w.nonce, "bedrock_retrieve", map[string]any{
		"result_type": "text", "knowledge_base_id": sharedBase, "query": "What is the nonce of the tenant?",
	})
}

func (w tenant) speaks(t *testing.T, tools toolCaller) {
	w.gets(t, tools, "https://"+w.bucket+".s3.amazonaws.com/speech.wav", "sagemaker_tts", map[string]any{
		"sagemaker_endpoint": sharedEndpoint, "tts_text": w.nonce, "tts_infer_type": "PresetVoice", "voice": "中文男",
	})
}

// gets calls a tool whose text is this tenant's alone.
func (w tenant) gets(t *testing.T, tools toolCaller, want, tool string, parameters map[string]any) {
	result, err := tools.Tool(t.Context(), w.caller(), tool, parameters)
	if err != nil || strings.TrimSpace(result.Text) != want {
		t.Errorf("%s for the owner of %s: %q, %v; want %q", tool, w.bucket, result.Text, err, want)
	}
}

func TestTwoHundredCallsOfTwentyTenantsGetTheirOwnAnswers(t *testing.T) {
	cloud := toolstest.Start(t)
	tenants := newTenants(t, cloud)
	callAtOnce(t, cloud.RunPlugin(t, declarations, parts()...), tenants)
}

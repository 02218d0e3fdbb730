// Package sample fills an AWS cloud of the sandbox with an account that has something in every service which tools call:
// enough to try each of them, and to show them at work.
//
//	cloud := aws.New()
//	account, err := sample.Fill(cloud)
//	...
//	defer account.Close()
package sample

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/cloudplugins/difyplugin/sandbox/aws"
	"github.com/cloudplugins/difyplugin/sandbox/aws/agentcore"
	"github.com/cloudplugins/difyplugin/sandbox/aws/bedrockagent"
	"github.com/cloudplugins/difyplugin/sandbox/aws/bedrockagentruntime"
	"github.com/cloudplugins/difyplugin/sandbox/aws/bedrockruntime"
	"github.com/cloudplugins/difyplugin/sandbox/aws/browser"
	"github.com/cloudplugins/difyplugin/sandbox/aws/comprehend"
	"github.com/cloudplugins/difyplugin/sandbox/aws/dynamodb"
	"github.com/cloudplugins/difyplugin/sandbox/aws/lambda"
	"github.com/cloudplugins/difyplugin/sandbox/aws/opensearch"
	"github.com/cloudplugins/difyplugin/sandbox/aws/s3"
	"github.com/cloudplugins/difyplugin/sandbox/aws/sagemaker"
	"github.com/cloudplugins/difyplugin/sandbox/aws/sfn"
	"github.com/cloudplugins/difyplugin/sandbox/aws/ssm"
	"github.com/cloudplugins/difyplugin/sandbox/aws/transcribe"
)

// The account, whose one key may do everything, and what is in it. All but the archive is in Region.
const (
	AccountID       = "123456789012"
	AccessKeyID     = "AKIASAMPLEKEYOFSANDBOX"
	SecretAccessKey = "sampleSecretKeyOfTheSandboxForAWS0000000"
	Region          = "us-east-1"

	// Archive is a bucket in eu-west-1, Documents one that holds talk.mp3, a recording.
	Archive   = "sample-archive-eu"
	Documents = "sample-documents-us"
	// KnowledgeBase has a few documents, and the data source DataSource.
	KnowledgeBase = "KBSAMPLE01"
	DataSource    = "DSSAMPLE01"
	// Guardrail keeps back what speaks of a password. Its version is 1.
	Guardrail = "sampleguard1"
	// Function is one of Lambda that greets whom its payload names; StateMachine returns the input of its executions.
	Function     = "greet"
	StateMachine = "arn:aws:states:" + Region + ":" + AccountID + ":stateMachine:orders"
	// Ranker is an endpoint of SageMaker that scores texts by the words that they share with the query.
	Ranker = "sample-ranker"
	// SearchHost is a domain of OpenSearch with the index SearchIndex, which has vectors of 1024 dimensions.
	SearchHost  = "search-sample-abc123.us-east-1.es.amazonaws.com"
	SearchIndex = "pictures"
)

// Account is what has to be closed at the end.
type Account struct {
	browsers  *browser.Service
	chromium  *browser.Chromium
	functions *lambda.Service
}

// Fill adds the account and its services to a cloud. Browsers of AgentCore are Chromium, where the machine has one.
func Fill(cloud *aws.Cloud) (*Account, error) {
	key := aws.Key{AccessKeyID: AccessKeyID, SecretAccessKey: SecretAccessKey, User: "sample"}
	if err := cloud.AddAccount(aws.Account{ID: AccountID, Keys: []aws.Key{key}}); err != nil {
		return nil, err
	}
	store, err := fillS3(cloud)
	if err != nil {
		return nil, err
	}
	cloud.Register("bedrock-runtime", models(store))
	fillKnowledge(cloud)
	cloud.Register("dynamodb", dynamodb.New())
	cloud.Register("states", machines())
	cloud.Register("runtime.sagemaker", endpoints())
	cloud.Register("comprehend", comprehend.New(comprehend.Language{Code: "en", Score: 1}))
	cloud.Register("es", pictures())
	a := &Account{functions: functions(), chromium: browser.NewChromium()}
	cloud.Register("lambda", a.functions)
	a.browsers = browser.New(a.chromium)
	cloud.Register("ssm", ssm.New())
	core := agentcore.New()
	core.Register(cloud)
	core.Program(echo)
	for _, prefix := range []string{"/browsers", "/browser-streams"} {
		core.Handle(prefix, a.browsers)
	}
	return a, nil
}

// Close ends what runs.
func (a *Account) Close() error {
	a.browsers.Close()
	a.functions.Close()
	return a.chromium.Close()
}

// fillS3 makes the buckets, and Transcribe over them.
func fillS3(cloud *aws.Cloud) (*s3.Store, error) {
	store := s3.New()
	for _, bucket := range []s3.Bucket{
		{Name: Archive, Owner: AccountID, Region: "eu-west-1"}, {Name: Documents, Owner: AccountID, Region: Region},
	} {
		if err := store.AddBucket(bucket); err != nil {
			return nil, err
		}
	}
	cloud.Register("s3", store)
	jobs, err := transcribe.New(cloud, store)
	if err != nil {
		return nil, err
	}
	cloud.Register("transcribe", jobs)
	jobs.Hear(transcribe.Speech{Takes: time.Second, Words: talk("spk_0: Good morning. spk_1: Good morning, how are you?")})
	_, putErr := store.Put(Documents, "talk.mp3", []byte("ID3\x04\x00\x00\x00\x00\x00\x00"), s3.Attributes{ContentType: "audio/mpeg"})
	return store, putErr
}

// talk is what speakers say, half a second a word.
func talk(text string) []transcribe.Word {
	var words []transcribe.Word
	speaker, at := "", 0.0
	for _, word := range strings.Fields(text) {
		if name, ok := strings.CutSuffix(word, ":"); ok {
			speaker = name
			continue
		}
		bare := strings.TrimRight(word, ".,?")
		words = append(words, transcribe.Word{Text: bare, Speaker: speaker, Start: at, End: at + 0.4})
		if mark := word[len(bare):]; mark != "" {
			words = append(words, transcribe.Word{Text: mark, Speaker: speaker, Mark: true})
		}
		at += 0.5
	}
	return words
}

// models is Bedrock's runtime: its models, and the guardrail.
func models(store *s3.Store) *bedrockruntime.Service {
	runtime := bedrockruntime.New(bedrockruntime.Videos(store))
	runtime.AddGuardrail(bedrockruntime.Guardrail{
		Region: Region, AccountID: AccountID, ID: Guardrail, Versions: []string{"1"},
		Judge: func(text string) bedrockruntime.Judgement {
			if !strings.Contains(strings.ToLower(text), "password") {
				return bedrockruntime.Judgement{}
			}
			topic := map[string]any{"name": "secrets", "type": "DENY", "action": "BLOCKED", "detected": true}
			return bedrockruntime.Judgement{
				Intervenes: true, Reason: "Guardrail blocked.", Outputs: []string{"Passwords are nothing to talk about."},
				Assessments: []map[string]any{{"topicPolicy": map[string]any{"topics": []any{topic}}}},
			}
		},
	})
	return runtime
}

// fillKnowledge makes the knowledge base.
func fillKnowledge(cloud *aws.Cloud) {
	bases := bedrockagent.New()
	bases.Add(bedrockagent.KnowledgeBase{
		Region: Region, AccountID: AccountID, ID: KnowledgeBase, Name: "handbook",
		DataSources: []bedrockagent.DataSource{{ID: DataSource, Name: "files", Takes: time.Second}},
	})
	cloud.Register("bedrock-agent", bases)
	runtime := bedrockagentruntime.New()
	runtime.Add(bedrockagentruntime.KnowledgeBase{Region: Region, AccountID: AccountID, ID: KnowledgeBase, Documents: []bedrockagentruntime.Document{
		bedrockagentruntime.Text("The office opens at nine.", "s3://"+Documents+"/hours.txt", map[string]any{"topic": "office"}),
		bedrockagentruntime.Text("Travel is booked by the traveller.", "s3://"+Documents+"/travel.txt", map[string]any{"topic": "travel"}),
	}})
	cloud.Register("bedrock-agent-runtime", runtime)
}

func functions() *lambda.Service {
	service := lambda.New()
	service.Add(lambda.Function{Region: Region, AccountID: AccountID, Name: Function, Run: func(_ context.Context, e lambda.Event) lambda.Result {
		var in struct {
			Name string `json:"name"`
		}
		if err := json.Unmarshal(e.Payload, &in); err != nil || in.Name == "" {
			return lambda.Fails("ValueError", "whom to greet? Send {\"name\": \"...\"}")
		}
		return lambda.Returns(map[string]string{"greeting": "Hello, " + in.Name + "!"})
	}})
	return service
}

func machines() *sfn.Service {
	service := sfn.New()
	service.Add(sfn.StateMachine{Region: Region, AccountID: AccountID, Name: "orders", Takes: time.Second})
	return service
}

// endpoints is SageMaker with a ranker.
func endpoints() *sagemaker.Service {
	service := sagemaker.New()
	service.Add(sagemaker.Endpoint{Region: Region, AccountID: AccountID, Name: Ranker, Model: rank})
	return service
}

func rank(_ context.Context, in sagemaker.Inference) sagemaker.Answer {
	var asked struct {
		Inputs []string `json:"inputs"` // the query, again for each text
		Docs   []string `json:"docs"`
	}
	if err := json.Unmarshal(in.Body, &asked); err != nil || len(asked.Inputs) != len(asked.Docs) {
		return sagemaker.Fails(400, "inputs and docs must be lists of the same length")
	}
	scores := make([]float64, len(asked.Docs))
	for i, text := range asked.Docs {
		known := strings.Fields(strings.ToLower(text))
		for _, word := range strings.Fields(strings.ToLower(asked.Inputs[i])) {
			for _, other := range known {
				if word == other {
					scores[i] += 1 / float64(len(known))
				}
			}
		}
	}
	return sagemaker.Returns(map[string]any{"scores": scores})
}

// echo is what code interpreters run: of the programs of a shell they know this one only, and print what else they get.
func echo(_ context.Context, in agentcore.Invocation) []agentcore.Event {
	text, ok := strings.CutPrefix(in.Command, "echo ")
	if !ok {
		text = in.Command + in.Code
	}
	return []agentcore.Event{agentcore.Printed(text + "\n")}
}

// pictures is OpenSearch with an index of pictures.
func pictures() *opensearch.Service {
	service := opensearch.New()
	const dimension = 1024
	index := opensearch.Index{Host: SearchHost, Name: SearchIndex, Vector: "pic_emb", Dimension: dimension}
	for i, name := range []string{"a cat on a roof", "a red bicycle"} {
		index.Documents = append(index.Documents, opensearch.Document{
			ID: strconv.Itoa(i + 1), Vector: bedrockruntime.TextVector(name, dimension),
			Source: map[string]any{"pic_name": name, "s3_uri": "s3://" + Documents + "/pictures/" + strconv.Itoa(i+1) + ".jpg"},
		})
	}
	service.Add(index)
	return service
}

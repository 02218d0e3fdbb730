package bedrock

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/bedrockagentruntime"
	"github.com/aws/aws-sdk-go-v2/service/bedrockagentruntime/types"
	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/account"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/param"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/result"
)

// GenerateInput is the input of bedrock_retrieve_and_generate. SessionIDInput is SessionID for agents, and wins.
type GenerateInput struct {
	account.Input
	ResultType      string `param:"result_type"`
	Question        string `param:"input"`
	Type            string `param:"type"`
	Base            any    `param:"knowledge_base_configuration"`
	ExternalSources any    `param:"external_sources_configuration"`
	Session         any    `param:"session_configuration"`
	SessionID       string `param:"session_id"`
	SessionIDInput  string `param:"session_id_input"`
	KnowledgeBase   string `param:"knowledge_base_id"`
	Model           string `param:"model_id"`
}

// Generate is the tool bedrock_retrieve_and_generate. It lets a model answer a question from a knowledge base, or from a
// document that comes with the question.
//
// The configuration that type names is JSON as the API has it; the other one is not looked at. knowledge_base_id and
// model_id are put into it where it does not say them itself, so that they alone will do for a knowledge base.
//
// What it sends depends on result_type: a JSON object with the answer and where its parts come from, the answer as text,
// or the answer with a list of its sources. Answer, sources and session are outputs in any case. The session of an answer
// is what the next question has to be asked in to be understood as one that follows.
func Generate(ctx context.Context, call *plugin.Call, in GenerateInput) error {
	wanted, err := in.read()
	if err != nil {
		return err
	}
	acct, err := in.Open(ctx, call)
	if err != nil {
		return err
	}
	at := wanted.base.in(acct)
	out, err := newRuntimeClient(acct, at).RetrieveAndGenerate(ctx, wanted.input(at))
	if err == nil && out.Output == nil {
		err = errors.New("the answer holds no text")
	}
	if err != nil {
		return wanted.explain(err, at)
	}
	return newReply(out).send(ctx, call, in.ResultType)
}

// question is what is asked for, checked.
type question struct {
	text string
	// base is the knowledge base that knowledge_base_id names, or the zero one.
	base knowledgeBase
	// model is the model_id that the configuration has got, or "" where it named a model itself.
	model    string
	config   types.RetrieveAndGenerateConfiguration
	keys     *types.RetrieveAndGenerateSessionConfiguration
	previous *string // the session that the question belongs to
}

var sessionPattern = regexp.MustCompile(`^[0-9a-zA-Z._:-]+$`)

// The ID of a session has so many characters.
const (
	minSessionID = 2
	maxSessionID = 100
)

// read checks the parameters.
func (in GenerateInput) read() (question, error) {
	q := question{text: in.Question}
	var wrong param.Problems
	if strings.TrimSpace(in.Question) == "" {
		wrong.Addf("input", "is blank: enter the question")
	}
	q.readConfiguration(&wrong, in)
	if in.Session != nil {
		q.keys = &types.RetrieveAndGenerateSessionConfiguration{}
		wrong.Add("session_configuration", decodeInto(in.Session, q.keys))
	}
	name, session := "session_id", in.SessionID
	if in.SessionIDInput != "" {
		name, session = "session_id_input", in.SessionIDInput
	}
	if session != "" && (!sessionPattern.MatchString(session) || len(session) < minSessionID || len(session) > maxSessionID) {
		wrong.Addf(name, "is %q, which is not the ID of a session: enter what this tool has returned as session_id, or leave it blank to begin a session", param.Clip(session))
	}
	q.previous = optional(session)
	return q, wrong.Err("bedrock_retrieve_and_generate")
}

// readConfiguration reads the configuration that type names.
func (q *question) readConfiguration(wrong *param.Problems, in GenerateInput) {
	q.config.Type = types.RetrieveAndGenerateType(in.Type)
	model := strings.TrimSpace(in.Model)
	wrong.Add("model_id", checkModel(model))
	if q.config.Type == types.RetrieveAndGenerateTypeKnowledgeBase {
		q.readBase(wrong, in, model)
		return
	}
	if in.KnowledgeBase != "" {
		wrong.Addf("knowledge_base_id", "is of no use with the type EXTERNAL_SOURCES: clear it, or choose KNOWLEDGE_BASE")
	}
	if in.ExternalSources == nil {
		wrong.Addf("external_sources_configuration", "is blank: with the type EXTERNAL_SOURCES it names the document, and the model if model_id does not")
		return
	}
	q.config.ExternalSourcesConfiguration = &types.ExternalSourcesRetrieveAndGenerateConfiguration{}
	wrong.Add("external_sources_configuration", q.complete(in.ExternalSources, q.config.ExternalSourcesConfiguration, model))
}

func (q *question) readBase(wrong *param.Problems, in GenerateInput, model string) {
	if in.Base == nil && (in.KnowledgeBase == "" || model == "") {
		wrong.Addf("knowledge_base_configuration", "is blank: enter it, or else both knowledge_base_id and model_id")
		return
	}
	if in.KnowledgeBase != "" {
		var err error
		q.base, err = readKnowledgeBase(in.KnowledgeBase, in.Region)
		wrong.Add("knowledge_base_id", err)
	}
	q.config.KnowledgeBaseConfiguration = &types.KnowledgeBaseRetrieveAndGenerateConfiguration{}
	wrong.Add("knowledge_base_configuration", q.complete(in.Base, q.config.KnowledgeBaseConfiguration, model))
}

// complete reads a configuration after it has got what other parameters say. The error completes a sentence that begins
// with the name of the parameter.
func (q *question) complete(value, config any, model string) error {
	object, err := objectOf(value)
	if err != nil {
		return err
	}
	if said, ok := object["knowledgeBaseId"].(string); ok && q.base.id != "" && said != q.base.id {
		return fmt.Errorf("names the knowledge base %q, and knowledge_base_id is %s: clear one of them", param.Clip(said), q.base.id)
	}
	if q.base.id != "" {
		object["knowledgeBaseId"] = q.base.id
	}
	said, ok := object["modelArn"].(string)
	switch {
	case model == "":
	case !ok:
		object["modelArn"], q.model = model, model
	case said != model && !strings.HasSuffix(said, "/"+model):
		return fmt.Errorf("names the model %q, and model_id is %q: clear one of them", param.Clip(said), param.Clip(model))
	}
	return decodeInto(object, config)
}

// objectOf is the object that a parameter holds; nothing is an empty one.
func objectOf(value any) (map[string]any, error) {
	object := map[string]any{}
	raw, err := param.JSON(value)
	if err != nil || raw == nil {
		return object, err
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	if err := decoder.Decode(&object); err != nil || object == nil {
		return nil, errors.New("must be a JSON object")
	}
	return object, nil
}

// input is the request for Bedrock.
func (q question) input(at place) *bedrockagentruntime.RetrieveAndGenerateInput {
	if q.model != "" {
		arn := aws.String(modelARN(q.model, at))
		if q.config.KnowledgeBaseConfiguration != nil {
			q.config.KnowledgeBaseConfiguration.ModelArn = arn
		}
		if q.config.ExternalSourcesConfiguration != nil {
			q.config.ExternalSourcesConfiguration.ModelArn = arn
		}
	}
	return &bedrockagentruntime.RetrieveAndGenerateInput{
		Input: &types.RetrieveAndGenerateInput{Text: aws.String(q.text)}, RetrieveAndGenerateConfiguration: &q.config, SessionConfiguration: q.keys,
		SessionId: q.previous,
	}
}

// explain says what became of the request. Several permissions are needed for it, and Bedrock names one at a time.
func (q question) explain(err error, at place) error {
	doing, resource := "answer from the document", "*"
	if config := q.config.KnowledgeBaseConfiguration; config != nil {
		base := knowledgeBase{id: aws.ToString(config.KnowledgeBaseId), arn: q.base.arn}
		doing, resource = "answer from the knowledge base "+base.id, base.resource(at)
	}
	table := faults()
	table["AccessDeniedException"] = account.Fault{
		Kind: plugin.Authorization,
		Text: "access was denied: give these credentials the permissions {action}, bedrock:Retrieve on {resource} and bedrock:InvokeModel on the model in the IAM console, " +
			"and see to it that the account may use the model in {region}{said}",
	}
	return account.Error(err, account.Operation{
		Doing: doing, Service: "Bedrock", Action: "bedrock:RetrieveAndGenerate", Resource: resource, Region: at.region, Faults: table,
	})
}

// reply is an answer in the forms in which it is sent.
type reply struct {
	output    string
	citations []any
	sources   strings.Builder // as text
	images    []plugin.File
	session   string
	guardrail string
}

func newReply(out *bedrockagentruntime.RetrieveAndGenerateOutput) *reply {
	r := &reply{
		output: aws.ToString(out.Output.Text), citations: []any{}, session: aws.ToString(out.SessionId), guardrail: string(out.GuardrailAction),
	}
	for _, c := range out.Citations {
		r.cite(c)
	}
	return r
}

// cite adds a part of the answer and what it rests on.
func (r *reply) cite(c types.Citation) {
	text := ""
	if c.GeneratedResponsePart != nil && c.GeneratedResponsePart.TextResponsePart != nil {
		text = aws.ToString(c.GeneratedResponsePart.TextResponsePart.Text)
	}
	fmt.Fprintf(&r.sources, "\n[%d] %s", len(r.citations)+1, text)
	references := []any{}
	for _, found := range c.RetrievedReferences {
		references = append(references, r.reference(found))
	}
	if len(references) == 0 {
		r.sources.WriteString("\n- (metadata only)")
	}
	r.citations = append(r.citations, map[string]any{"text": text, "references": references})
}

func (r *reply) reference(found types.RetrievedReference) map[string]any {
	p := readPassage(found.Content, found.Location, found.Metadata)
	r.sources.WriteString(strings.TrimRight("\n- "+p.text+" "+cmp.Or(p.source, p.media), " "))
	reference := map[string]any{
		"content": p.text, "metadata": p.attributes, "location": result.OrNull(p.source), "location_type": result.OrNull(p.sourceType),
		"content_type": result.OrNull(p.kind), "row": p.row, "media_uri": result.OrNull(p.media), "file": nil,
	}
	if image, ok := p.file(len(r.images) + 1); ok {
		reference["file"] = image.Name
		r.images = append(r.images, image)
	}
	return reference
}

// text is the answer as text, with its sources where they are wanted and there are some.
func (r *reply) text(withSources bool) string {
	if !withSources || r.sources.Len() == 0 {
		return r.output
	}
	return r.output + "\n\n[References]" + r.sources.String()
}

// send sends what the user has chosen first.
func (r *reply) send(ctx context.Context, call *plugin.Call, kind string) error {
	outputs := result.Outputs{
		"output": r.output, "citations": r.citations, "session_id": result.OrNull(r.session), "guardrail_action": result.OrNull(r.guardrail),
	}
	send := func() error { return call.Text(r.text(kind == "text-with-citations")) }
	if kind == "json" {
		send = func() error { return call.JSON(outputs) }
	}
	if err := send(); err != nil {
		return err
	}
	if err := sendImages(ctx, call, r.images); err != nil {
		return err
	}
	return outputs.Send(call)
}

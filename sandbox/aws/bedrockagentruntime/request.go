package bedrockagentruntime

import (
	"encoding/json"
	"fmt"
	"regexp"
	"unicode/utf8"
)

// The bodies of requests, by the names of the API. A name that is not here is refused.
type (
	guardrailConfiguration struct {
		ID      string `json:"guardrailId"`
		Version string `json:"guardrailVersion"`
	}
	modelConfiguration struct {
		ARN    string                     `json:"modelArn"`
		Fields map[string]json.RawMessage `json:"additionalModelRequestFields"`
	}
	bedrockReranking struct {
		Number   *int                `json:"numberOfRerankedResults"`
		Model    *modelConfiguration `json:"modelConfiguration"`
		Metadata *struct {
			Mode      string                     `json:"selectionMode"`
			Selective map[string]json.RawMessage `json:"selectiveModeConfiguration"`
		} `json:"metadataConfiguration"`
	}
	reranking struct {
		Type    string            `json:"type"`
		Bedrock *bedrockReranking `json:"bedrockRerankingConfiguration"`
	}
	vectorSearch struct {
		Number     *int       `json:"numberOfResults"`
		SearchType *string    `json:"overrideSearchType"`
		Filter     filter     `json:"filter"`
		Reranking  *reranking `json:"rerankingConfiguration"`
		Implicit   *struct {
			Attributes []struct {
				Key         string `json:"key"`
				Type        string `json:"type"`
				Description string `json:"description"`
			} `json:"metadataAttributes"`
			Model string `json:"modelArn"`
		} `json:"implicitFilterConfiguration"`
	}
	managedSearch struct {
		Number    *int       `json:"numberOfResults"`
		Filter    filter     `json:"filter"`
		Reranking *reranking `json:"rerankingConfiguration"`
		Model     *string    `json:"rerankingModelType"`
	}
	retrieval struct {
		Vector  *vectorSearch  `json:"vectorSearchConfiguration"`
		Managed *managedSearch `json:"managedSearchConfiguration"`
	}
	retrieveRequest struct {
		Query *struct {
			Text *string `json:"text"`
			Type *string `json:"type"`
		} `json:"retrievalQuery"`
		Configuration *retrieval              `json:"retrievalConfiguration"`
		Guardrail     *guardrailConfiguration `json:"guardrailConfiguration"`
		NextToken     *string                 `json:"nextToken"`
	}
	inference struct {
		Text *struct {
			MaxTokens     *int     `json:"maxTokens"`
			StopSequences []string `json:"stopSequences"`
			Temperature   *float64 `json:"temperature"`
			TopP          *float64 `json:"topP"`
		} `json:"textInferenceConfig"`
	}
	template struct {
		Text *string `json:"textPromptTemplate"`
	}
	performance struct {
		Latency *string `json:"latency"`
	}
	generation struct {
		Fields      map[string]json.RawMessage `json:"additionalModelRequestFields"`
		Guardrail   *guardrailConfiguration    `json:"guardrailConfiguration"`
		Inference   *inference                 `json:"inferenceConfig"`
		Performance *performance               `json:"performanceConfig"`
		Template    *template                  `json:"promptTemplate"`
	}
	orchestration struct {
		Fields         map[string]json.RawMessage `json:"additionalModelRequestFields"`
		Inference      *inference                 `json:"inferenceConfig"`
		Performance    *performance               `json:"performanceConfig"`
		Template       *template                  `json:"promptTemplate"`
		Transformation *struct {
			Type string `json:"type"`
		} `json:"queryTransformationConfiguration"`
	}
	baseConfiguration struct {
		ID            string         `json:"knowledgeBaseId"`
		Model         string         `json:"modelArn"`
		Generation    *generation    `json:"generationConfiguration"`
		Orchestration *orchestration `json:"orchestrationConfiguration"`
		Retrieval     *retrieval     `json:"retrievalConfiguration"`
	}
	externalSource struct {
		Type string `json:"sourceType"`
		S3   *struct {
			URI string `json:"uri"`
		} `json:"s3Location"`
		Bytes *struct {
			Type       string `json:"contentType"`
			Data       []byte `json:"data"`
			Identifier string `json:"identifier"`
		} `json:"byteContent"`
	}
	externalConfiguration struct {
		Model      string           `json:"modelArn"`
		Sources    []externalSource `json:"sources"`
		Generation *generation      `json:"generationConfiguration"`
	}
	generateRequest struct {
		Input *struct {
			Text *string `json:"text"`
		} `json:"input"`
		Configuration *struct {
			Type     string                 `json:"type"`
			Base     *baseConfiguration     `json:"knowledgeBaseConfiguration"`
			External *externalConfiguration `json:"externalSourcesConfiguration"`
		} `json:"retrieveAndGenerateConfiguration"`
		Session *struct {
			Key string `json:"kmsKeyArn"`
		} `json:"sessionConfiguration"`
		SessionID *string `json:"sessionId"`
	}
)

var (
	idPattern        = regexp.MustCompile(`^[0-9a-zA-Z]{10}$`)
	guardrailPattern = regexp.MustCompile(`^[a-z0-9]{1,64}$`)
	versionPattern   = regexp.MustCompile(`^(([1-9][0-9]{0,4})|(DRAFT))$`)
	sessionPattern   = regexp.MustCompile(`^[0-9a-zA-Z._:-]{2,100}$`)
	keyPattern       = regexp.MustCompile(`^arn:aws(|-cn|-us-gov):kms:[a-zA-Z0-9-]*:[0-9]{12}:key/[a-zA-Z0-9-]{36}$`)
	rerankerPattern  = regexp.MustCompile(`^arn:(aws[a-z-]*):bedrock:([a-z0-9-]{1,20})::foundation-model/(.+)$`)
	modelPattern     = regexp.MustCompile(`^(arn:aws(-[^:]+)?:(bedrock|sagemaker):[a-z0-9-]{1,20}:([0-9]{12})?:([a-z-]+/)?)?([a-z0-9.-]{1,63}){0,2}(([:][a-z0-9-]{1,63}){0,2})?(/[a-z0-9]{1,12})?$`)
	uriPattern       = regexp.MustCompile(`^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/.+$`)
)

// The limits of texts in characters.
const (
	maxQuery    = 20_000
	maxQuestion = 1000
	maxTemplate = 4000
)

// faults gathers what is wrong with a request, as the service does.
type faults []string

func (f *faults) when(wrong bool, format string, args ...any) {
	if wrong {
		*f = append(*f, fmt.Sprintf(format, args...))
	}
}

func (in retrieveRequest) check(region string) faults {
	var f faults
	f.when(in.Query == nil || in.Query.Text == nil, "retrievalQuery must have a text")
	f.when(in.Query != nil && in.Query.Text != nil && utf8.RuneCountInString(*in.Query.Text) > maxQuery, "the text of retrievalQuery is too long")
	f.guardrail(in.Guardrail)
	f.retrieval(in.Configuration, region)
	return f
}

func (f *faults) guardrail(g *guardrailConfiguration) {
	f.when(g != nil && !guardrailPattern.MatchString(g.ID), "guardrailId does not satisfy its pattern")
	f.when(g != nil && !versionPattern.MatchString(g.Version), "guardrailVersion does not satisfy its pattern")
}

func (f *faults) retrieval(r *retrieval, region string) {
	if r == nil {
		return
	}
	if v := r.Vector; v != nil {
		f.number("numberOfResults", v.Number)
		f.when(v.SearchType != nil && *v.SearchType != "HYBRID" && *v.SearchType != "SEMANTIC", "overrideSearchType must be HYBRID or SEMANTIC")
		f.filter(v.Filter)
		f.reranking(v.Reranking, region)
		f.when(v.Implicit != nil && (len(v.Implicit.Attributes) == 0 || v.Implicit.Model == ""), "implicitFilterConfiguration lacks a member")
	}
	if m := r.Managed; m != nil {
		f.number("numberOfResults", m.Number)
		f.filter(m.Filter)
		f.reranking(m.Reranking, region)
	}
}

func (f *faults) number(name string, n *int) {
	f.when(n != nil && (*n < 1 || *n > 100), "%s must be between 1 and 100", name)
}

func (f *faults) filter(given filter) {
	if given != nil {
		wrong := given.check()
		f.when(wrong != "", "filter: %s", wrong)
	}
}

func (f *faults) reranking(r *reranking, region string) {
	if r == nil {
		return
	}
	f.when(r.Type != "BEDROCK_RERANKING_MODEL", "the type of rerankingConfiguration must be BEDROCK_RERANKING_MODEL")
	if r.Bedrock == nil || r.Bedrock.Model == nil {
		f.when(r.Bedrock != nil, "modelConfiguration must not be null")
		return
	}
	f.number("numberOfRerankedResults", r.Bedrock.Number)
	parts := rerankerPattern.FindStringSubmatch(r.Bedrock.Model.ARN)
	f.when(parts == nil || parts[1] != partition(region) || parts[2] != region, "the reranking model %s is not available in %s", r.Bedrock.Model.ARN, region)
}

func (in generateRequest) check(region string) faults {
	var f faults
	f.when(in.Input == nil || in.Input.Text == nil, "input must have a text")
	f.when(in.Input != nil && in.Input.Text != nil && utf8.RuneCountInString(*in.Input.Text) > maxQuestion, "the text of input is too long")
	f.when(in.SessionID != nil && !sessionPattern.MatchString(*in.SessionID), "sessionId does not satisfy its pattern")
	f.when(in.Session != nil && !keyPattern.MatchString(in.Session.Key), "kmsKeyArn does not satisfy its pattern")
	switch c := in.Configuration; {
	case c == nil:
		f.when(true, "retrieveAndGenerateConfiguration must not be null")
	case c.Type == "KNOWLEDGE_BASE":
		f.when(c.Base == nil || c.External != nil, "the type KNOWLEDGE_BASE goes with knowledgeBaseConfiguration")
		if c.Base != nil {
			f.when(!idPattern.MatchString(c.Base.ID), "knowledgeBaseId does not satisfy its pattern")
			f.model(c.Base.Model)
			f.retrieval(c.Base.Retrieval, region)
			f.generation(c.Base.Generation)
			if o := c.Base.Orchestration; o != nil {
				f.when(o.Transformation != nil && o.Transformation.Type != "QUERY_DECOMPOSITION", "the type of queryTransformationConfiguration must be QUERY_DECOMPOSITION")
			}
		}
	case c.Type == "EXTERNAL_SOURCES":
		f.when(c.External == nil || c.Base != nil, "the type EXTERNAL_SOURCES goes with externalSourcesConfiguration")
		if c.External != nil {
			f.model(c.External.Model)
			f.sources(c.External.Sources)
			f.generation(c.External.Generation)
		}
	default:
		f.when(true, "the type must be KNOWLEDGE_BASE or EXTERNAL_SOURCES")
	}
	return f
}

func (f *faults) model(arn string) {
	f.when(arn == "" || !modelPattern.MatchString(arn), "modelArn does not satisfy its pattern: %s", arn)
}

func (f *faults) generation(g *generation) {
	if g == nil {
		return
	}
	f.guardrail(g.Guardrail)
	if t := g.Template; t != nil && t.Text != nil {
		f.when(*t.Text == "" || utf8.RuneCountInString(*t.Text) > maxTemplate, "textPromptTemplate must have from 1 to 4000 characters")
	}
	if p := g.Performance; p != nil && p.Latency != nil {
		f.when(*p.Latency != "standard" && *p.Latency != "optimized", "latency must be standard or optimized")
	}
	if g.Inference == nil || g.Inference.Text == nil {
		return
	}
	for name, n := range map[string]*float64{"temperature": g.Inference.Text.Temperature, "topP": g.Inference.Text.TopP} {
		f.when(n != nil && (*n < 0 || *n > 1), "%s must be between 0 and 1", name)
	}
	f.when(len(g.Inference.Text.StopSequences) > 4, "stopSequences must have at most 4 members")
}

func (f *faults) sources(sources []externalSource) {
	f.when(len(sources) != 1, "sources must have exactly one member")
	for _, s := range sources {
		switch s.Type {
		case "S3":
			f.when(s.S3 == nil || !uriPattern.MatchString(s.S3.URI), "the source must have an s3Location")
		case "BYTE_CONTENT":
			f.when(s.Bytes == nil || s.Bytes.Type == "" || s.Bytes.Identifier == "" || len(s.Bytes.Data) == 0, "the source must have a byteContent")
		default:
			f.when(true, "sourceType must be S3 or BYTE_CONTENT")
		}
	}
}

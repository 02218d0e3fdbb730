package opensearch_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/toolstest"
	"github.com/cloudplugins/difyplugin/sandbox/aws"
	"github.com/cloudplugins/difyplugin/sandbox/aws/bedrockruntime"
	standin "github.com/cloudplugins/difyplugin/sandbox/aws/opensearch"
	"github.com/cloudplugins/difyplugin/sandbox/aws/s3"
)

func TestTheDocumentsThatResembleATextAreFound(t *testing.T) {
	c := newCloud(t)
	result := c.Succeed(t, tool, searching("topk", 2))
	got := results(t, result)
	if want := `[{"s3_uri":"s3://p/cat.jpg","pic_name":"cat","score":1},{"s3_uri":"s3://p/dog.jpg","pic_name":"dog","score":`; !strings.HasPrefix(got, want) {
		t.Errorf("the results are %s", got)
	}
	if sent := c.Operations(); !cmp.Equal(sent, []string{"bedrock-runtime.InvokeModel", "es.Search"}) {
		t.Errorf("%v were sent", sent)
	}
}

func TestASearchSendsEachFieldWhereOpenSearchReadsIt(t *testing.T) {
	c := newCloud(t)
	c.Succeed(t, tool, searching("filter_json", ` {"term" : {"year": 2020}} `, "min_score", "0.25", "topk", 3.0))
	call := c.searched(t)
	got := map[string]string{
		"method": call.Method, "host": call.Host, "path": call.Path, "query": call.RawQuery, "type": call.Header.Get("Content-Type"), "region": call.Region,
	}
	want := map[string]string{
		"method": "POST", "host": domain, "path": "/pictures/_search", "query": "", "type": "application/json", "region": "us-east-1",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the request differs (-want +got):\n%s", diff)
	}
	var body struct {
		Query struct {
			KNN map[string]struct{ Vector []float64 } `json:"knn"`
		} `json:"query"`
	}
	if err := json.Unmarshal(call.Body, &body); err != nil {
		t.Fatal(err)
	}
	vector, err := json.Marshal(body.Query.KNN["pic_emb"].Vector)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(bedrockruntime.TextVector("a cat", 1024), body.Query.KNN["pic_emb"].Vector); diff != "" {
		t.Errorf("the vector differs (-want +got):\n%s", diff)
	}
	if want := `{"size":3,"min_score":0.25,"query":{"knn":{"pic_emb":{"vector":` + string(vector) + `,"k":3,"filter":{"term":{"year":2020}}}}}}`; string(call.Body) != want {
		t.Errorf("the body is %.200s … %s", call.Body, call.Body[len(call.Body)-60:])
	}
}

func TestSection3_19Bug7_OptionsThatAreLeftOutAreNotSent(t *testing.T) {
	for name, blank := range map[string]any{"null": nil, "blank": ""} {
		c := newCloud(t)
		c.Succeed(t, tool, searching("filter_json", blank, "min_score", blank, "topk", blank, "search_type", blank, "image_s3_path", blank, "image_file", blank,
			"custom_model_id", blank, "opensearch_service", blank, "embedding_field", blank, "metadata_fields", blank, "aws_region", blank))
		body := c.searched(t).JSON()
		knn := body["query"].(map[string]any)["knn"].(map[string]any)["pic_emb"].(map[string]any)
		if body["size"] != 5.0 || knn["k"] != 5.0 || len(body) != 2 || len(knn) != 2 {
			t.Errorf("%s: the size is %v of %d members, k %v of %d", name, body["size"], len(body), knn["k"], len(knn))
		}
	}
}

func TestSection3_19Bug1_DomainsAndCollectionsAreSignedForAsWhatTheyAre(t *testing.T) {
	const private, custom = "vpc-pictures-abc.eu-west-1.es.amazonaws.com", "pictures.example.com"
	t.Setenv("DIFYPLUGIN_ENDPOINT_ALLOW", private+","+custom)
	for _, tt := range []struct {
		at, service    string
		signed, region string
	}{
		{domain, "", "es", "us-east-1"},
		{collection, "", "aoss", "us-east-1"},
		{"https://SEARCH-pictures-abc.aos.eu-west-1.on.aws", "", "es", "eu-west-1"},
		{"07tjusf2h91cunochc.aoss.ap-northeast-1.on.aws", "", "aoss", "ap-northeast-1"},
		{private, "", "es", "eu-west-1"},
		{custom, "", "es", "us-east-1"},
		{custom, "aoss", "aoss", "us-east-1"},
		{custom, "es", "es", "us-east-1"},
	} {
		t.Run(tt.at+" "+tt.service, func(t *testing.T) {
			c := newCloud(t)
			at := strings.ToLower(strings.TrimPrefix(tt.at, "https://"))
			c.add(at, 1024)
			if at == custom {
				c.Endpoint(t, custom, tt.signed)
			}
			c.Succeed(t, tool, searching("opensearch_endpoint", tt.at, "opensearch_service", tt.service))
			call := c.searched(t)
			if call.Service != tt.signed || call.Region != tt.region || call.Host != at {
				t.Errorf("%s in %s was asked at %s", call.Service, call.Region, call.Host)
			}
			want := []string{"content-type", "host", "x-amz-content-sha256", "x-amz-date"}
			if diff := cmp.Diff(want, call.SignedHeaders); diff != "" {
				t.Errorf("the signed headers differ (-want +got):\n%s", diff)
			}
			if model := c.call(t, "bedrock-runtime.InvokeModel"); model.Region != "us-east-1" {
				t.Errorf("the model was asked in %s", model.Region)
			}
		})
	}
}

func TestTemporaryKeysAreSent(t *testing.T) {
	c := newCloud(t)
	if err := c.AddAccount(aws.Account{ID: toolstest.AccountID, Keys: []aws.Key{{AccessKeyID: "ASIATEST", SecretAccessKey: "temporary", SessionToken: "token+/="}}}); err != nil {
		t.Fatal(err)
	}
	c.Succeed(t, tool, searching("opensearch_endpoint", collection, "aws_access_key_id", "ASIATEST", "aws_secret_access_key", "temporary", "aws_session_token", "token+/="))
	if call := c.searched(t); !slices.Contains(call.SignedHeaders, "x-amz-security-token") || call.AccessKeyID != "ASIATEST" {
		t.Errorf("%s has signed %v", call.AccessKeyID, call.SignedHeaders)
	}
}

func TestSection3_19Bug2_EachModelGetsTheBodyThatItTakes(t *testing.T) {
	for _, tt := range []struct {
		model, size string
		dimension   int
		want        string
	}{
		{bedrockruntime.TitanImage, "1024", 1024, `{"inputText":"a <cat>","embeddingConfig":{"outputEmbeddingLength":1024}}`},
		{bedrockruntime.TitanImage, "384", 384, `{"inputText":"a <cat>","embeddingConfig":{"outputEmbeddingLength":384}}`},
		{bedrockruntime.TitanImage, "256", 256, `{"inputText":"a <cat>","embeddingConfig":{"outputEmbeddingLength":256}}`},
		{bedrockruntime.TitanText, "1536", 1536, `{"inputText":"a <cat>"}`},
		{bedrockruntime.TitanText2, "1024", 1024, `{"inputText":"a <cat>","dimensions":1024,"normalize":true}`},
		{bedrockruntime.TitanText2, "512", 512, `{"inputText":"a <cat>","dimensions":512,"normalize":true}`},
		{bedrockruntime.TitanText2, "256", 256, `{"inputText":"a <cat>","dimensions":256,"normalize":true}`},
		{bedrockruntime.CohereEnglish, "1024", 1024, `{"texts":["a <cat>"],"input_type":"search_query"}`},
		{bedrockruntime.CohereMultilingual, "1024", 1024, `{"texts":["a <cat>"],"input_type":"search_query"}`},
	} {
		t.Run(tt.model+" "+tt.size, func(t *testing.T) {
			c := newCloud(t)
			c.add(domain, tt.dimension)
			result := c.Succeed(t, tool, searching("embedding_model_id", tt.model, "vector_size", tt.size, "query_text", "a <cat>"))
			if got := c.embedded(t); got != tt.want {
				t.Errorf("the model got %s, want %s", got, tt.want)
			}
			if got := names(t, result); len(got) != 3 || got[0] != "cat" {
				t.Errorf("found %v", got)
			}
			call := c.call(t, "bedrock-runtime.InvokeModel")
			if call.Header.Get("Content-Type") != "application/json" || call.Header.Get("Accept") != "application/json" || !strings.Contains(call.Path, strings.Split(tt.model, ":")[0]) {
				t.Errorf("%s was asked with %v", call.Path, call.Header)
			}
		})
	}
}

func TestAnImageIsSearchedWith(t *testing.T) {
	content := picture(t)
	encoded := base64.StdEncoding.EncodeToString(content)
	for _, tt := range []struct {
		name       string
		parameters []any
		want       string
	}{
		{"of S3 with Titan", []any{"query_text", "", "image_s3_path", "s3://pictures-of-the-tester/a b#1?.png"}, `{"inputImage":"` + encoded + `","embeddingConfig":{"outputEmbeddingLength":1024}}`},
		{"of S3 without a scheme", []any{"query_text", nil, "image_s3_path", "pictures-of-the-tester/a b#1?.png"}, `{"inputImage":"` + encoded + `","embeddingConfig":{"outputEmbeddingLength":1024}}`},
		{"together with a text", []any{"image_s3_path", "s3://pictures-of-the-tester/a b#1?.png"}, `{"inputText":"a cat","inputImage":"` + encoded + `","embeddingConfig":{"outputEmbeddingLength":1024}}`},
		{"with Cohere", []any{"query_text", "", "image_s3_path", "s3://pictures-of-the-tester/a b#1?.png", "embedding_model_id", bedrockruntime.CohereEnglish}, `{"images":["data:image/png;base64,` + encoded + `"],"input_type":"image"}`},
		{"of Dify", []any{"query_text", "", "image_file", "file"}, `{"inputImage":"` + encoded + `","embeddingConfig":{"outputEmbeddingLength":1024}}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCloud(t)
			if _, err := c.store.Put("pictures-of-the-tester", "a b#1?.png", content, s3.Attributes{}); err != nil {
				t.Fatal(err)
			}
			parameters := searching(tt.parameters...)
			if parameters["image_file"] != nil {
				parameters["image_file"] = c.File("cat.png", "image/png", content)
			}
			c.Succeed(t, tool, parameters)
			if got := c.embedded(t); got != tt.want {
				t.Errorf("the model got %s, want %s", got, tt.want)
			}
			vector := bedrockruntime.ImageVector(content, 1024)
			if tt.name == "together with a text" {
				return
			}
			if body := string(c.searched(t).Body); !strings.Contains(body, fmt.Sprint(vector[0])) {
				t.Errorf("the search is not for the image: %.100s", body)
			}
		})
	}
}

func TestSection3_19Bug3_AVectorThatTheModelDoesNotMakeIsRefused(t *testing.T) {
	for model, sizes := range map[string][]string{
		bedrockruntime.TitanImage:         {"512", "1536"},
		bedrockruntime.TitanText:          {"256", "384", "512", "1024"},
		bedrockruntime.TitanText2:         {"384", "1536"},
		bedrockruntime.CohereEnglish:      {"256", "384", "512", "1536"},
		bedrockruntime.CohereMultilingual: {"256", "384", "512", "1536"},
	} {
		c := newCloud(t)
		for _, size := range sizes {
			toolstest.WantFailure(t, c.Fail(t, tool, searching("embedding_model_id", model, "vector_size", size)), plugin.BadRequest, "vector_size is "+size, "makes vectors of")
		}
		c.WantNothingSent(t)
	}
}

func TestSection3_19Bug4_AnImageThatCannotBeReadIsAnErrorAndNothingIsSearched(t *testing.T) {
	c := newCloud(t)
	if _, err := c.store.Put("pictures-of-the-tester", "notes.txt", []byte("no image"), s3.Attributes{ContentType: "image/png"}); err != nil {
		t.Fatal(err)
	}
	for name, size := range map[string]int{"large.png": 5_000_001, "huge.png": 18_500_001} {
		if _, err := c.store.Put("pictures-of-the-tester", name, make([]byte, size), s3.Attributes{}); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		name       string
		parameters map[string]any
		words      []string
	}{
		{"there is none", searching("image_s3_path", "s3://pictures-of-the-tester/none.png"), []string{"s3://pictures-of-the-tester/none.png"}},
		{"it is none", searching("image_s3_path", "s3://pictures-of-the-tester/notes.txt"), []string{"s3://pictures-of-the-tester/notes.txt cannot be searched with", "text/plain", "image/jpeg, image/png"}},
		{
			"it is too large", searching("image_s3_path", "s3://pictures-of-the-tester/large.png", "query_text", "", "embedding_model_id", bedrockruntime.CohereEnglish),
			[]string{"s3://pictures-of-the-tester/large.png", "at most 4.8 MiB"},
		},
		{"it is larger than a request may be", searching("image_s3_path", "s3://pictures-of-the-tester/huge.png"), []string{"huge.png", "at most 17.6 MiB"}},
		{"a file is none", searching("image_file", c.File("notes.txt", "text/plain", []byte("no image"))), []string{"the file notes.txt cannot be searched with"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c.Forget()
			toolstest.WantFailure(t, c.Fail(t, tool, tt.parameters), plugin.BadRequest, tt.words...)
			for _, name := range c.Operations() {
				if !strings.HasPrefix(name, "s3.") {
					t.Errorf("%s was sent", name)
				}
			}
		})
	}
}

func TestSection3_19Bug5_NothingIsSentWhenAParameterIsWrong(t *testing.T) {
	c := newCloud(t)
	file := c.File("cat.png", "image/png", picture(t))
	for _, tt := range []struct {
		name       string
		parameters map[string]any
		words      []string
	}{
		{"nothing", map[string]any{}, []string{"opensearch_endpoint is required", "index_name is required", "vector_size is required", "embedding_model_id is required"}},
		{"neither text nor image", searching("query_text", ""), []string{"query_text is required, unless there is an image"}},
		{"a bad path of an image", searching("query_text", "", "image_s3_path", "s3://x/"), []string{"image_s3_path is", "bucket is"}},
		{"a path that is none", searching("image_s3_path", "https://example.com/a.png"), []string{"image_s3_path is", "s3://bucket/key"}},
		{"two images", searching("image_s3_path", "s3://pictures/a.png", "image_file", file), []string{"image_file and image_s3_path are both given"}},
		{"an image for a model of texts", searching("image_s3_path", "s3://pictures/a.png", "embedding_model_id", bedrockruntime.TitanText2), []string{"image_s3_path cannot be searched with Titan Text Embeddings V2"}},
		{"a file for a model of texts", searching("image_file", file, "embedding_model_id", bedrockruntime.TitanText, "vector_size", "1536"), []string{"image_file cannot be searched with"}},
		{"both for Cohere", searching("image_s3_path", "s3://pictures/a.png", "embedding_model_id", bedrockruntime.CohereEnglish), []string{"image_s3_path and query_text cannot both"}},
		{"a long text for Cohere", searching("query_text", strings.Repeat("字", 2049), "embedding_model_id", bedrockruntime.CohereEnglish), []string{"query_text has 2049 characters", "at most 2048"}},
		{"an unknown model", searching("embedding_model_id", "gpt"), []string{"embedding_model_id must be one of"}},
		{"an odd model", searching("custom_model_id", "a b"), []string{`custom_model_id is "a b"`}},
		{"a length that the other model does not have", searching("custom_model_id", "us.cohere.embed-v4:0", "vector_size", "384"), []string{"vector_size is 384", "Cohere Embed 4"}},
		{"a path for an index", searching("index_name", "../_cluster"), []string{`index_name is "../_cluster"`}},
		{"an index with a query", searching("index_name", "pictures?q=1"), []string{`index_name is "pictures?q=1"`}},
		{"an API for an index", searching("index_name", "_all"), []string{"begins with _"}},
		{"no index", searching("index_name", " "), []string{"index_name is required"}},
		{"no fields", searching("metadata_fields", " , ,"), []string{"metadata_fields names no field"}},
		{"no vectors", searching("embedding_field", " "), []string{"embedding_field is required"}},
		{"a filter that is none", searching("filter_json", "cats"), []string{"filter_json is not JSON"}},
		{"a filter that is a list", searching("filter_json", []any{1}), []string{"filter_json is not a JSON object"}},
		{"too many", searching("topk", 11), []string{"topk must be from 1 to 10, it is 11"}},
		{"a fraction", searching("topk", 1.5), []string{"topk must be a whole number"}},
		{"another kind of endpoint", searching("opensearch_service", "ec2"), []string{"opensearch_service must be one of es, aoss"}},
		{"several", searching("index_name", "a/b", "filter_json", "x", "vector_size", "512"), []string{"3 parameters are wrong", "index_name", "filter_json", "vector_size"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			toolstest.WantFailure(t, c.Fail(t, tool, tt.parameters), plugin.BadRequest, tt.words...)
			c.WantNothingSent(t)
		})
	}
}

func TestSection3_19Bug6_FieldsAreTrimmedAndMissingOnesAreNull(t *testing.T) {
	c := newCloud(t)
	result := c.Succeed(t, tool, searching("metadata_fields", " pic_name , ,year,pic_name, size.width,score,owner ", "query_text", "birds"))
	var list []map[string]any
	if err := json.Unmarshal([]byte(results(t, result)), &list); err != nil {
		t.Fatal(err)
	}
	for i := range list {
		delete(list[i], "score")
	}
	want := []map[string]any{{"pic_name": nil, "year": 2022.0, "size.width": nil, "owner": nil}}
	if diff := cmp.Diff(want, list[:1]); diff != "" {
		t.Errorf("the best result differs (-want +got):\n%s", diff)
	}
	if got := results(t, result); !strings.Contains(got, `{"pic_name":"cat","year":2020,"size.width":640,"owner":null,"score":`) || !strings.HasPrefix(got, `[{"pic_name":null,"year":2022,"size.width":null,"owner":null,"score":1}`) {
		t.Errorf("the results are %s", got)
	}
}

func TestSection3_19Bug8_AnEndpointIsReadAsPeopleWriteIt(t *testing.T) {
	for _, text := range []string{
		domain, "https://" + domain, "HTTPS://" + strings.ToUpper(domain), " " + domain + "/ ", "https://" + domain + ":443/", domain + ":443", "https://" + domain + ".",
	} {
		c := newCloud(t)
		c.Succeed(t, tool, searching("opensearch_endpoint", text))
		if call := c.searched(t); call.Host != domain || call.Path != "/pictures/_search" {
			t.Errorf("%q was asked at %s%s", text, call.Host, call.Path)
		}
	}
	c := newCloud(t)
	for text, words := range map[string][]string{
		"http://" + domain:                   {`begins with "http://"`, "https:// only"},
		"ftp://" + domain:                    {`begins with "ftp://"`},
		"https://" + domain + "/_dashboards": {`has the path "/_dashboards"`},
		"https://" + domain + "/?pretty":     {"a question mark"},
		"https://user:password@" + domain:    {"a user name"},
		"https://" + domain + ":99999":       {"port"},
		"https://":                           {"names no host"},
		"https://a b":                        {"is not a URL"},
		"pictures.https://example.com":       {"pictures.https://"},
		"https://search_https://" + domain:   {"opensearch_endpoint"},
	} {
		failed := c.Fail(t, tool, searching("opensearch_endpoint", text))
		toolstest.WantFailure(t, failed, plugin.BadRequest, append(words, "opensearch_endpoint")...)
		if strings.Contains(failed.Message, "password") {
			t.Errorf("the error shows a password: %s", failed.Message)
		}
	}
	c.WantNothingSent(t)
}

func TestSection3_19Bug9_TheKindOfSearchIsTheOneThatThereIs(t *testing.T) {
	c := newCloud(t)
	toolstest.WantFailure(t, c.Fail(t, tool, searching("search_type", "KEYWORD")), plugin.BadRequest, "search_type must be one of SEMANTIC")
	c.WantNothingSent(t)
	if got := names(t, c.Succeed(t, tool, searching("search_type", "SEMANTIC"))); got[0] != "cat" {
		t.Errorf("found %v", got)
	}
}

func TestSection3_19Bug10_A2_A19_AStrangersHostIsRefused(t *testing.T) {
	c := newCloud(t)
	for _, at := range []string{
		"search.example.com", "https://evil.example/", "search-x.us-east-1.es.amazonaws.com.evil.example", "10.0.0.1", "169.254.169.254", "localhost:9200", "[::1]:9200",
		"x.lambda-url.us-east-1.on.aws", "ec2-192-0-2-1.us-east-1.compute.amazonaws.com", "es.us-east-1.amazonaws.com",
	} {
		failed := c.Fail(t, tool, searching("opensearch_endpoint", at))
		toolstest.WantFailure(t, failed, plugin.BadRequest, "opensearch_endpoint")
		if !strings.Contains(failed.Message, "DIFYPLUGIN_ENDPOINT_ALLOW") && !strings.Contains(failed.Message, "names no host") {
			t.Errorf("%s: %s", at, failed.Message)
		}
	}
	c.WantNothingSent(t)
}

func TestAHostThatTheOperatorListsMayHaveAPath(t *testing.T) {
	t.Setenv("DIFYPLUGIN_ENDPOINT_ALLOW", "*.example.com")
	c := newCloud(t)
	var path string
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path = r.Host + r.URL.Path
		_, _ = w.Write([]byte(`{"hits":{"hits":[]}}`))
	})
	if err := c.Box.Handle("search.example.com", handler); err != nil {
		t.Fatal(err)
	}
	result := c.Succeed(t, tool, searching("opensearch_endpoint", "https://search.example.com/es/"))
	if got := results(t, result); got != "[]" || path != "search.example.com/es/pictures/_search" {
		t.Errorf("%s was asked, and found %s", path, got)
	}
}

func TestA28_TheIdentityOfTheMachineIsNotShownToAHostThatAUserChose(t *testing.T) {
	t.Setenv("DIFYPLUGIN_ENDPOINT_ALLOW", "search.example.com")
	t.Setenv("DIFYPLUGIN_AMBIENT_AWS", "on")
	t.Setenv("AWS_ACCESS_KEY_ID", toolstest.AccessKeyID)
	t.Setenv("AWS_SECRET_ACCESS_KEY", toolstest.SecretAccessKey)
	c := newCloud(t)
	toolstest.WantFailure(t, c.FailAs(t, nil, tool, searching("opensearch_endpoint", "search.example.com")), plugin.Authorization, "search.example.com is no host of AWS", "aws_access_key_id")
	c.WantNothingSent(t)
	c.SucceedAs(t, nil, tool, searching())
}

func TestAnEndpointOfTheProviderIsWhereSearchesGo(t *testing.T) {
	t.Setenv("DIFYPLUGIN_ENDPOINT_ALLOW", "proxy.example.com")
	c := newCloud(t)
	c.Endpoint(t, "proxy.example.com", "es")
	c.add("proxy.example.com", 1024)
	c.SucceedAs(t, toolstest.Credentials("aws_endpoint_url", "opensearch=https://proxy.example.com"), tool, searching())
	if call := c.searched(t); call.Host != "proxy.example.com" {
		t.Errorf("%s was asked", call.Host)
	}
}

func TestANewerModelTakesTheBodyOfItsFamily(t *testing.T) {
	for _, tt := range []struct {
		listed, custom, size, want string
		region                     string
	}{
		{bedrockruntime.TitanImage, "us.cohere.embed-v4:0", "1536", `{"texts":["a cat"],"input_type":"search_query","embedding_types":["float"],"output_dimension":1536}`, "us-east-1"},
		{bedrockruntime.TitanText2, "mycompany.embed-v9:0", "512", `{"inputText":"a cat","dimensions":512,"normalize":true}`, "us-east-1"},
		{bedrockruntime.CohereEnglish, "arn:aws:bedrock:eu-west-1::foundation-model/cohere.embed-multilingual-v3", "1024", `{"texts":["a cat"],"input_type":"search_query"}`, "eu-west-1"},
	} {
		t.Run(tt.custom, func(t *testing.T) {
			c := newCloud(t)
			dimension := map[string]int{"512": 512, "1024": 1024, "1536": 1536}[tt.size]
			c.add(domain, dimension)
			c.models.AddModel("cohere.embed-v4:0", func(json.RawMessage) (any, *aws.Error) {
				return map[string]any{"embeddings": map[string]any{"float": [][]float64{bedrockruntime.TextVector("a cat", 1536)}}, "response_type": "embeddings_by_type"}, nil
			})
			c.models.AddModel("mycompany.embed-v9:0", func(json.RawMessage) (any, *aws.Error) {
				return map[string]any{"embedding": bedrockruntime.TextVector("a cat", 512)}, nil
			})
			result := c.Succeed(t, tool, searching("embedding_model_id", tt.listed, "custom_model_id", " "+tt.custom+" ", "vector_size", tt.size))
			if got := c.embedded(t); got != tt.want {
				t.Errorf("the model got %s, want %s", got, tt.want)
			}
			if region := c.call(t, "bedrock-runtime.InvokeModel").Region; region != tt.region {
				t.Errorf("the model was asked in %s", region)
			}
			if got := names(t, result); got[0] != "cat" {
				t.Errorf("found %v", got)
			}
		})
	}
}

func TestTheFourthGenerationOfCohereTakesATextAnImageOrBoth(t *testing.T) {
	content := picture(t)
	uri := "data:image/png;base64," + base64.StdEncoding.EncodeToString(content)
	const rest = `"input_type":"search_query","embedding_types":["float"],"output_dimension":1024}`
	for text, want := range map[string]string{
		"":      `{"images":["` + uri + `"],` + rest,
		"a cat": `{"inputs":[{"content":[{"type":"text","text":"a cat"},{"type":"image_url","image_url":"` + uri + `"}]}],` + rest,
	} {
		c := newCloud(t)
		c.models.AddModel("cohere.embed-v4:0", func(json.RawMessage) (any, *aws.Error) {
			return map[string]any{"embeddings": map[string]any{"float": [][]float64{bedrockruntime.TextVector("a cat", 1024)}}}, nil
		})
		c.Succeed(t, tool, searching("query_text", text, "custom_model_id", "cohere.embed-v4:0", "image_file", c.File("cat.png", "image/png", content)))
		if got := c.embedded(t); got != want {
			t.Errorf("the model got %s, want %s", got, want)
		}
	}
}

func TestAnAnswerOfAModelWithoutItsVectorIsAnError(t *testing.T) {
	for answer, word := range map[string]string{
		`{"embedding":[0.1,0.2]}`:       "2 numbers and not 1024",
		`{"embedding":["a"]}`:           "cannot be read",
		`{"embeddings":[]}`:             "holds no vector",
		`{"embeddings":[[1],[2]]}`:      "holds no vector",
		`{"embeddings":{"int8":[[1]]}}`: "holds no vector",
		`{"message":"x"}`:               "holds no vector",
	} {
		c := newCloud(t)
		c.models.AddModel(bedrockruntime.TitanImage, func(json.RawMessage) (any, *aws.Error) { return json.RawMessage(answer), nil })
		toolstest.WantFailure(t, c.Fail(t, tool, searching()), plugin.Unavailable, "amazon.titan-embed-image-v1", word)
		if sent := c.Operations(); len(sent) != 1 {
			t.Errorf("%v were sent", sent)
		}
	}
}

func TestFiltersAndScoresNarrowASearch(t *testing.T) {
	c := newCloud(t)
	for _, tt := range []struct {
		name string
		pair []any
		want []string
	}{
		{"no filter", nil, []string{"cat", "dog", "?"}},
		{"a filter as text", []any{"filter_json", `{"term":{"pic_name":"dog"}}`}, []string{"dog"}},
		{"a filter as an object", []any{"filter_json", map[string]any{"range": map[string]any{"year": map[string]any{"gte": 2021}}}}, []string{"dog", "?"}},
		{"a lowest score", []any{"min_score", 0.9}, []string{"cat"}},
		{"nothing", []any{"filter_json", `{"term":{"pic_name":"cow"}}`}, []string{}},
	} {
		if diff := cmp.Diff(tt.want, names(t, c.Succeed(t, tool, searching(tt.pair...)))); diff != "" {
			t.Errorf("%s: -want +got\n%s", tt.name, diff)
		}
	}
}

func TestWhatOpenSearchRefusesIsExplained(t *testing.T) {
	for _, tt := range []struct {
		name       string
		index      standin.Index
		parameters map[string]any
		kind       plugin.Kind
		words      []string
	}{
		{"an unknown index", standin.Index{}, searching("index_name", "films"), plugin.BadRequest, []string{"search the index films at " + domain, "there is no such index", "no such index [films]"}},
		{"a restricted domain", standin.Index{Host: domain, Name: "closed", Restricted: true}, searching("index_name", "closed"), plugin.Authorization, []string{"the access control of the domain", "no permissions for [indices:data/read/search]"}},
		{
			"a restricted collection",
			standin.Index{Host: collection, Name: "closed", Restricted: true},
			searching("index_name", "closed", "opensearch_endpoint", collection),
			plugin.Authorization,
			[]string{"data access policy", "aoss:ReadDocument", "aoss:APIAccessAll on arn:aws:aoss:us-east-1:*:collection/07tjusf2h91cunochc"},
		},
		{"another field", standin.Index{}, searching("embedding_field", "year"), plugin.BadRequest, []string{"check embedding_field", "Field 'year' is not knn_vector type"}},
		{"another length", standin.Index{}, searching("vector_size", "256"), plugin.BadRequest, []string{"vector_size, which must be that of the index", "invalid dimension: 256. Dimension should be: 1024"}},
		{"an unknown filter", standin.Index{}, searching("filter_json", `{"like":{}}`), plugin.BadRequest, []string{"filter_json", "unknown query [like]"}},
		{"a search that took too long", standin.Index{Host: domain, Name: "slow", Vector: "pic_emb", Dimension: 1024, TimedOut: true}, searching("index_name", "slow"), plugin.Unavailable, []string{"took too long"}},
		{"a broken shard", standin.Index{Host: domain, Name: "broken", Vector: "pic_emb", Dimension: 1024, Incomplete: true}, searching("index_name", "broken"), plugin.Unavailable, []string{"1 of the 2 shards"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCloud(t)
			if tt.index.Name != "" {
				c.search.Add(tt.index)
			}
			toolstest.WantFailure(t, c.Fail(t, tool, tt.parameters), tt.kind, tt.words...)
		})
	}
}

func TestErrorsOfASearchAreToldApart(t *testing.T) {
	for _, tt := range []struct {
		name   string
		effect aws.Effect
		kind   plugin.Kind
		words  []string
		times  int
	}{
		{"denied", aws.Deny(), plugin.Authorization, []string{"es:ESHttpPost on arn:aws:es:us-east-1:*:domain/pictures/*"}, 1},
		{"expired", aws.Expire(), plugin.Authorization, []string{"expired"}, 1},
		{"throttled", aws.Throttle(), plugin.RateLimit, []string{"fewer requests"}, 3},
		{"busy", aws.Fail(429, "", "429 Too Many Requests /pictures/_search"), plugin.RateLimit, []string{"429 Too Many Requests"}, 3},
		{"broken", aws.Break(), plugin.Unavailable, []string{"failure of its own"}, 3},
		{"overloaded", aws.Overload(), plugin.Unavailable, []string{"failure of its own"}, 3},
		{"a bad gateway", aws.Fail(502, "", ""), plugin.Unavailable, []string{"HTTP status 502"}, 3},
		{"a lost connection", aws.Drop(), plugin.Connection, []string{domain}, 3},
		{"a cut answer", aws.Cut(20), plugin.Unavailable, []string{"cut off"}, 1},
		{"a redirect", aws.Fail(302, "", ""), plugin.BadRequest, []string{"not followed"}, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCloud(t)
			fault := c.Inject(aws.Fault{Service: "es", Effects: []aws.Effect{tt.effect}})
			toolstest.WantFailure(t, c.Fail(t, tool, searching()), tt.kind, append(tt.words, "could not search the index pictures at "+domain)...)
			if got := fault.Hits(); got != tt.times {
				t.Errorf("the search was sent %d times, want %d", got, tt.times)
			}
		})
	}
}

func TestErrorsWithoutACodeAreKnownByTheirWords(t *testing.T) {
	for answer, kind := range map[string]plugin.Kind{
		`{"message":"The security token included in the request is invalid."}`:                         plugin.Authorization,
		`{"message":"The security token included in the request is expired"}`:                          plugin.Authorization,
		`{"Message":"User: anonymous is not authorized to perform: es:ESHttpPost"}`:                    plugin.Authorization,
		`{"message":"The request signature we calculated does not match the signature you provided."}`: plugin.Authorization,
		`<html>Forbidden</html>`: plugin.Authorization,
		`{"error":"odd"}`:        plugin.Authorization,
	} {
		c := newCloud(t)
		handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusForbidden)
			_, _ = w.Write([]byte(answer))
		})
		if err := c.Box.Handle(domain, handler); err != nil {
			t.Fatal(err)
		}
		failed := c.Fail(t, tool, searching())
		toolstest.WantFailure(t, failed, kind, "could not search the index pictures")
	}
}

func TestAFailureThatPassesIsTriedAgain(t *testing.T) {
	c := newCloud(t)
	c.Inject(aws.Fault{Service: "es", Times: 2, Effects: []aws.Effect{aws.Overload()}})
	if got := names(t, c.Succeed(t, tool, searching())); got[0] != "cat" {
		t.Errorf("found %v", got)
	}
}

func TestErrorsOfTheModelAreExplainedAndNothingIsSearched(t *testing.T) {
	for _, tt := range []struct {
		name   string
		effect aws.Effect
		kind   plugin.Kind
		words  []string
	}{
		{"denied", aws.Deny(), plugin.Authorization, []string{"bedrock:InvokeModel on arn:aws:bedrock:us-east-1::foundation-model/amazon.titan-embed-image-v1"}},
		{"throttled", aws.Throttle(), plugin.RateLimit, nil},
		{"an unknown model", aws.Fail(404, "ResourceNotFoundException", "x"), plugin.BadRequest, []string{"no such model in the region us-east-1"}},
		{"a refused request", aws.Fail(400, "ValidationException", "Malformed input"), plugin.BadRequest, []string{"Malformed input"}},
		{"a model that fails", aws.Fail(424, "ModelErrorException", "x"), plugin.Unavailable, []string{"the model has failed"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCloud(t)
			c.Inject(aws.Fault{Service: "bedrock-runtime", Effects: []aws.Effect{tt.effect}})
			toolstest.WantFailure(t, c.Fail(t, tool, searching()), tt.kind, append(tt.words, "could not make a vector with the model amazon.titan-embed-image-v1")...)
			if slices.Contains(c.Operations(), "es.Search") {
				t.Errorf("%v were sent", c.Operations())
			}
		})
	}
}

func TestWhatIsNotOpenSearchIsFoundOut(t *testing.T) {
	for _, answer := range []string{"", "<html>", "{}", `{"hits":null}`, `{"hits":{"hits":{}}}`, "[]"} {
		c := newCloud(t)
		handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(answer)) })
		if err := c.Box.Handle(domain, handler); err != nil {
			t.Fatal(err)
		}
		toolstest.WantFailure(t, c.Fail(t, tool, searching()), plugin.Unavailable, "not OpenSearch", "opensearch_endpoint")
	}
}

func TestA20_ARedirectIsNotFollowed(t *testing.T) {
	c := newCloud(t)
	for _, location := range []string{"http://" + domain + "/pictures/_search", "https://elsewhere.example.com/", "https://" + collection + "/pictures/_search"} {
		handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, location, http.StatusTemporaryRedirect)
		})
		if err := c.Box.Handle(domain, handler); err != nil {
			t.Fatal(err)
		}
		toolstest.WantFailure(t, c.Fail(t, tool, searching()), plugin.BadRequest, "sends the request elsewhere, which is not followed")
	}
	for _, request := range c.Box.Requests() {
		if request.Host != domain && !strings.HasPrefix(request.Host, "bedrock-runtime.") {
			t.Errorf("%s was asked", request.Host)
		}
	}
	if refused := c.Box.Refused(); len(refused) > 0 {
		t.Errorf("the tool also tried: %v", refused)
	}
}

func TestAnAnswerWithoutAnEndIsNotRead(t *testing.T) {
	c := newCloud(t)
	endless := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		block := make([]byte, 1<<20)
		for r.Context().Err() == nil {
			if _, err := w.Write(block); err != nil {
				return
			}
		}
	})
	if err := c.Box.Handle(domain, endless); err != nil {
		t.Fatal(err)
	}
	toolstest.WantFailure(t, c.Fail(t, tool, searching()), plugin.BadRequest, "more than 33554432 bytes")
}

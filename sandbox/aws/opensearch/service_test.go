package opensearch_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/cloudplugins/difyplugin/sandbox"
	"github.com/cloudplugins/difyplugin/sandbox/aws"
	"github.com/cloudplugins/difyplugin/sandbox/aws/opensearch"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	domain     = "search-pictures-abc.us-east-1.es.amazonaws.com"
	collection = "07tjusf2h91cunochc.us-east-1.aoss.amazonaws.com"
)

// client sends signed searches.
type client struct {
	t *testing.T
	*http.Client
}

func start(t *testing.T) (*opensearch.Service, client) {
	t.Helper()
	box, err := sandbox.Start()
	if err != nil {
		t.Fatal(err)
	}
	cloud, search := aws.New(), opensearch.New()
	transport := box.Transport()
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		cloud.Close()
		if err := box.Close(); err != nil {
			t.Error(err)
		}
	})
	reader := []aws.Grant{{Actions: []string{"es:ESHttpPost", "aoss:APIAccessAll"}, Resources: []string{"arn:aws:es:us-east-1:123456789012:domain/pictures/*", "arn:aws:aoss:*:collection/07tjusf2h91cunochc"}}}
	if err := cloud.AddAccount(aws.Account{ID: "123456789012", Keys: []aws.Key{{AccessKeyID: "AKIATEST", SecretAccessKey: "secret", Grants: reader}}}); err != nil {
		t.Fatal(err)
	}
	for _, pattern := range cloud.HostPatterns() {
		if err := box.Handle(pattern, cloud); err != nil {
			t.Fatal(err)
		}
	}
	cloud.Register("es", search)
	cloud.Register("aoss", search)
	for _, host := range []string{domain, collection, "search-pictures-abc.aos.us-east-1.on.aws", "07tjusf2h91cunochc.aoss.us-east-1.on.aws"} {
		search.Add(opensearch.Index{Host: host, Name: "pics", Vector: "emb", Dimension: 2, Documents: []opensearch.Document{
			{ID: "1", Vector: []float64{1, 0}, Source: map[string]any{"name": "east", "year": 2020}},
			{ID: "2", Vector: []float64{0, 1}, Source: map[string]any{"name": "north", "year": 2021}},
			{ID: "3", Vector: []float64{-1, 0}, Source: map[string]any{"name": "west", "year": 2022}},
		}})
	}
	return search, client{t, &http.Client{Transport: transport}}
}

// signing is how a request is signed.
type signing struct {
	service           string
	withLength, plain bool // sign the length; do without the hash in a header
}

// post searches and returns the status and the answer.
func (c client) post(host, path, body string, how signing) (int, map[string]any) {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), http.MethodPost, "https://"+host+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	sum := sha256.Sum256([]byte(body))
	hash := hex.EncodeToString(sum[:])
	if !how.plain {
		r.Header.Set("X-Amz-Content-Sha256", hash)
	}
	if !how.withLength {
		r.ContentLength = 0
	}
	keys := sdk.Credentials{AccessKeyID: "AKIATEST", SecretAccessKey: "secret"}
	if err := v4.NewSigner().SignHTTP(c.t.Context(), keys, r, hash, how.service, "us-east-1", time.Now()); err != nil {
		c.t.Fatal(err)
	}
	r.ContentLength = int64(len(body))
	answer, err := c.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer answer.Body.Close()
	raw, err := io.ReadAll(answer.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	var object map[string]any
	decoder := json.NewDecoder(bytes.NewReader(raw))
	if err := decoder.Decode(&object); err != nil {
		c.t.Fatalf("%s: %v", raw, err)
	}
	return answer.StatusCode, object
}

// names are the names of what was found, in order.
func names(answer map[string]any) []string {
	found := []string{}
	inner, _ := answer["hits"].(map[string]any)
	hits, _ := inner["hits"].([]any)
	for _, h := range hits {
		source := h.(map[string]any)["_source"].(map[string]any)
		found = append(found, source["name"].(string))
	}
	return found
}

const near = `{"size":2,"query":{"knn":{"emb":{"vector":[0.9,0.1],"k":2}}}}`

func TestTheNearestDocumentsAreFoundAtEachKindOfHost(t *testing.T) {
	_, c := start(t)
	for host, service := range map[string]string{
		domain: "es", "search-pictures-abc.aos.us-east-1.on.aws": "es", collection: "aoss", "07tjusf2h91cunochc.aoss.us-east-1.on.aws": "aoss",
	} {
		status, answer := c.post(host, "/pics/_search", near, signing{service: service})
		if diff := cmp.Diff([]string{"east", "north"}, names(answer)); diff != "" || status != http.StatusOK {
			t.Errorf("%s: %d, -want +got\n%s", host, status, diff)
		}
	}
}

func TestFiltersAndLimitsNarrowASearch(t *testing.T) {
	_, c := start(t)
	for rest, want := range map[string][]string{
		`"k":3,"filter":{"term":{"name":"west"}}`:                                                 {"west"},
		`"k":3,"filter":{"terms":{"name":["west","north"]}}`:                                      {"north", "west"},
		`"k":3,"filter":{"range":{"year":{"gte":2021,"lt":2022}}}`:                                {"north"},
		`"k":3,"filter":{"bool":{"must":[{"match_all":{}}],"must_not":{"term":{"name":"east"}}}}`: {"north", "west"},
		`"k":1`:                                  {"east"},
		`"k":3,"filter":{"term":{"absent":"x"}}`: {},
	} {
		_, answer := c.post(domain, "/pics/_search", `{"size":3,"query":{"knn":{"emb":{"vector":[1,0],`+rest+`}}}}`, signing{service: "es"})
		if diff := cmp.Diff(want, names(answer)); diff != "" {
			t.Errorf("%s: -want +got\n%s", rest, diff)
		}
	}
	_, answer := c.post(domain, "/pics/_search", `{"size":3,"min_score":0.3,"query":{"knn":{"emb":{"vector":[1,0],"k":3}}}}`, signing{service: "es"})
	if diff := cmp.Diff([]string{"east", "north"}, names(answer)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestServerlessDemandsTheHashAndRefusesTheLength(t *testing.T) {
	_, c := start(t)
	for name, how := range map[string]signing{"with the length": {service: "aoss", withLength: true}, "without the hash": {service: "aoss", plain: true}} {
		if status, answer := c.post(collection, "/pics/_search", near, how); status != http.StatusForbidden {
			t.Errorf("%s: %d %v", name, status, answer)
		}
		how.service = "es"
		if status, answer := c.post(domain, "/pics/_search", near, how); status != http.StatusOK {
			t.Errorf("a domain, %s: %d %v", name, status, answer)
		}
	}
}

func TestWrongSearchesAreRefusedInTheWordsOfOpenSearch(t *testing.T) {
	search, c := start(t)
	search.Add(opensearch.Index{Host: domain, Name: "closed", Restricted: true})
	search.Add(opensearch.Index{Host: collection, Name: "closed", Restricted: true})
	for _, tt := range []struct {
		name, host, path, body, service string
		status                          int
		words                           string
	}{
		{"an unknown index", domain, "/other/_search", near, "es", 404, "index_not_found_exception"},
		{"a closed index", domain, "/closed/_search", near, "es", 403, "security_exception"},
		{"a closed collection", collection, "/closed/_search", near, "aoss", 403, "403 Forbidden"},
		{"a signature for the other service", collection, "/pics/_search", near, "es", 403, "Credential should be scoped"},
		{"an unknown domain of somebody else", "search-others-abc.us-east-1.es.amazonaws.com", "/pics/_search", near, "es", 403, "is not authorized"},
		{"another field", domain, "/pics/_search", `{"query":{"knn":{"pic":{"vector":[1,0],"k":1}}}}`, "es", 400, "is not knn_vector type"},
		{"another dimension", domain, "/pics/_search", `{"query":{"knn":{"emb":{"vector":[1],"k":1}}}}`, "es", 400, "invalid dimension: 1"},
		{"no vector", domain, "/pics/_search", `{"query":{"knn":{"emb":{"k":1}}}}`, "es", 400, "requires query vector"},
		{"no k", domain, "/pics/_search", `{"query":{"knn":{"emb":{"vector":[1,0]}}}}`, "es", 400, "requires k"},
		{"no size", domain, "/pics/_search", `{"size":null,"query":{"knn":{"emb":{"vector":[1,0],"k":1}}}}`, "es", 400, "[size]"},
		{"an unknown key", domain, "/pics/_search", `{"top":1,"query":{"knn":{"emb":{"vector":[1,0],"k":1}}}}`, "es", 400, "[top]"},
		{"an unknown filter", domain, "/pics/_search", `{"query":{"knn":{"emb":{"vector":[1,0],"k":1,"filter":{"like":{}}}}}}`, "es", 400, "unknown query [like]"},
		{"no query", domain, "/pics/_search", `{}`, "es", 400, "no query"},
		{"no JSON", domain, "/pics/_search", `{`, "es", 400, "must be an object"},
	} {
		status, answer := c.post(tt.host, tt.path, tt.body, signing{service: tt.service})
		raw, err := json.Marshal(answer)
		if err != nil || status != tt.status || !strings.Contains(string(raw), tt.words) {
			t.Errorf("%s: %d %s", tt.name, status, raw)
		}
	}
}

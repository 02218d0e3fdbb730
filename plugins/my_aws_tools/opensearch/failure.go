package opensearch

import (
	"cmp"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/aws/smithy-go"
	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/account"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/param"
)

// readFailure reads what an answer says about an error: OpenSearch itself writes an object with a type and a reason, and
// the gates before it a message.
func readFailure(header http.Header, content []byte) error {
	var said struct {
		Error    json.RawMessage `json:"error"`
		Message  string          `json:"message"`
		Capitals string          `json:"Message"`
	}
	_ = json.Unmarshal(content, &said) // what is no JSON says nothing
	code, _, _ := strings.Cut(header.Get("X-Amzn-Errortype"), ":")
	failed := &smithy.GenericAPIError{Code: code, Message: cmp.Or(said.Message, said.Capitals)}
	if failed.Code == "" {
		failed.Code = codeOf(failed.Message)
	}
	if len(said.Error) > 0 {
		failed.Code, failed.Message = cause(said.Error)
	}
	return failed
}

// cause is the type and the reason of the error behind all others.
func cause(raw json.RawMessage) (kind, reason string) {
	type single struct{ Type, Reason string }
	var whole struct {
		single
		Roots []single `json:"root_cause"`
	}
	if json.Unmarshal(raw, &whole) != nil {
		var text string
		_ = json.Unmarshal(raw, &text) // what is no text either says nothing
		return "", text
	}
	if len(whole.Roots) > 0 {
		return whole.Roots[0].Type, whole.Roots[0].Reason
	}
	return whole.Type, whole.Reason
}

// codeOf recognizes by its message an error that comes without a code.
func codeOf(message string) string {
	for words, code := range map[string]string{
		"security token included in the request is expired": "ExpiredTokenException",
		"security token included in the request is invalid": "UnrecognizedClientException",
		"signature we calculated does not match":            "InvalidSignatureException",
		"is not authorized to perform":                      "AccessDeniedException",
		"Too Many Requests":                                 "TooManyRequestsException",
	} {
		if strings.Contains(message, words) {
			return code
		}
	}
	return ""
}

// explain says what became of a search.
func (s searcher) explain(err error) error {
	return account.Error(err, account.Operation{
		Doing: "search the index " + param.Clip(s.index) + " at " + s.at.host, Service: "OpenSearch", Action: s.at.action(),
		Resource: s.at.resource(s.acct.Partition(), s.region), Region: s.region, Faults: faults(),
	})
}

// faults are the errors of a search.
func faults() map[string]account.Fault {
	table := map[string]account.Fault{
		"index_not_found_exception": {Kind: plugin.BadRequest, Text: "there is no such index: check index_name and opensearch_endpoint{said}"},
		"security_exception":        {Kind: plugin.Authorization, Text: "the access control of the domain does not allow it: map these credentials to a role of the domain that may read the index{said}"},
		"Forbidden": {
			Kind: plugin.Authorization,
			Text: "the collection does not allow it: its data access policy must grant these credentials aoss:ReadDocument on the index, its network policy must let the plugin in, and the credentials need {action} on {resource}{said}",
		},
		"cluster_block_exception": {Kind: plugin.Unavailable, Text: "the index is blocked: look at it in the console{said}"},
	}
	for _, busy := range []string{"es_rejected_execution_exception", "rejected_execution_exception", "circuit_breaking_exception"} {
		table[busy] = account.Fault{Kind: plugin.RateLimit, Text: "OpenSearch has more to do than it can: try again in a minute{said}"}
	}
	for _, refused := range []string{
		"parsing_exception", "x_content_parse_exception", "query_shard_exception", "search_phase_execution_exception", "illegal_argument_exception",
	} {
		table[refused] = account.Fault{Kind: plugin.BadRequest, Text: "OpenSearch does not accept the search: check embedding_field, vector_size, which must be that of the index, and filter_json{said}"}
	}
	return table
}

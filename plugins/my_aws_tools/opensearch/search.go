package opensearch

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/account"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/param"
)

const jsonType = "application/json"

// maxAnswer bounds the answer to a search in bytes: ten documents, with their vectors.
const maxAnswer = 32 << 20

// searchRequest is a k-NN query of OpenSearch.
type searchRequest struct {
	Size     int      `json:"size"`
	MinScore *float64 `json:"min_score,omitempty"`
	Query    struct {
		KNN map[string]nearest `json:"knn"`
	} `json:"query"`
}

// nearest asks for the documents whose vectors are nearest, and that pass a filter.
type nearest struct {
	Vector []json.Number   `json:"vector"`
	K      int             `json:"k"`
	Filter json.RawMessage `json:"filter,omitempty"`
}

// searcher sends searches of one call.
type searcher struct {
	acct   *account.Account
	at     endpoint
	index  string
	region string
	config aws.Config
}

func newSearcher(acct *account.Account, at endpoint, index string) searcher {
	return searcher{acct: acct, at: at, index: index, region: cmp.Or(at.region, acct.Region()), config: acct.Config(account.OpenSearch)}
}

// search sends a search, again where that may help: it changes nothing. The answer is JSON.
func (s searcher) search(ctx context.Context, request searchRequest) ([]byte, error) {
	body, err := param.Encode(request)
	if err != nil {
		return nil, plugin.Errorf(plugin.BadRequest, "the search %w", err)
	}
	retryer := s.config.Retryer()
	for attempt := 1; ; attempt++ {
		answer, err := s.once(ctx, body)
		if err == nil || attempt == account.Attempts || !worthRepeating(retryer, err) || !pause(ctx, retryer, attempt, err) {
			return answer, s.explain(err)
		}
	}
}

// worthRepeating reports whether a search may succeed when it is sent again.
func worthRepeating(retryer aws.Retryer, err error) bool {
	var answered *awshttp.ResponseError
	busy := errors.As(err, &answered) && answered.HTTPStatusCode() == http.StatusTooManyRequests
	return busy || retryer.IsErrorRetryable(err)
}

// pause waits before a search is sent again, and reports whether there is time for that.
func pause(ctx context.Context, retryer aws.Retryer, attempt int, cause error) bool {
	delay, err := retryer.RetryDelay(attempt, cause)
	if err != nil {
		return false
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// once sends a search.
func (s searcher) once(ctx context.Context, body []byte) ([]byte, error) {
	request, err := s.sign(ctx, body)
	if err != nil {
		return nil, err
	}
	client := http.Client{
		Transport: s.acct.Transport(),
		// To follow one would send a signed request to wherever the answer says.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	answer, err := client.Do(request)
	if err != nil {
		return nil, unsent(err)
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer+1))
	switch {
	case answer.StatusCode != http.StatusOK:
		return nil, answered(answer, readFailure(answer.Header, content))
	case err != nil:
		return nil, answered(answer, err)
	case len(content) > maxAnswer:
		return nil, plugin.Errorf(plugin.BadRequest, "the answer has more than %d bytes: store less in the documents", maxAnswer)
	}
	return content, nil
}

// unsent makes err an error that the SDK's rules for repeating know, unless the host was refused for good.
func unsent(err error) error {
	var refused *plugin.Error
	if errors.As(err, &refused) {
		return err
	}
	return &smithyhttp.RequestSendError{Err: err}
}

// answered makes err an error about an answer, in the form in which the SDK's clients have them.
func answered(answer *http.Response, err error) error {
	return &awshttp.ResponseError{
		RequestID:     cmp.Or(answer.Header.Get("X-Amzn-Requestid"), answer.Header.Get("X-Request-Id")),
		ResponseError: &smithyhttp.ResponseError{Response: &smithyhttp.Response{Response: answer}, Err: err},
	}
}

// sign makes a signed request.
func (s searcher) sign(ctx context.Context, body []byte) (*http.Request, error) {
	at := cmp.Or(s.acct.Endpoint(account.OpenSearch), s.at.url)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, at+"/"+url.PathEscape(s.index)+"/_search", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	keys, err := s.config.Credentials.Retrieve(ctx)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(body)
	hash := hex.EncodeToString(sum[:])
	r.Header.Set("Content-Type", jsonType)
	r.Header.Set("X-Amz-Content-Sha256", hash)
	r.ContentLength = 0 // left out of the signature, and sent all the same
	err = v4.NewSigner().SignHTTP(ctx, keys, r, hash, s.at.service, s.region, time.Now())
	r.ContentLength = int64(len(body))
	return r, err
}

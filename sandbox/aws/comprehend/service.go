// Package comprehend is a stand-in for Amazon Comprehend: the operation DetectDominantLanguage, which answers with the
// languages that a test has told it to find.
package comprehend

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"sync"

	"github.com/cloudplugins/difyplugin/sandbox/aws"
)

// maxText is the longest text in bytes of UTF-8, after DetectDominantLanguage in the reference of the Comprehend API.
const maxText = 100_000

// Language is a language that was found.
type Language struct {
	// Code is written as in RFC 5646, such as zh-TW.
	Code  string  `json:"LanguageCode"`
	Score float64 `json:"Score"`
}

// Service implements [aws.Service]. Its methods may be called from any goroutine.
type Service struct {
	mu    sync.Mutex
	found []Language
	texts []string
}

// New makes a service that finds these languages in every text.
func New(found ...Language) *Service { return &Service{found: found} }

// Find changes what is found from now on.
func (s *Service) Find(found ...Language) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.found = found
}

// Texts are those whose language was asked for so far.
func (s *Service) Texts() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.texts)
}

// Protocol implements [aws.Service].
func (s *Service) Protocol() aws.Protocol { return aws.JSON11 }

// Identify implements [aws.Service].
func (s *Service) Identify(r *aws.Request) (aws.Operation, *aws.Error) {
	if r.Header.Get("X-Amz-Target") != "Comprehend_20171127.DetectDominantLanguage" || r.Header.Get("Content-Type") != "application/x-amz-json-1.1" {
		return aws.Operation{}, &aws.Error{Status: http.StatusBadRequest, Code: "UnknownOperationException", Message: "There is no such operation."}
	}
	return r.Target()
}

// Serve implements [aws.Service].
func (s *Service) Serve(w http.ResponseWriter, r *aws.Request) *aws.Error {
	var in struct{ Text *string }
	if failed := r.JSON(&in); failed != nil {
		return failed
	}
	switch {
	case in.Text == nil || *in.Text == "":
		return &aws.Error{
			Status: http.StatusBadRequest, Code: "InvalidRequestException",
			Message: "1 validation error detected: Value at 'text' failed to satisfy constraint: Member must have length greater than or equal to 1",
		}
	case len(*in.Text) > maxText:
		return &aws.Error{
			Status: http.StatusBadRequest, Code: "TextSizeLimitExceededException",
			Message: "Input text size exceeds limit. Max length of request text allowed is " + strconv.Itoa(maxText) + " bytes while in this request the text size is " + strconv.Itoa(len(*in.Text)) + " bytes",
		}
	}
	s.mu.Lock()
	s.texts = append(s.texts, *in.Text)
	found := slices.Clone(s.found)
	s.mu.Unlock()
	body, err := json.Marshal(map[string]any{"Languages": append([]Language{}, found...)})
	if err != nil {
		return &aws.Error{Status: http.StatusInternalServerError, Code: "InternalServerException", Message: err.Error()}
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	_, _ = w.Write(body) // the client may have gone
	return nil
}

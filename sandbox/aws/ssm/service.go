package ssm

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/cloudplugins/difyplugin/sandbox/aws"
)

// maxPage is how many parameters DescribeParameters returns at once.
const maxPage = 50

// Service implements [aws.Service]. Its methods may be called from any goroutine.
type Service struct {
	now func() time.Time

	mu         sync.Mutex
	parameters map[key]Parameter
}

// Option changes how [New] makes a store.
type Option func(*Service)

// Clock sets the time by which parameters expire; the default is [time.Now].
func Clock(now func() time.Time) Option { return func(s *Service) { s.now = now } }

// New makes a store without parameters.
func New(opts ...Option) *Service {
	s := &Service{now: time.Now, parameters: map[key]Parameter{}}
	for _, opt := range opts {
		opt(s)
	}
	return s
}

// Set puts a parameter into the store as it is, without any check.
func (s *Service) Set(p Parameter) {
	p.Tier, p.Type, p.Version = cmp.Or(p.Tier, Standard), cmp.Or(p.Type, "String"), max(p.Version, 1)
	if p.Modified.IsZero() {
		p.Modified = s.now()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.parameters[p.key()] = p
}

// Parameters are all parameters of all accounts that have not expired, in the order of their names.
func (s *Service) Parameters() []Parameter {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire()
	return slices.SortedFunc(maps.Values(s.parameters), func(a, b Parameter) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Region, b.Region), cmp.Compare(a.AccountID, b.AccountID))
	})
}

// expire needs the lock.
func (s *Service) expire() {
	now := s.now()
	maps.DeleteFunc(s.parameters, func(_ key, p Parameter) bool { return !p.Expires.IsZero() && !now.Before(p.Expires) })
}

// Protocol implements [aws.Service].
func (s *Service) Protocol() aws.Protocol { return aws.JSON11 }

// Identify implements [aws.Service].
func (s *Service) Identify(r *aws.Request) (aws.Operation, *aws.Error) {
	op, failed := r.Target()
	if failed != nil {
		return op, failed
	}
	if !slices.Contains([]string{"PutParameter", "GetParameter", "DeleteParameter", "DescribeParameters"}, op.Name) ||
		!strings.HasPrefix(r.Header.Get("X-Amz-Target"), "AmazonSSM.") {
		return op, fail("UnknownOperationException", "There is no such operation.")
	}
	if kind := r.Header.Get("Content-Type"); kind != "application/x-amz-json-1.1" {
		return op, fail("SerializationException", "The content type is "+kind)
	}
	var named struct{ Name string }
	body, err := r.Bytes()
	if err == nil {
		err = json.Unmarshal(body, &named)
	}
	if err != nil {
		return op, fail("SerializationException", err.Error())
	}
	if op.Name != "DescribeParameters" { // which is for all of them
		op.Resource = arn(r.Region, r.AccountID, named.Name)
	}
	return op, nil
}

// Serve implements [aws.Service].
func (s *Service) Serve(w http.ResponseWriter, r *aws.Request) *aws.Error {
	s.mu.Lock()
	s.expire()
	s.mu.Unlock()
	switch r.Operation.Name {
	case "PutParameter":
		return s.put(w, r)
	case "GetParameter":
		return s.get(w, r)
	case "DeleteParameter":
		return s.remove(w, r)
	default:
		return s.describe(w, r)
	}
}

// putRequest is the body of PutParameter. What it may hold besides is not known here, and refused.
type putRequest struct {
	Name, Value, Type, Description, Tier, Policies string
	Overwrite                                      bool
}

// check follows the reference of PutParameter and returns the tier that the parameter gets.
func (in putRequest) check() (tier string, failed *aws.Error) {
	if in.Name == "" || in.Value == "" {
		return "", fail("ValidationException", "1 validation error detected: a value is null that must not be null")
	}
	if !checkName(in.Name) {
		return "", fail("ValidationException", "Parameter name: can't be prefixed with \"aws\" or \"ssm\" (case-insensitive) and must only contain letters, numbers and the symbols .-_ in a hierarchy of at most 15 levels.")
	}
	if !slices.Contains([]string{"String", "StringList", "SecureString"}, in.Type) {
		return "", fail("ValidationException", "1 validation error detected: Value '"+in.Type+"' at 'type' failed to satisfy constraint: Member must satisfy enum value set: [SecureString, StringList, String]")
	}
	if len(in.Description) > 1024 || len(in.Policies) > 4096 {
		return "", fail("ValidationException", "1 validation error detected: a value is too long")
	}
	switch tier = cmp.Or(in.Tier, Standard); {
	case tier == intelligent:
		tier = Standard
		if in.Policies != "" || len(in.Value) > maxStandard {
			tier = Advanced
		}
	case tier != Standard && tier != Advanced:
		return "", fail("ValidationException", "1 validation error detected: Value '"+tier+"' at 'tier' failed to satisfy constraint")
	case tier == Standard && in.Policies != "":
		return "", fail("ValidationException", "Parameter policies are supported for advanced parameters only.")
	}
	if most := map[string]int{Standard: maxStandard, Advanced: maxAdvanced}[tier]; len(in.Value) > most {
		return "", fail("ValidationException", fmt.Sprintf("%s tier parameters support a maximum parameter value of %d characters.", tier, most))
	}
	return tier, nil
}

func (s *Service) put(w http.ResponseWriter, r *aws.Request) *aws.Error {
	var in putRequest
	if failed := r.JSON(&in); failed != nil {
		return failed
	}
	tier, failed := in.check()
	if failed != nil {
		return failed
	}
	expires, code, message := readPolicies(in.Policies, s.now())
	if code != "" {
		return fail(code, message)
	}
	p := Parameter{
		AccountID: r.AccountID, Region: r.Region, Name: in.Name, Value: in.Value, Type: in.Type, Tier: tier, Policies: in.Policies,
		Expires: expires, Modified: s.now(), Version: 1,
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if old, exists := s.parameters[p.key()]; exists {
		if !in.Overwrite {
			return fail("ParameterAlreadyExists", "The parameter already exists. To overwrite this value, set the overwrite option in the request to true.")
		}
		p.Version = old.Version + 1
	}
	s.parameters[p.key()] = p
	answer(w, map[string]any{"Version": p.Version, "Tier": p.Tier})
	return nil
}

func (s *Service) get(w http.ResponseWriter, r *aws.Request) *aws.Error {
	var in struct {
		Name           string
		WithDecryption bool
	}
	if failed := r.JSON(&in); failed != nil {
		return failed
	}
	p, failed := s.find(r, in.Name)
	if failed != nil {
		return failed
	}
	value := p.Value
	if p.Type == "SecureString" && !in.WithDecryption {
		value = base64.StdEncoding.EncodeToString([]byte("encrypted with alias/aws/ssm"))
	}
	answer(w, map[string]any{"Parameter": map[string]any{
		"Name": p.Name, "Type": p.Type, "Value": value, "Version": p.Version, "LastModifiedDate": epoch(p.Modified),
		"ARN": arn(p.Region, p.AccountID, p.Name), "DataType": "text",
	}})
	return nil
}

func (s *Service) remove(w http.ResponseWriter, r *aws.Request) *aws.Error {
	var in struct{ Name string }
	if failed := r.JSON(&in); failed != nil {
		return failed
	}
	p, failed := s.find(r, in.Name)
	if failed != nil {
		return failed
	}
	s.mu.Lock()
	delete(s.parameters, p.key())
	s.mu.Unlock()
	answer(w, map[string]any{})
	return nil
}

func (s *Service) find(r *aws.Request, name string) (Parameter, *aws.Error) {
	if name == "" {
		return Parameter{}, fail("ValidationException", "1 validation error detected: Value null at 'name' failed to satisfy constraint: Member must not be null")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ok := s.parameters[key{r.AccountID, r.Region, name}]
	if !ok {
		return p, fail("ParameterNotFound", "")
	}
	return p, nil
}

// describeRequest is the body of DescribeParameters.
type describeRequest struct {
	ParameterFilters []struct {
		Key, Option string
		Values      []string
	}
	MaxResults *int
	NextToken  string
}

// describe knows the filter Path only, and tells no values.
func (s *Service) describe(w http.ResponseWriter, r *aws.Request) *aws.Error {
	var in describeRequest
	if failed := r.JSON(&in); failed != nil {
		return failed
	}
	most := maxPage
	if in.MaxResults != nil {
		most = *in.MaxResults
	}
	if most < 1 || most > maxPage {
		return fail("ValidationException", "1 validation error detected: Value at 'maxResults' failed to satisfy constraint")
	}
	path := ""
	for _, filter := range in.ParameterFilters {
		switch {
		case filter.Key != "Path" || len(filter.Values) != 1 || !strings.HasPrefix(filter.Values[0], "/"):
			return fail("InvalidFilterKey", "The specified key is not valid.")
		case filter.Option != "OneLevel":
			return fail("InvalidFilterOption", "The specified filter option isn't valid.")
		}
		path = strings.TrimSuffix(filter.Values[0], "/") + "/"
	}
	skip, err := strconv.Atoi(cmp.Or(in.NextToken, "0"))
	if err != nil {
		return fail("InvalidNextToken", "The specified token isn't valid.")
	}
	found := slices.DeleteFunc(s.Parameters(), func(p Parameter) bool {
		rest, below := strings.CutPrefix(p.Name, path)
		return p.AccountID != r.AccountID || p.Region != r.Region || !below || path != "" && strings.Contains(rest, "/")
	})
	shown := []any{}
	for _, p := range found[min(skip, len(found)):min(skip+most, len(found))] {
		shown = append(shown, described(p))
	}
	out := map[string]any{"Parameters": shown}
	if skip+most < len(found) {
		out["NextToken"] = strconv.Itoa(skip + most)
	}
	answer(w, out)
	return nil
}

func described(p Parameter) map[string]any {
	policies := []any{}
	if !p.Expires.IsZero() {
		policies = append(policies, map[string]string{
			"PolicyText":   `{"Type":"Expiration","Version":"1.0","Attributes":{"Timestamp":"` + p.Expires.UTC().Format(time.RFC3339) + `"}}`,
			"PolicyType":   "Expiration",
			"PolicyStatus": "Pending",
		})
	}
	return map[string]any{
		"Name": p.Name, "Type": p.Type, "Tier": p.Tier, "Version": p.Version, "DataType": "text", "Policies": policies,
		"LastModifiedDate": epoch(p.Modified), "ARN": arn(p.Region, p.AccountID, p.Name),
	}
}

// epoch is a time as the JSON protocols write it: seconds, with milliseconds behind the point.
func epoch(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

func answer(w http.ResponseWriter, value any) {
	body, err := json.Marshal(value)
	if err != nil {
		body = nil // texts, numbers and maps of them can always be written
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	_, _ = w.Write(body) // the client may have gone
}

func fail(code, message string) *aws.Error {
	return &aws.Error{Status: http.StatusBadRequest, Code: code, Message: message}
}

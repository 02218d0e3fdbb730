package agentcore

import (
	"cmp"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cloudplugins/difyplugin/sandbox/aws"
)

// The patterns of the API model.
var (
	memoryPattern    = regexp.MustCompile(`^(?:arn:(?:aws|aws-cn|aws-us-gov):bedrock-agentcore:([a-z0-9-]+):([0-9]{12}):memory/)?([a-zA-Z][a-zA-Z0-9-_]{0,99}-[a-zA-Z0-9]{10})$`)
	memoryName       = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9_]{0,47}$`)
	actorPattern     = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9-_/]*(?::[a-zA-Z0-9-_/]+)*[a-zA-Z0-9-_/]*$`)
	sessionPattern   = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9-_]*$`)
	templatePattern  = regexp.MustCompile(`^[a-zA-Z0-9\-_/]*(\{[a-zA-Z][a-zA-Z0-9]*\}[a-zA-Z0-9\-_/]*)*$`)
	namespacePattern = regexp.MustCompile(`^[a-zA-Z0-9/*][a-zA-Z0-9-_/*]*(?::[a-zA-Z0-9-_/*]+)*[a-zA-Z0-9-_/*]*$`)
)

// The limits of the API model.
const (
	maxActor     = 255
	maxSession   = 100
	maxText      = 100_000
	maxPayload   = 100
	maxPage      = 100
	defaultPage  = 20
	leastExpiry  = 3 // days
	mostExpiry   = 3650
	maxNamespace = 1024
)

// Memory is a memory resource.
type Memory struct {
	// Region and AccountID say where the memory is, ID which one it is: a name, a hyphen and ten letters or digits.
	Region, AccountID, ID string
	Name, Description     string
	// Status is ACTIVE for memories that are added.
	Status        string
	FailureReason string
	// ExpiryDays is how long events are kept.
	ExpiryDays int
	// Strategies are the memory strategies as they were asked for.
	Strategies []json.RawMessage
	Created    time.Time

	ready   time.Time // when CREATING ends
	tokens  map[string]string
	events  []MemoryEvent // in the order in which they came
	records []Record
}

// MemoryEvent is an event in a memory.
type MemoryEvent struct {
	ID                 string
	ActorID, SessionID string
	Timestamp          time.Time
	// Payload are the parts as they were sent: {"conversational": …}, {"blob": …} or {"json": …}.
	Payload []json.RawMessage
}

// AddMemory adds a memory. It is ACTIVE unless it says something else.
func (s *Service) AddMemory(m Memory) {
	m.Status, m.Created, m.ready = cmp.Or(m.Status, "ACTIVE"), time.Now(), time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.memories = append(s.memories, &m)
}

// Creation says how long new memories are CREATING, and with which reason their creation then fails; without one it
// succeeds. A negative time means for ever.
func (s *Service) Creation(takes time.Duration, failure string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.takes, s.failure = takes, failure
}

// Memories are all memories in the order of their creation.
func (s *Service) Memories() []Memory {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Memory
	for _, m := range s.memories {
		m.settle()
		all = append(all, *m)
	}
	return all
}

// Events are the events of a memory in the order in which they came.
func (s *Service) Events(memoryID string) []MemoryEvent {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.memories {
		if m.ID == memoryID {
			return slices.Clone(m.events)
		}
	}
	return nil
}

// AddEvent puts an event into a memory. Without an ID it gets one.
func (s *Service) AddEvent(memoryID string, e MemoryEvent) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.memories {
		if m.ID == memoryID {
			m.add(e)
		}
	}
}

// ListOldestFirst turns the order of ListEvents around, of which the API says nothing, and bounds its pages to so many
// events; 0 is no bound but the request's.
func (s *Service) ListOldestFirst(oldest bool, page int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.oldest, s.pageLimit = oldest, page
}

// RepeatPages makes every page of a list the first, with a token for the next that is always the same: a service that
// is out of order.
func (s *Service) RepeatPages() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stuck = true
}

// add needs the lock.
func (m *Memory) add(e MemoryEvent) MemoryEvent {
	if e.ID == "" {
		e.ID = fmt.Sprintf("%016d#%08x", e.Timestamp.UnixMilli(), len(m.events)+1)
	}
	m.events = append(m.events, e)
	return e
}

// settle ends the creation of a memory when its time has come. It needs the lock.
func (m *Memory) settle() {
	if m.Status != "CREATING" || m.ready.IsZero() || time.Now().Before(m.ready) {
		return
	}
	m.Status = "ACTIVE"
	if m.FailureReason != "" {
		m.Status = "FAILED"
	}
}

// onMemory is an operation on a memory that has to be there.
func (s *Service) onMemory(name, id string, serve func(http.ResponseWriter, *aws.Request, *Memory) *aws.Error) operation {
	return operation{name: name, resource: "memory/" + id[strings.LastIndexByte(id, '/')+1:], serve: func(w http.ResponseWriter, r *aws.Request) *aws.Error {
		parts := memoryPattern.FindStringSubmatch(id)
		if parts == nil || name == "GetMemory" && parts[1] != "" {
			return invalid("The value '%s' at 'memoryId' does not match the pattern of identifiers of memories.", id)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		i := slices.IndexFunc(s.memories, func(m *Memory) bool {
			return m.ID == parts[3] && m.Region == r.Region && m.AccountID == r.AccountID
		})
		if i < 0 || parts[1] != "" && (parts[1] != r.Region || parts[2] != r.AccountID) {
			return notFound("Memory not found: %s", id)
		}
		m := s.memories[i]
		m.settle()
		if name != "GetMemory" && m.Status != "ACTIVE" {
			return invalid("Memory %s is in status %s, and must be ACTIVE.", m.ID, m.Status)
		}
		return serve(w, r, m)
	}}
}

func (s *Service) createMemory(w http.ResponseWriter, r *aws.Request) *aws.Error {
	var in struct {
		ClientToken *string           `json:"clientToken"`
		Name        string            `json:"name"`
		Description *string           `json:"description"`
		Expiry      int               `json:"eventExpiryDuration"`
		Strategies  []json.RawMessage `json:"memoryStrategies"`
	}
	if failed := r.JSON(&in); failed != nil {
		return failed
	}
	switch {
	case !memoryName.MatchString(in.Name):
		return invalid("The value '%s' at 'name' does not match the pattern %s.", in.Name, memoryName)
	case in.Description != nil && *in.Description == "":
		return invalid("The value at 'description' must have at least 1 character.")
	case in.Expiry < leastExpiry || in.Expiry > mostExpiry:
		return invalid("The value %d at 'eventExpiryDuration' must be from %d to %d.", in.Expiry, leastExpiry, mostExpiry)
	}
	for _, strategy := range in.Strategies {
		if failed := checkStrategy(strategy); failed != nil {
			return failed
		}
	}
	if failed := checkToken(in.ClientToken, 0); failed != nil {
		return failed
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	m := &Memory{
		Region: r.Region, AccountID: r.AccountID, ID: in.Name + "-" + rand.Text()[:10], Name: in.Name, Status: "CREATING", ExpiryDays: in.Expiry,
		Strategies: in.Strategies, Created: time.Now(), FailureReason: s.failure,
	}
	if in.Description != nil {
		m.Description = *in.Description
	}
	for _, other := range s.memories {
		if in.ClientToken != nil && other.tokens["create"] == *in.ClientToken {
			answer(w, http.StatusAccepted, map[string]any{"memory": other.shown()})
			return nil
		}
		if other.Name == in.Name && other.Region == m.Region && other.AccountID == m.AccountID {
			return &aws.Error{Status: http.StatusConflict, Code: "ConflictException", Message: "A memory with the name " + in.Name + " exists already."}
		}
	}
	if in.ClientToken != nil {
		m.tokens = map[string]string{"create": *in.ClientToken}
	}
	if s.takes >= 0 {
		m.ready = m.Created.Add(s.takes)
	}
	s.memories = append(s.memories, m)
	answer(w, http.StatusAccepted, map[string]any{"memory": m.shown()})
	return nil
}

// checkStrategy demands one of the built-in strategies, with a name and at most one namespace.
func checkStrategy(raw json.RawMessage) *aws.Error {
	var union map[string]struct {
		Name       string   `json:"name"`
		Namespaces []string `json:"namespaces"`
		Templates  []string `json:"namespaceTemplates"`
	}
	if err := json.Unmarshal(raw, &union); err != nil || len(union) != 1 {
		return &aws.Error{Status: http.StatusBadRequest, Code: "SerializationException", Message: "A memory strategy must have exactly one member."}
	}
	for kind, strategy := range union {
		if !slices.Contains([]string{"semanticMemoryStrategy", "summaryMemoryStrategy", "userPreferenceMemoryStrategy"}, kind) {
			return invalid("The sandbox has no memory strategy %s.", kind)
		}
		if !memoryName.MatchString(strategy.Name) {
			return invalid("The value '%s' at 'name' does not match the pattern %s.", strategy.Name, memoryName)
		}
		for _, list := range [][]string{strategy.Namespaces, strategy.Templates} {
			if len(list) > 1 || len(list) == 1 && !templatePattern.MatchString(list[0]) {
				return invalid("The namespaces %q of the strategy %s are not right.", list, strategy.Name)
			}
		}
	}
	return nil
}

func (s *Service) getMemory(w http.ResponseWriter, r *aws.Request, m *Memory) *aws.Error {
	if view := r.URL.Query().Get("view"); view != "" && view != "full" && view != "without_decryption" {
		return invalid("The value '%s' at 'view' must be one of full, without_decryption.", view)
	}
	answer(w, http.StatusOK, map[string]any{"memory": m.shown()})
	return nil
}

// shown needs the lock.
func (m *Memory) shown() map[string]any {
	shown := map[string]any{
		"arn": arn(m.Region, m.AccountID, "memory/"+m.ID), "id": m.ID, "name": cmp.Or(m.Name, strings.Split(m.ID, "-")[0]), "status": m.Status,
		"eventExpiryDuration": cmp.Or(m.ExpiryDays, 90), "createdAt": epoch(m.Created), "updatedAt": epoch(m.Created), "strategies": []any{},
	}
	if m.Status == "FAILED" {
		shown["failureReason"] = m.FailureReason
	}
	return shown
}

func (s *Service) createEvent(w http.ResponseWriter, r *aws.Request, m *Memory) *aws.Error {
	var in struct {
		ActorID     string            `json:"actorId"`
		SessionID   string            `json:"sessionId"`
		Timestamp   *float64          `json:"eventTimestamp"`
		Payload     []json.RawMessage `json:"payload"`
		ClientToken *string           `json:"clientToken"`
	}
	if failed := r.JSON(&in); failed != nil {
		return failed
	}
	if failed := checkPlace(in.ActorID, in.SessionID); failed != nil {
		return failed
	}
	switch {
	case in.Timestamp == nil:
		return invalid("The value at 'eventTimestamp' must not be null.")
	case in.Payload == nil || len(in.Payload) > maxPayload:
		return invalid("The value at 'payload' must have at most %d parts.", maxPayload)
	}
	for _, part := range in.Payload {
		if failed := checkPart(part); failed != nil {
			return failed
		}
	}
	if failed := checkToken(in.ClientToken, 0); failed != nil {
		return failed
	}
	e := MemoryEvent{ActorID: in.ActorID, SessionID: in.SessionID, Timestamp: time.UnixMilli(int64(*in.Timestamp * 1000)), Payload: in.Payload}
	if id, ok := m.token(in.ClientToken); ok {
		e.ID = id // the event is there already
	} else {
		e = m.add(e)
		m.remember(in.ClientToken, e.ID)
	}
	answer(w, http.StatusCreated, map[string]any{"event": e.shown(m, true)})
	return nil
}

func (m *Memory) token(token *string) (string, bool) {
	if token == nil {
		return "", false
	}
	id, ok := m.tokens[*token]
	return id, ok
}

func (m *Memory) remember(token *string, id string) {
	if token == nil {
		return
	}
	if m.tokens == nil {
		m.tokens = map[string]string{}
	}
	m.tokens[*token] = id
}

func checkPlace(actor, session string) *aws.Error {
	switch {
	case len(actor) > maxActor || !actorPattern.MatchString(actor):
		return invalid("The value '%s' at 'actorId' does not match the pattern of actors.", actor)
	case len(session) > maxSession || !sessionPattern.MatchString(session):
		return invalid("The value '%s' at 'sessionId' does not match the pattern of sessions.", session)
	}
	return nil
}

// checkPart demands exactly one member, and of a conversational one a text and a role.
func checkPart(raw json.RawMessage) *aws.Error {
	var part struct {
		Conversational *struct {
			Content struct {
				Text *string `json:"text"`
			} `json:"content"`
			Role string `json:"role"`
		} `json:"conversational"`
		Blob json.RawMessage `json:"blob"`
		JSON json.RawMessage `json:"json"`
	}
	if err := json.Unmarshal(raw, &part); err != nil {
		return &aws.Error{Status: http.StatusBadRequest, Code: "SerializationException", Message: err.Error()}
	}
	if part.Conversational == nil {
		return nil
	}
	if !slices.Contains([]string{"USER", "ASSISTANT", "TOOL", "OTHER"}, part.Conversational.Role) {
		return invalid("The value '%s' at 'role' must be one of ASSISTANT, USER, TOOL, OTHER.", part.Conversational.Role)
	}
	if part.Conversational.Content.Text == nil {
		return invalid("The value at 'content' must not be empty.")
	}
	return checkLength("text", *part.Conversational.Content.Text, 1, maxText)
}

func (s *Service) listEvents(w http.ResponseWriter, r *aws.Request, m *Memory, actor, session string) *aws.Error {
	var in struct {
		IncludePayloads *bool   `json:"includePayloads"`
		MaxResults      *int    `json:"maxResults"`
		NextToken       *string `json:"nextToken"`
	}
	if failed := r.JSON(&in); failed != nil {
		return failed
	}
	if failed := checkPlace(actor, session); failed != nil {
		return failed
	}
	var found []MemoryEvent
	for _, e := range m.events {
		if e.ActorID == actor && e.SessionID == session {
			found = append(found, e)
		}
	}
	slices.SortStableFunc(found, func(a, b MemoryEvent) int { return a.Timestamp.Compare(b.Timestamp) })
	if !s.oldest {
		slices.Reverse(found)
	}
	from, to, next, failed := s.page(len(found), in.MaxResults, in.NextToken)
	if failed != nil {
		return failed
	}
	shown := []any{}
	for _, e := range found[from:to] {
		shown = append(shown, e.shown(m, in.IncludePayloads != nil && *in.IncludePayloads))
	}
	out := map[string]any{"events": shown}
	if next != "" {
		out["nextToken"] = next
	}
	answer(w, http.StatusOK, out)
	return nil
}

func (e MemoryEvent) shown(m *Memory, payload bool) map[string]any {
	shown := map[string]any{
		"memoryId": m.ID, "actorId": e.ActorID, "sessionId": e.SessionID, "eventId": e.ID, "eventTimestamp": epoch(e.Timestamp), "payload": []any{},
	}
	if payload {
		shown["payload"] = e.Payload
	}
	return shown
}

// page is the part of a list that a request asks for, and the token for the next. It needs the lock.
func (s *Service) page(total int, size *int, token *string) (from, to int, next string, failed *aws.Error) {
	length := defaultPage
	if size != nil {
		length = *size
	}
	if length < 1 || length > maxPage {
		return 0, 0, "", invalid("The value %d at 'maxResults' must be from 1 to %d.", length, maxPage)
	}
	if s.pageLimit > 0 {
		length = min(length, s.pageLimit)
	}
	if s.stuck {
		return 0, min(length, total), "again", nil
	}
	if token != nil {
		raw, err := base64.StdEncoding.DecodeString(*token)
		if err == nil {
			from, err = strconv.Atoi(strings.TrimPrefix(string(raw), "from "))
		}
		if err != nil || from < 0 || from > total {
			return 0, 0, "", invalid("The value at 'nextToken' is not a token of this list.")
		}
	}
	to = min(from+length, total)
	if to < total {
		next = base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "from %d", to))
	}
	return from, to, next, nil
}

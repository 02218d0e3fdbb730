package browser

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cloudplugins/difyplugin/sandbox/aws"
	"github.com/coder/websocket"
)

// Managed is the browser that every account has.
const Managed = "aws.browser.v1"

// The limits of StartBrowserSession.
const (
	maxTimeout     = 28_800 // seconds
	defaultTimeout = 3_600
	maxName        = 100
)

// Stream is the name of the operation of a WebSocket handshake, and of the permission that it needs.
const Stream = "ConnectBrowserAutomationStream"

// Service implements [aws.Service] for the paths /browsers and /browser-streams. Its methods may be called from any
// goroutine.
type Service struct {
	chromium *Chromium

	mu       sync.Mutex
	browsers map[key]bool // those that accounts have made, without ID
	sessions map[key]*session
	tokens   map[string]*session // by account and client token
	changed  chan struct{}       // closed, and replaced, when anything changes
	streams  sync.WaitGroup
	// refused is what the next handshakes are answered with.
	refused []int
	// handshakes are the header names of the handshakes so far.
	handshakes []http.Header
}

// New makes a service without sessions. Without a Chromium, which may be nil, streams cannot be opened.
func New(chromium *Chromium) *Service {
	return &Service{
		chromium: chromium, browsers: map[key]bool{}, sessions: map[key]*session{}, tokens: map[string]*session{}, changed: make(chan struct{}),
	}
}

// Close ends all sessions and waits for their streams.
func (s *Service) Close() {
	s.mu.Lock()
	for _, one := range s.sessions {
		s.terminate(one)
	}
	s.mu.Unlock()
	s.streams.Wait()
}

// AddBrowser gives an account a browser of its own.
func (s *Service) AddBrowser(account, region, identifier string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.browsers[key{account: account, region: region, browser: identifier}] = true
}

// Start starts a session, as StartBrowserSession does.
func (s *Service) Start(account, region, browser, name string, timeout time.Duration) Session {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.start(account, region, browser, name, timeout).Session
}

// Sessions are all sessions so far, the latest last.
func (s *Service) Sessions() []Session {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Session
	for _, one := range s.sessions {
		all = append(all, one.Session)
	}
	slices.SortFunc(all, func(a, b Session) int { return a.Created.Compare(b.Created) })
	return all
}

// Drop cuts the streams of all sessions, which go on and can be connected to again.
func (s *Service) Drop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range s.sessions {
		one.drop()
		one.dropped, one.drop = context.WithCancel(one.ended)
	}
}

// Refuse answers the next handshakes with these statuses.
func (s *Service) Refuse(statuses ...int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refused = append(s.refused, statuses...)
}

// Handshakes are the headers of the handshakes that were let in. Values that are secret are missing.
func (s *Service) Handshakes() []http.Header {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.handshakes)
}

// Await waits until the sessions are as a test expects them, or the context ends. It reports whether they are.
func (s *Service) Await(ctx context.Context, expected func([]Session) bool) bool {
	for {
		s.mu.Lock()
		changed := s.changed
		s.mu.Unlock()
		if expected(s.Sessions()) {
			return true
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return false
		}
	}
}

// change needs the lock.
func (s *Service) change() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// start needs the lock.
func (s *Service) start(account, region, browser, name string, timeout time.Duration) *session {
	one := &session{
		Session: Session{
			AccountID: account, Region: region, Browser: browser, ID: rand.Text(), Name: name, Created: time.Now(), Timeout: timeout, Running: true,
		},
		turn: make(chan struct{}, 1),
	}
	one.turn <- struct{}{}
	one.ended, one.end = context.WithCancel(context.Background())
	one.dropped, one.drop = context.WithCancel(one.ended)
	one.expires = time.AfterFunc(timeout, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.terminate(one)
	})
	s.sessions[key{account, region, browser, one.ID}] = one
	s.change()
	return one
}

// terminate needs the lock.
func (s *Service) terminate(one *session) {
	if !one.Running {
		return
	}
	one.Running = false
	one.expires.Stop()
	one.end()
	s.change()
	if one.opened == nil {
		return
	}
	w := *one.opened
	s.streams.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
		defer cancel()
		_ = s.chromium.shut(ctx, w) // Chromium may have been killed
	})
}

// Protocol implements [aws.Service].
func (s *Service) Protocol() aws.Protocol { return aws.RestJSON }

var (
	sessionsPath = regexp.MustCompile(`^/browsers/([^/]+)/sessions/(start|stop|get)$`)
	streamPath   = regexp.MustCompile(`^/browser-streams/([^/]+)/sessions/([^/]+)/automation$`)
)

// Identify implements [aws.Service].
func (s *Service) Identify(r *aws.Request) (aws.Operation, *aws.Error) {
	if found := streamPath.FindStringSubmatch(r.URL.Path); found != nil {
		if r.Method != http.MethodGet || !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
			return aws.Operation{}, fail(http.StatusBadRequest, "ValidationException", "The request is not a WebSocket upgrade")
		}
		return aws.Operation{Name: Stream, Resource: arn(r, found[1])}, nil
	}
	found := sessionsPath.FindStringSubmatch(r.URL.Path)
	methods := map[string]string{"start": http.MethodPut, "stop": http.MethodPut, "get": http.MethodGet}
	if found == nil || methods[found[2]] != r.Method {
		return aws.Operation{}, fail(http.StatusNotFound, "UnknownOperationException", "There is no such operation")
	}
	name := strings.ToUpper(found[2][:1]) + found[2][1:] + "BrowserSession"
	return aws.Operation{Name: name, Resource: arn(r, found[1])}, nil
}

func arn(r *aws.Request, browser string) string {
	partition, owner, kind := "aws", r.AccountID, "browser-custom"
	if strings.HasPrefix(r.Region, "cn-") {
		partition = "aws-cn"
	}
	if browser == Managed {
		owner, kind = "aws", "browser"
	}
	return fmt.Sprintf("arn:%s:bedrock-agentcore:%s:%s:%s/%s", partition, r.Region, owner, kind, browser)
}

// Serve implements [aws.Service].
func (s *Service) Serve(w http.ResponseWriter, r *aws.Request) *aws.Error {
	if r.Operation.Name == Stream {
		found := streamPath.FindStringSubmatch(r.URL.Path)
		return s.connect(w, r, key{r.AccountID, r.Region, found[1], found[2]})
	}
	browser := sessionsPath.FindStringSubmatch(r.URL.Path)[1]
	s.mu.Lock()
	exists := browser == Managed || s.browsers[key{account: r.AccountID, region: r.Region, browser: browser}]
	s.mu.Unlock()
	if !exists {
		return fail(http.StatusNotFound, "ResourceNotFoundException", "Browser not found: "+browser)
	}
	if r.Operation.Name == "StartBrowserSession" {
		return s.serveStart(w, r, browser)
	}
	return s.serveKnown(w, r, browser)
}

// startRequest is the body of StartBrowserSession, as far as it is known here.
type startRequest struct {
	Name    *string `json:"name"`
	Timeout *int    `json:"sessionTimeoutSeconds"`
	Token   *string `json:"clientToken"`
}

var tokenPattern = regexp.MustCompile(`^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,256}$`)

func (in startRequest) check() *aws.Error {
	switch {
	case in.Name != nil && (len(*in.Name) < 1 || len(*in.Name) > maxName):
		return fail(http.StatusBadRequest, "ValidationException", "Value at 'name' failed to satisfy constraint: Member must have length between 1 and 100")
	case in.Timeout != nil && (*in.Timeout < 1 || *in.Timeout > maxTimeout):
		return fail(http.StatusBadRequest, "ValidationException", "Value at 'sessionTimeoutSeconds' failed to satisfy constraint: Member must be between 1 and 28800")
	}
	return checkToken(in.Token)
}

func checkToken(token *string) *aws.Error {
	if token != nil && (len(*token) < 33 || len(*token) > 256 || !tokenPattern.MatchString(*token)) {
		return fail(http.StatusBadRequest, "ValidationException", "Value at 'clientToken' failed to satisfy constraint")
	}
	return nil
}

func (s *Service) serveStart(w http.ResponseWriter, r *aws.Request, browser string) *aws.Error {
	if failed := checkType(r); failed != nil {
		return failed
	}
	var in startRequest
	failed := r.JSON(&in)
	if failed == nil {
		failed = in.check()
	}
	if failed != nil {
		return failed
	}
	timeout, name, token := defaultTimeout, "", ""
	if in.Timeout != nil {
		timeout = *in.Timeout
	}
	if in.Name != nil {
		name = *in.Name
	}
	if in.Token != nil {
		token = r.AccountID + " " + *in.Token
	}
	s.mu.Lock()
	one := s.tokens[token]
	if one == nil {
		one = s.start(r.AccountID, r.Region, browser, name, time.Duration(timeout)*time.Second)
		if token != "" {
			s.tokens[token] = one
		}
	}
	shown := one.document()
	s.mu.Unlock()
	answer(w, map[string]any{"browserIdentifier": browser, "sessionId": shown["sessionId"], "createdAt": shown["createdAt"], "streams": shown["streams"]})
	return nil
}

// serveKnown stops or shows a session.
func (s *Service) serveKnown(w http.ResponseWriter, r *aws.Request, browser string) *aws.Error {
	id := r.URL.Query().Get("sessionId")
	if !regexp.MustCompile(`^[0-9a-zA-Z]{1,40}$`).MatchString(id) {
		return fail(http.StatusBadRequest, "ValidationException", "Value at 'sessionId' failed to satisfy constraint: Member must satisfy regular expression pattern: [0-9a-zA-Z]{1,40}")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	one := s.sessions[key{r.AccountID, r.Region, browser, id}]
	if one == nil || r.Operation.Name == "StopBrowserSession" && !one.Running {
		return fail(http.StatusNotFound, "ResourceNotFoundException", "Session not found: "+id)
	}
	if r.Operation.Name == "GetBrowserSession" {
		answer(w, one.document())
		return nil
	}
	var in startRequest
	if body, err := r.Bytes(); err == nil && len(body) > 0 {
		if failed := checkType(r); failed != nil {
			return failed
		}
		if json.Unmarshal(body, &in) != nil || in.Name != nil || in.Timeout != nil {
			return fail(http.StatusBadRequest, "SerializationException", "The body cannot be read")
		}
	}
	if failed := checkToken(in.Token); failed != nil {
		return failed
	}
	s.terminate(one)
	answer(w, map[string]any{"browserIdentifier": browser, "sessionId": id, "lastUpdatedAt": stamp(time.Now())})
	return nil
}

func checkType(r *aws.Request) *aws.Error {
	if kind := r.Header.Get("Content-Type"); kind != "application/json" {
		return fail(http.StatusUnsupportedMediaType, "SerializationException", "The content type is "+kind)
	}
	return nil
}

// connect joins a client with Chromium until either goes.
func (s *Service) connect(w http.ResponseWriter, r *aws.Request, at key) *aws.Error {
	one, ended, failed := s.enter(r, at)
	if failed != nil {
		return failed
	}
	defer s.leave(one)
	shown, err := s.window(one)
	if err != nil {
		return fail(http.StatusInternalServerError, "InternalServerException", err.Error())
	}
	chromium, err := s.chromium.dial(ended)
	if err != nil {
		return fail(http.StatusInternalServerError, "InternalServerException", err.Error())
	}
	client, err := websocket.Accept(w, r.Request, &websocket.AcceptOptions{CompressionMode: websocket.CompressionContextTakeover})
	if err != nil {
		_ = chromium.CloseNow() // nobody has used it
		return nil              // Accept has answered
	}
	client.SetReadLimit(maxMessage)
	joined := &stream{window: shown, client: client, chromium: chromium, lists: map[int64]bool{}, known: map[string]bool{}}
	joined.run(ended)
	return nil
}

// enter counts a client that may connect.
func (s *Service) enter(r *aws.Request, at key) (*session, context.Context, *aws.Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := r.Header.Clone()
	for _, secret := range []string{"Authorization", "X-Amz-Security-Token"} {
		if seen.Get(secret) != "" {
			seen.Set(secret, "present")
		}
	}
	s.handshakes = append(s.handshakes, seen)
	if len(s.refused) > 0 {
		status := s.refused[0]
		s.refused = s.refused[1:]
		return nil, nil, fail(status, http.StatusText(status), "The stream is not available")
	}
	one := s.sessions[at]
	switch {
	case one == nil || !one.Running:
		return nil, nil, fail(http.StatusNotFound, "ResourceNotFoundException", "Session not found: "+at.id)
	case s.chromium == nil:
		return nil, nil, fail(http.StatusInternalServerError, "InternalServerException", "There is no browser behind this session")
	}
	s.streams.Add(1)
	one.Streams++
	s.change()
	return one, one.dropped, nil
}

func (s *Service) leave(one *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	one.Streams--
	s.change()
	s.streams.Done()
}

// window opens the window of a session when its first client comes.
func (s *Service) window(one *session) (window, error) {
	select {
	case <-one.turn:
		defer func() { one.turn <- struct{}{} }()
	case <-one.ended.Done():
		return window{}, one.ended.Err()
	}
	s.mu.Lock()
	opened := one.opened
	s.mu.Unlock()
	if opened != nil {
		return *opened, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	made, err := s.chromium.open(ctx)
	if err != nil {
		return made, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	one.opened = &made
	return made, nil
}

func answer(w http.ResponseWriter, value any) {
	body, err := json.Marshal(value)
	if err != nil {
		body = nil // texts, numbers and maps of them can always be written
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(body) // the client may have gone
}

func fail(status int, code, message string) *aws.Error {
	return &aws.Error{Status: status, Code: code, Message: message}
}

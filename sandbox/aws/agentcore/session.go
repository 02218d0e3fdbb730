package agentcore

import (
	"context"
	"crypto/rand"
	"net/http"
	"regexp"
	"slices"
	"sync"
	"time"

	"github.com/cloudplugins/difyplugin/sandbox/aws"
)

// builtIn is the code interpreter that every account has.
const builtIn = "aws.codeinterpreter.v1"

var (
	interpreterPattern = regexp.MustCompile(`^(aws\.codeinterpreter\.v1|[a-zA-Z][a-zA-Z0-9_]{0,47}-[a-zA-Z0-9]{10})$`)
	codeSession        = regexp.MustCompile(`^[0-9a-zA-Z]{1,40}$`)
)

// Session is a session of a code interpreter.
type Session struct {
	Region, AccountID string
	// Interpreter is the identifier of the code interpreter.
	Interpreter, ID, Name string
	// Timeout is when the session ends by itself after Started.
	Timeout time.Duration
	Started time.Time
	// Stopped says that it was stopped.
	Stopped bool

	token string
	mu    sync.Mutex
	files map[string][]byte
}

// Files are the files of a session by their paths.
func (s *Session) Files() map[string][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := map[string][]byte{}
	for path, content := range s.files {
		all[path] = slices.Clone(content)
	}
	return all
}

// Put writes a file of a session, as a program in it may do.
func (s *Session) Put(path string, content []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files[path] = content
}

func (s *Session) read(path string) ([]byte, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	content, ok := s.files[path]
	return content, ok
}

// ended reports whether nothing can be run in the session any more.
func (s *Session) ended() bool { return s.Stopped || time.Since(s.Started) >= s.Timeout }

// Program is what runs in place of code and commands. What it returns is sent event by event. ctx ends when the client
// goes away.
type Program func(ctx context.Context, in Invocation) []Event

// Invocation is one request to run something.
type Invocation struct {
	Session *Session
	// Tool is executeCode, executeCommand, writeFiles or readFiles. The last two are not given to programs.
	Tool                    string
	Code, Language, Command string
	Paths                   []string
}

// Program sets what runs in place of code and commands. The default is [Echo].
func (s *Service) Program(run Program) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.program = run
}

// AddInterpreter adds a code interpreter of an account's own.
func (s *Service) AddInterpreter(region, accountID, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.customs[region+" "+accountID+" "+id] = true
}

// Sessions are all sessions so far, in the order in which they were started.
func (s *Service) Sessions() []*Session {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.sessions)
}

// Running reports how many sessions have not ended.
func (s *Service) Running() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, session := range s.sessions {
		if !session.ended() {
			n++
		}
	}
	return n
}

// Invocations are all requests to run something that were performed, in order.
func (s *Service) Invocations() []Invocation {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.invoked)
}

// onInterpreter is an operation on a code interpreter that has to be there.
func (s *Service) onInterpreter(name, id string, serve func(http.ResponseWriter, *aws.Request, string) *aws.Error) operation {
	return operation{name: name, resource: "code-interpreter/" + id, serve: func(w http.ResponseWriter, r *aws.Request) *aws.Error {
		if !interpreterPattern.MatchString(id) {
			return invalid("The value '%s' at 'codeInterpreterIdentifier' does not match the pattern of code interpreters.", id)
		}
		s.mu.Lock()
		known := id == builtIn || s.customs[r.Region+" "+r.AccountID+" "+id]
		s.mu.Unlock()
		if !known {
			return notFound("Code interpreter %s was not found.", id)
		}
		return serve(w, r, id)
	}}
}

func (s *Service) startSession(w http.ResponseWriter, r *aws.Request, interpreter string) *aws.Error {
	var in struct {
		Name        *string `json:"name"`
		Timeout     *int    `json:"sessionTimeoutSeconds"`
		ClientToken *string `json:"clientToken"`
	}
	if failed := r.JSON(&in); failed != nil {
		return failed
	}
	session := &Session{
		Region: r.Region, AccountID: r.AccountID, Interpreter: interpreter, ID: rand.Text(), Timeout: 900 * time.Second, Started: time.Now(),
		files: map[string][]byte{},
	}
	if in.Name != nil {
		if failed := checkLength("name", *in.Name, 1, 100); failed != nil {
			return failed
		}
		session.Name = *in.Name
	}
	if in.Timeout != nil {
		if *in.Timeout < 1 || *in.Timeout > 28800 {
			return invalid("The value %d at 'sessionTimeoutSeconds' must be from 1 to 28800.", *in.Timeout)
		}
		session.Timeout = time.Duration(*in.Timeout) * time.Second
	}
	if failed := checkToken(in.ClientToken, 33); failed != nil {
		return failed
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if in.ClientToken != nil {
		session.token = *in.ClientToken
	}
	if i := slices.IndexFunc(s.sessions, func(other *Session) bool { return session.token != "" && other.token == session.token }); i >= 0 {
		session = s.sessions[i]
	} else {
		s.sessions = append(s.sessions, session)
	}
	answer(w, http.StatusOK, map[string]any{"codeInterpreterIdentifier": interpreter, "sessionId": session.ID, "createdAt": iso(session.Started)})
	return nil
}

// session finds a session that has not ended.
func (s *Service) session(r *aws.Request, interpreter, id string) (*Session, *aws.Error) {
	if !codeSession.MatchString(id) {
		return nil, invalid("The value '%s' at 'sessionId' does not match the pattern %s.", id, codeSession)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, session := range s.sessions {
		if session.ID == id && session.Interpreter == interpreter && session.Region == r.Region && session.AccountID == r.AccountID && !session.ended() {
			return session, nil
		}
	}
	return nil, notFound("Code interpreter session %s was not found, or has ended.", id)
}

func (s *Service) stopSession(w http.ResponseWriter, r *aws.Request, interpreter string) *aws.Error {
	var in struct {
		ClientToken *string `json:"clientToken"`
	}
	if failed := r.JSON(&in); failed != nil {
		return failed
	}
	if failed := checkToken(in.ClientToken, 33); failed != nil {
		return failed
	}
	session, failed := s.session(r, interpreter, r.URL.Query().Get("sessionId"))
	if failed != nil {
		return failed
	}
	s.mu.Lock()
	session.Stopped = true
	s.mu.Unlock()
	answer(w, http.StatusOK, map[string]any{"codeInterpreterIdentifier": interpreter, "sessionId": session.ID, "lastUpdatedAt": iso(time.Now())})
	return nil
}

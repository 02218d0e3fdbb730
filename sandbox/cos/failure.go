package cos

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
)

// failure is an error answer of the service.
type failure struct {
	status  int
	code    string
	message string
	// details are further elements of the error document.
	details []parameter
	header  map[string]string
}

// Error implements error, for failures inside the store.
func (f *failure) Error() string { return f.code + ": " + f.message }

func accessDenied(message string) *failure {
	return &failure{status: http.StatusForbidden, code: "AccessDenied", message: message}
}

func invalidArgument(message string) *failure {
	return &failure{status: http.StatusBadRequest, code: "InvalidArgument", message: message}
}

func noSuchBucket() *failure {
	return &failure{status: http.StatusNotFound, code: "NoSuchBucket", message: "The specified bucket does not exist."}
}

func noSuchKey() *failure {
	return &failure{status: http.StatusNotFound, code: "NoSuchKey", message: "The specified key does not exist."}
}

func methodNotAllowed() *failure {
	return &failure{
		status: http.StatusMethodNotAllowed, code: "MethodNotAllowed",
		message: "The specified method is not allowed against this resource.",
	}
}

func internalError() *failure {
	return &failure{
		status: http.StatusInternalServerError, code: "InternalError",
		message: "We encountered an internal error. Please try again.",
	}
}

// traceID is what every error carries; the real one says where in the service
// the error arose, which is nothing that a client could use.
const traceID = "OGVmYzZiMmQzYjA2OWNhODk0NTRkMTBiOWVmMDAxODc0OWRkZjk0ZDM1NmI1M2E2MTRlY2MzZDhmNmI5MWI1OQ=="

// requestID makes an identifier of the form that the service uses.
func (s *Store) requestID() string {
	return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%x_%08x_%x", s.now().Unix(), 0x0b4d9e2a, s.requests.Add(1)))
}

// fail answers with an error document, without one for HEAD.
func (f *failure) fail(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	for name, value := range f.header {
		header.Set(name, value)
	}
	header.Set("x-cos-trace-id", traceID)
	if f.status == http.StatusNotModified {
		w.WriteHeader(f.status)
		return
	}
	header.Set("Content-Type", "application/xml")
	if r.Method == http.MethodHead {
		w.WriteHeader(f.status)
		return
	}
	d := newDocument("Error")
	d.text("Code", f.code)
	d.text("Message", f.message)
	for _, detail := range f.details {
		d.text(detail.name, legible(detail.value))
	}
	d.text("Resource", legible(resource(r)))
	d.text("RequestId", header.Get("x-cos-request-id"))
	d.text("TraceId", traceID)
	sendDocument(w, f.status, d.finish())
}

// resource names what was asked for.
func resource(r *http.Request) string { return r.Host + strings.TrimSuffix(r.URL.Path, "/") }

// legible replaces the characters that XML cannot hold. Lists write them as
// they are, but an error must stay readable whatever was asked for.
func legible(text string) string {
	return strings.Map(func(c rune) rune {
		if c < ' ' && !strings.ContainsRune("\t\n\r", c) {
			return '?'
		}
		return c
	}, text)
}

func sendDocument(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/xml")
	w.Header().Set("Content-Length", fmt.Sprint(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client may have gone
}

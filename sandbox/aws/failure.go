package aws

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"net/http"
	"strings"
)

// Error is an error answer of a service.
type Error struct {
	Status  int
	Code    string
	Message string
	// Header are further headers of the answer.
	Header map[string]string
	// Details are further elements of the error, in order, as name and text: BucketName, Region, Key and the like.
	Details [][2]string
}

// Error implements error.
func (e *Error) Error() string { return e.Code + ": " + e.Message }

// asError is err as an answer; an error of the connection becomes one that nobody reads.
func asError(err error) *Error {
	var known *Error
	if errors.As(err, &known) {
		return known
	}
	return &Error{Status: http.StatusBadRequest, Code: "IncompleteBody", Message: "The body ended early: " + err.Error()}
}

// cause is a reason for which a request is refused whatever the service; each protocol has words of its own for it.
type cause int

const (
	unsigned cause = iota
	malformed
	unknownKey
	badSignature
	badToken
	expiredToken
	skewedClock
	wrongScope
	denied
	throttled
	internalFailure
	unavailable
	unknownService
)

// refusal is an error about a cause, in the words of the protocol.
func refusal(protocol Protocol, why cause, message string) *Error {
	said := wording(protocol)[why]
	if message == "" {
		message = said.Message
	}
	return &Error{Status: said.Status, Code: said.Code, Message: message}
}

func wording(protocol Protocol) map[cause]Error {
	switch protocol {
	case RestXML:
		return map[cause]Error{
			unsigned:        {Status: 403, Code: "AccessDenied", Message: "Access Denied"},
			malformed:       {Status: 400, Code: "AuthorizationHeaderMalformed", Message: "The authorization header is malformed."},
			unknownKey:      {Status: 403, Code: "InvalidAccessKeyId", Message: "The AWS Access Key Id you provided does not exist in our records."},
			badSignature:    {Status: 403, Code: "SignatureDoesNotMatch", Message: "The request signature we calculated does not match the signature you provided. Check your key and signing method."},
			badToken:        {Status: 400, Code: "InvalidToken", Message: "The provided token is malformed or otherwise invalid."},
			expiredToken:    {Status: 400, Code: "ExpiredToken", Message: "The provided token has expired."},
			skewedClock:     {Status: 403, Code: "RequestTimeTooSkewed", Message: "The difference between the request time and the current time is too large."},
			wrongScope:      {Status: 400, Code: "AuthorizationHeaderMalformed", Message: "The authorization header is malformed."},
			denied:          {Status: 403, Code: "AccessDenied", Message: "Access Denied"},
			throttled:       {Status: 503, Code: "SlowDown", Message: "Please reduce your request rate."},
			internalFailure: {Status: 500, Code: "InternalError", Message: "We encountered an internal error. Please try again."},
			unavailable:     {Status: 503, Code: "ServiceUnavailable", Message: "Service is unable to handle request."},
			unknownService:  {Status: 404, Code: "NoSuchBucket", Message: "The specified bucket does not exist"},
		}
	case Query:
		return map[cause]Error{
			unsigned:        {Status: 403, Code: "MissingAuthenticationToken", Message: "Request is missing Authentication Token"},
			malformed:       {Status: 400, Code: "IncompleteSignature", Message: "The request signature does not conform to AWS standards."},
			unknownKey:      {Status: 403, Code: "InvalidClientTokenId", Message: "The security token included in the request is invalid."},
			badSignature:    {Status: 403, Code: "SignatureDoesNotMatch", Message: "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."},
			badToken:        {Status: 403, Code: "InvalidClientTokenId", Message: "The security token included in the request is invalid."},
			expiredToken:    {Status: 403, Code: "ExpiredToken", Message: "The security token included in the request is expired"},
			skewedClock:     {Status: 403, Code: "SignatureDoesNotMatch", Message: "Signature expired: it is now earlier than the time of the service."},
			wrongScope:      {Status: 403, Code: "SignatureDoesNotMatch", Message: "Credential should be scoped to a valid region."},
			denied:          {Status: 403, Code: "AccessDenied", Message: "Access denied"},
			throttled:       {Status: 400, Code: "Throttling", Message: "Rate exceeded"},
			internalFailure: {Status: 500, Code: "InternalFailure", Message: "An internal error occurred."},
			unavailable:     {Status: 503, Code: "ServiceUnavailable", Message: "The service is not available."},
			unknownService:  {Status: 404, Code: "UnknownEndpoint", Message: "There is no such service here."},
		}
	default:
		return jsonWording(protocol)
	}
}

// jsonWording are the words of the JSON protocols, which differ in the status only.
func jsonWording(protocol Protocol) map[cause]Error {
	status := http.StatusBadRequest
	if protocol == RestJSON {
		status = http.StatusForbidden
	}
	throttling := map[Protocol]string{JSON10: "ThrottlingException", JSON11: "ThrottlingException", RestJSON: "TooManyRequestsException"}
	tooMany := map[Protocol]int{JSON10: 400, JSON11: 400, RestJSON: 429}
	return map[cause]Error{
		unsigned:        {Status: status, Code: "MissingAuthenticationTokenException", Message: "Missing Authentication Token"},
		malformed:       {Status: status, Code: "IncompleteSignatureException", Message: "The request signature does not conform to AWS standards."},
		unknownKey:      {Status: status, Code: "UnrecognizedClientException", Message: "The security token included in the request is invalid."},
		badSignature:    {Status: status, Code: "InvalidSignatureException", Message: "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method."},
		badToken:        {Status: status, Code: "UnrecognizedClientException", Message: "The security token included in the request is invalid."},
		expiredToken:    {Status: status, Code: "ExpiredTokenException", Message: "The security token included in the request is expired"},
		skewedClock:     {Status: status, Code: "InvalidSignatureException", Message: "Signature expired: it is now earlier than the time of the service."},
		wrongScope:      {Status: status, Code: "InvalidSignatureException", Message: "Credential should be scoped to a valid region."},
		denied:          {Status: status, Code: "AccessDeniedException", Message: "Access denied"},
		throttled:       {Status: tooMany[protocol], Code: throttling[protocol], Message: "Rate exceeded"},
		internalFailure: {Status: 500, Code: "InternalServerError", Message: "An internal error occurred."},
		unavailable:     {Status: 503, Code: "ServiceUnavailableException", Message: "The service is not available."},
		unknownService:  {Status: 404, Code: "UnknownOperationException", Message: "There is no such service here."},
	}
}

// write answers with the error in the form of a protocol.
func (e *Error) write(w http.ResponseWriter, r *http.Request, protocol Protocol, id string) {
	for name, value := range e.Header {
		w.Header().Set(name, value)
	}
	var body []byte
	switch protocol {
	case RestXML:
		body = e.restXML(r, id)
	case Query:
		body = e.query(id)
	default:
		body = e.json(w.Header(), protocol)
	}
	if protocol == RestXML || protocol == Query {
		w.Header().Set("Content-Type", map[Protocol]string{RestXML: "application/xml", Query: "text/xml"}[protocol])
	}
	w.WriteHeader(e.Status)
	if r.Method != http.MethodHead && e.Status != http.StatusNotModified {
		_, _ = w.Write(body) // the client may have gone
	}
}

func (e *Error) restXML(r *http.Request, id string) []byte {
	var d strings.Builder
	d.WriteString(xml.Header + "<Error>")
	for _, part := range append([][2]string{{"Code", e.Code}, {"Message", e.Message}}, e.Details...) {
		d.WriteString(element(part[0], part[1]))
	}
	d.WriteString(element("Resource", r.URL.Path) + element("RequestId", id) + element("HostId", "sandbox") + "</Error>")
	return []byte(d.String())
}

func (e *Error) query(id string) []byte {
	kind := "Sender"
	if e.Status >= http.StatusInternalServerError {
		kind = "Receiver"
	}
	return []byte(`<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error>` + element("Type", kind) +
		element("Code", e.Code) + element("Message", e.Message) + "</Error>" + element("RequestId", id) + "</ErrorResponse>")
}

func (e *Error) json(header http.Header, protocol Protocol) []byte {
	object := map[string]string{"message": e.Message}
	switch protocol {
	case JSON10:
		object["__type"] = "com.amazon.coral.service#" + e.Code
		header.Set("Content-Type", "application/x-amz-json-1.0")
	case JSON11:
		object["__type"] = e.Code
		header.Set("Content-Type", "application/x-amz-json-1.1")
	default:
		header.Set("Content-Type", "application/json")
	}
	header.Set("X-Amzn-Errortype", e.Code)
	for _, detail := range e.Details {
		object[detail[0]] = detail[1]
	}
	body, err := json.Marshal(object)
	if err != nil {
		return nil // a map of strings can always be written
	}
	return body
}

// element is an XML element with text.
func element(name, text string) string {
	var escaped strings.Builder
	_ = xml.EscapeText(&escaped, []byte(text)) // a Builder never fails
	return "<" + name + ">" + escaped.String() + "</" + name + ">"
}

package aws

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// Protocol is how a service reads requests and writes errors.
type Protocol int

// The protocols of AWS, as its API models name them.
const (
	// RestXML: S3.
	RestXML Protocol = iota
	// Query: STS.
	Query
	// JSON10 and JSON11 are awsJson1_0 and awsJson1_1: DynamoDB, Step Functions, Transcribe, SSM.
	JSON10
	JSON11
	// RestJSON: Lambda, Bedrock, SageMaker.
	RestJSON
)

// Service is the stand-in for one AWS service. Its methods may be called from any goroutine.
type Service interface {
	Protocol() Protocol
	// Identify names the operation that a request asks for, before anything is done. It may read the body.
	Identify(r *Request) (Operation, *Error)
	// Serve performs the operation. An error that it returns is written in the form of the protocol, unless it has
	// written something itself.
	Serve(w http.ResponseWriter, r *Request) *Error
}

// Operation is what a request asks for.
type Operation struct {
	// Name is the name in the API, such as ListObjectsV2.
	Name string
	// Action is the permission that it needs, such as s3:ListBucket. Left empty, it is the signing name of the service,
	// a colon and Name.
	Action string
	// Resource is the ARN that a policy would name; it may be empty.
	Resource string
}

// Request is a request that was authenticated.
type Request struct {
	*http.Request // its Body is decoded, and fails at its end where it does not match its signature or checksum

	// Service is the name under which the service is registered.
	Service string
	// Region is the one in the host, or in the signature where the host names none.
	Region string
	// Bucket is what stands before s3 in the host; empty where the bucket is in the path.
	Bucket string
	// Operation is what Identify returned, with Action filled in. It is empty in Identify itself.
	Operation Operation
	// AccountID, ARN, UserID and AccessKeyID are who asks.
	AccountID, ARN, UserID, AccessKeyID string
	// Presigned says that the signature stands in the query. The parameters of the signature are removed from URL.
	Presigned bool
	// ID is the request's ID, which the answer carries already.
	ID string

	cloud  *Cloud
	holder holder
	body   []byte
	read   bool
}

// Bytes reads the whole body, once; further calls return the same bytes. The error of a body that does not match its
// signature or checksum is an [*Error].
func (r *Request) Bytes() ([]byte, error) {
	if r.read {
		return r.body, nil
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.body, r.read = body, true
	r.Body = io.NopCloser(bytes.NewReader(body))
	return body, nil
}

// Target returns the operation that the header X-Amz-Target of the JSON protocols names, such as PutItem.
func (r *Request) Target() (Operation, *Error) {
	_, name, ok := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	if !ok || name == "" || r.Method != http.MethodPost {
		return Operation{}, &Error{Status: http.StatusBadRequest, Code: "UnknownOperationException", Message: "The header X-Amz-Target names no operation."}
	}
	return Operation{Name: name}, nil
}

// JSON decodes the body. Unknown fields are an error, because the real services refuse or ignore them, and a client
// that sends them is mistaken.
func (r *Request) JSON(into any) *Error {
	body, err := r.Bytes()
	if err == nil {
		decoder := json.NewDecoder(bytes.NewReader(body))
		decoder.DisallowUnknownFields()
		err = decoder.Decode(into)
	}
	if err != nil {
		return &Error{Status: http.StatusBadRequest, Code: "SerializationException", Message: fmt.Sprint(err)}
	}
	return nil
}

// Form decodes the body of the Query protocol.
func (r *Request) Form() (url.Values, *Error) {
	body, err := r.Bytes()
	if err != nil {
		return nil, asError(err)
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, &Error{Status: http.StatusBadRequest, Code: "MalformedQueryString", Message: "The body cannot be read."}
	}
	return form, nil
}

package dynamodb

import (
	"encoding/json"
	"fmt"
	"hash/crc32"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/cloudplugins/difyplugin/sandbox/aws"
)

// targetPrefix stands before the operation in the header X-Amz-Target.
const targetPrefix = "DynamoDB_20120810."

// Service is a DynamoDB. It implements [aws.Service], and its methods may be called from any goroutine.
type Service struct {
	creating time.Duration
	now      func() time.Time

	mu     sync.Mutex
	tables map[string]*table // by ARN
}

// Option changes how [New] makes a service.
type Option func(*Service)

// Creating sets how long a new table is in the status CREATING; the default is not at all.
func Creating(d time.Duration) Option { return func(s *Service) { s.creating = d } }

// Clock sets the time by which tables become ready; the default is [time.Now].
func Clock(now func() time.Time) Option { return func(s *Service) { s.now = now } }

// New makes a service without tables.
func New(opts ...Option) *Service {
	s := &Service{now: time.Now, tables: map[string]*table{}}
	for _, opt := range opts {
		opt(s)
	}
	return s
}

// Protocol implements [aws.Service].
func (s *Service) Protocol() aws.Protocol { return aws.JSON10 }

// Identify implements [aws.Service]: a policy names the table, or the index that is read.
func (s *Service) Identify(r *aws.Request) (aws.Operation, *aws.Error) {
	op, failed := r.Target()
	if failed != nil {
		return op, failed
	}
	if operations()[op.Name] == nil || !strings.HasPrefix(r.Header.Get("X-Amz-Target"), targetPrefix) {
		return op, &aws.Error{Status: http.StatusBadRequest, Code: "UnknownOperationException", Message: "The operation is not known here."}
	}
	if kind := r.Header.Get("Content-Type"); kind != "application/x-amz-json-1.0" {
		return op, &aws.Error{Status: http.StatusBadRequest, Code: "SerializationException", Message: "The content type " + kind + " is not supported."}
	}
	body, err := r.Bytes()
	if err != nil {
		return op, &aws.Error{Status: http.StatusBadRequest, Code: "SerializationException", Message: err.Error()}
	}
	var about struct{ TableName, IndexName string }
	if json.Unmarshal(body, &about) == nil && about.TableName != "" {
		op.Resource = arnOf(r, about.TableName)
		if about.IndexName != "" {
			op.Resource += "/index/" + about.IndexName
		}
	}
	return op, nil
}

// operation performs a request and returns the answer, which is written as JSON.
type operation func(s *Service, r *aws.Request) (any, *aws.Error)

func operations() map[string]operation {
	return map[string]operation{
		"CreateTable":   operationOf((*Service).createTable),
		"DescribeTable": operationOf((*Service).describeTable),
		"PutItem":       operationOf((*Service).putItem),
		"GetItem":       operationOf((*Service).getItem),
		"DeleteItem":    operationOf((*Service).deleteItem),
		"UpdateItem":    operationOf((*Service).updateItem),
		"Query":         operationOf((*Service).query),
		"Scan":          operationOf((*Service).scan),
	}
}

// operationOf decodes the input of an operation. Operations happen one at a time.
func operationOf[In any](perform func(*Service, *aws.Request, *In) (any, *aws.Error)) operation {
	return func(s *Service, r *aws.Request) (any, *aws.Error) {
		in := new(In)
		if failed := r.JSON(in); failed != nil {
			return nil, failed
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		return perform(s, r, in)
	}
}

// Serve implements [aws.Service].
func (s *Service) Serve(w http.ResponseWriter, r *aws.Request) *aws.Error {
	status := http.StatusOK
	answer, failed := operations()[r.Operation.Name](s, r)
	if failed != nil {
		status, answer = failed.Status, errorBody(failed)
	}
	body, err := json.Marshal(answer)
	if err != nil {
		return &aws.Error{Status: http.StatusInternalServerError, Code: "InternalServerError", Message: err.Error()}
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	w.Header().Set("X-Amz-Crc32", strconv.FormatUint(uint64(crc32.ChecksumIEEE(body)), 10))
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client may have gone
	return nil
}

// errorBody is an error as DynamoDB writes it: validation has another name space than the rest.
func errorBody(failed *aws.Error) map[string]string {
	space := "com.amazonaws.dynamodb.v20120810#"
	switch failed.Code {
	case "ValidationException":
		space = "com.amazon.coral.validate#"
	case "SerializationException":
		space = "com.amazon.coral.service#"
	}
	return map[string]string{"__type": space + failed.Code, "message": failed.Message}
}

func refused(code, format string, args ...any) *aws.Error {
	return &aws.Error{Status: http.StatusBadRequest, Code: code, Message: fmt.Sprintf(format, args...)}
}

func invalid(format string, args ...any) *aws.Error {
	return refused("ValidationException", format, args...)
}

// arnOf is the ARN of a table that a request names by name or ARN.
func arnOf(r *aws.Request, table string) string {
	if strings.HasPrefix(table, "arn:") {
		return table
	}
	partition := "aws"
	if strings.HasPrefix(r.Region, "cn-") {
		partition = "aws-cn"
	}
	return fmt.Sprintf("arn:%s:dynamodb:%s:%s:table/%s", partition, r.Region, r.AccountID, table)
}

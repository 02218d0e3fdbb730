package dynamodb

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/cloudplugins/difyplugin/sandbox/aws"
)

// maxExpression is how long an expression may be in bytes.
const maxExpression = 4 << 10

var token = regexp.MustCompile(`^(?:[#:]?[A-Za-z_0-9]+|<>|<=|>=|[=<>(),.\[\]+-])`)

// scanner splits an expression into tokens and hands them out.
type scanner struct {
	kind   string // UpdateExpression, ConditionExpression and so on, for errors
	tokens []string
	next   int
	used   *usage
}

// usage are the placeholders of a request, and which of them its expressions have used.
type usage struct {
	names      map[string]string
	values     map[string]value
	usedNames  map[string]bool
	usedValues map[string]bool
}

func newUsage(names map[string]string, values map[string]value, expressions ...string) (*usage, *aws.Error) {
	u := &usage{names: names, values: values, usedNames: map[string]bool{}, usedValues: map[string]bool{}}
	if names != nil && strings.Join(expressions, "") == "" {
		return nil, invalid("ExpressionAttributeNames can only be specified when using expressions")
	}
	if values != nil && strings.Join(expressions, "") == "" {
		return nil, invalid("ExpressionAttributeValues can only be specified when using expressions")
	}
	if names != nil && len(names) == 0 {
		return nil, invalid("ExpressionAttributeNames must not be empty")
	}
	if values != nil && len(values) == 0 {
		return nil, invalid("ExpressionAttributeValues must not be empty")
	}
	for placeholder := range names {
		if !strings.HasPrefix(placeholder, "#") {
			return nil, invalid(`ExpressionAttributeNames contains invalid key: Syntax error; key: "%s"`, placeholder)
		}
	}
	for placeholder, v := range values {
		if !strings.HasPrefix(placeholder, ":") {
			return nil, invalid(`ExpressionAttributeValues contains invalid key: Syntax error; key: "%s"`, placeholder)
		}
		if failed := v.check(0); failed != nil {
			failed.Message = fmt.Sprintf("ExpressionAttributeValues contains invalid value: %s for key %s", failed.Message, placeholder)
			return nil, failed
		}
		values[placeholder] = v
	}
	return u, nil
}

// finish refuses placeholders that no expression has used.
func (u *usage) finish() *aws.Error {
	for placeholder := range u.names {
		if !u.usedNames[placeholder] {
			return invalid("Value provided in ExpressionAttributeNames unused in expressions: keys: {%s}", placeholder)
		}
	}
	for placeholder := range u.values {
		if !u.usedValues[placeholder] {
			return invalid("Value provided in ExpressionAttributeValues unused in expressions: keys: {%s}", placeholder)
		}
	}
	return nil
}

func scan(kind, expression string, used *usage) (*scanner, *aws.Error) {
	if len(expression) > maxExpression {
		return nil, invalid("Invalid %s: Expression size has exceeded the maximum allowed size;", kind)
	}
	s := &scanner{kind: kind, used: used}
	for rest := strings.TrimSpace(expression); rest != ""; rest = strings.TrimSpace(rest) {
		found := token.FindString(rest)
		if found == "" {
			return nil, s.syntaxError(rest[:1])
		}
		s.tokens = append(s.tokens, found)
		rest = rest[len(found):]
	}
	if len(s.tokens) == 0 {
		return nil, invalid("Invalid %s: The expression can not be empty;", kind)
	}
	return s, nil
}

func (s *scanner) syntaxError(at string) *aws.Error {
	return invalid(`Invalid %s: Syntax error; token: "%s", near: "%s"`, s.kind, at, strings.Join(s.tokens[max(0, s.next-1):min(len(s.tokens), s.next+2)], " "))
}

// peek is the next token, in upper case; empty at the end.
func (s *scanner) peek() string {
	if s.next == len(s.tokens) {
		return ""
	}
	return strings.ToUpper(s.tokens[s.next])
}

// take returns the next token as it was written.
func (s *scanner) take() string {
	if s.next == len(s.tokens) {
		return "<EOF>"
	}
	s.next++
	return s.tokens[s.next-1]
}

// accept takes the next token if it is this one.
func (s *scanner) accept(token string) bool {
	if s.peek() != token {
		return false
	}
	s.next++
	return true
}

func (s *scanner) expect(token string) *aws.Error {
	if !s.accept(token) {
		return s.syntaxError(s.take())
	}
	return nil
}

func (s *scanner) end() *aws.Error {
	if s.next < len(s.tokens) {
		return s.syntaxError(s.tokens[s.next])
	}
	return nil
}

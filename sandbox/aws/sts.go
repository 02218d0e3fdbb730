package aws

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// tokenService is STS: who am I, and the sessions of roles.
type tokenService struct{ cloud *Cloud }

// Protocol implements [Service].
func (*tokenService) Protocol() Protocol { return Query }

// Identify implements [Service].
func (*tokenService) Identify(r *Request) (Operation, *Error) {
	form, failed := r.Form()
	if failed != nil {
		return Operation{}, failed
	}
	name := form.Get("Action")
	if r.Method != http.MethodPost || r.URL.Path != "/" || form.Get("Version") != "2011-06-15" || name != "GetCallerIdentity" && name != "AssumeRole" {
		return Operation{}, &Error{Status: http.StatusBadRequest, Code: "InvalidAction", Message: fmt.Sprintf("Could not find operation %s for version %s", name, form.Get("Version"))}
	}
	return Operation{Name: name, Resource: form.Get("RoleArn")}, nil
}

// Serve implements [Service].
func (s *tokenService) Serve(w http.ResponseWriter, r *Request) *Error {
	form, failed := r.Form()
	if failed != nil {
		return failed
	}
	result := element("Arn", r.ARN) + element("UserId", r.UserID) + element("Account", r.AccountID)
	if r.Operation.Name == "AssumeRole" {
		if result, failed = s.assumeRole(r, form); failed != nil {
			return failed
		}
	}
	name := r.Operation.Name
	w.Header().Set("Content-Type", "text/xml")
	_, _ = fmt.Fprintf(w, `<%sResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><%sResult>%s</%sResult><ResponseMetadata>%s</ResponseMetadata></%sResponse>`,
		name, name, result, name, element("RequestId", r.ID), name)
	return nil
}

var (
	sessionNamePattern = regexp.MustCompile(`^[\w+=,.@-]{2,64}$`)
	roleARNPattern     = regexp.MustCompile(`^arn:(aws|aws-cn):iam::([0-9]{12}):role/(.+)$`)
)

func (s *tokenService) assumeRole(r *Request, form url.Values) (string, *Error) {
	invalid := func(message string) *Error {
		return &Error{Status: http.StatusBadRequest, Code: "ValidationError", Message: message}
	}
	parts := roleARNPattern.FindStringSubmatch(form.Get("RoleArn"))
	name := form.Get("RoleSessionName")
	seconds, err := strconv.Atoi(cmp.Or(form.Get("DurationSeconds"), "3600"))
	switch {
	case parts == nil:
		return "", invalid(form.Get("RoleArn") + " is invalid")
	case !sessionNamePattern.MatchString(name):
		return "", invalid("Value at 'roleSessionName' failed to satisfy constraint")
	case err != nil || seconds < 900 || seconds > 43200:
		return "", invalid("Value at 'durationSeconds' failed to satisfy constraint")
	}
	account, role, ok := s.trusting(parts, r.ARN, form.Get("ExternalId"))
	if !ok {
		return "", r.Denied()
	}
	key := s.cloud.session(account, role, name, cmp.Or(role.Life, time.Duration(seconds)*time.Second))
	return nested("Credentials", element("AccessKeyId", key.AccessKeyID)+element("SecretAccessKey", key.SecretAccessKey)+
		element("SessionToken", key.SessionToken)+element("Expiration", key.Expires.UTC().Format(time.RFC3339))) +
		nested("AssumedRoleUser", element("AssumedRoleId", key.userID)+element("Arn", key.arn)), nil
}

// nested is an XML element around others.
func nested(name, content string) string { return "<" + name + ">" + content + "</" + name + ">" }

// trusting finds a role, if it trusts who asks and the external ID is the right one. Which of these it was is told to
// nobody.
func (s *tokenService) trusting(parts []string, arn, externalID string) (Account, Role, bool) {
	s.cloud.mu.Lock()
	defer s.cloud.mu.Unlock()
	account, ok := s.cloud.accounts[parts[2]]
	if !ok || account.partition() != parts[1] {
		return Account{}, Role{}, false
	}
	for _, role := range account.Roles {
		if role.Name == parts[3] {
			return account, role, anyMatches(role.Trusts, arn) && (role.ExternalID == "" || role.ExternalID == externalID)
		}
	}
	return Account{}, Role{}, false
}

// session makes the temporary key of an assumed role.
func (c *Cloud) session(a Account, role Role, name string, life time.Duration) holder {
	text := strings.ToUpper(rand.Text())
	plain := role.Name[strings.LastIndexByte(role.Name, '/')+1:]
	h := holder{
		Key: Key{
			AccessKeyID: "ASIA" + text[:16], SecretAccessKey: rand.Text() + rand.Text()[:14], SessionToken: "sandbox" + rand.Text() + rand.Text(),
			Expires: c.now().Add(life).Truncate(time.Second), Grants: role.Grants,
		},
		account: a,
		arn:     fmt.Sprintf("arn:%s:sts::%s:assumed-role/%s/%s", a.partition(), a.ID, plain, name),
		userID:  "AROA" + strings.ToUpper(plain) + ":" + name,
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.keys[h.AccessKeyID] = h
	return h
}

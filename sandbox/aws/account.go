package aws

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Account is an AWS account with the keys of its users and its roles.
type Account struct {
	// ID has twelve digits.
	ID    string
	Keys  []Key
	Roles []Role
	// China puts the account into the partition aws-cn, whose hosts end in amazonaws.com.cn and where keys of other
	// partitions are unknown.
	China bool
}

// Key signs requests in the name of a user, or of a role's session.
type Key struct {
	AccessKeyID     string
	SecretAccessKey string
	// SessionToken makes the key a temporary one, whose requests must carry this token.
	SessionToken string
	// Expires is when a temporary key ends. Zero means never.
	Expires time.Time
	// User is the name in the ARN; left empty, it is the lower-case AccessKeyID.
	User string
	// Grants limit the key. No grants at all means everything; an empty, non-nil slice means nothing.
	Grants []Grant
}

// Grant allows actions on resources. A request is allowed when any grant of its key covers it.
type Grant struct {
	// Actions are written as in policies, such as s3:GetObject or s3:*.
	Actions []string
	// Resources are ARNs in which a star stands for anything; none means all.
	Resources []string
}

// Role can be assumed by keys that it trusts.
type Role struct {
	Name string
	// Trusts are the ARNs of those who may assume it, in which a star stands for anything.
	Trusts []string
	// ExternalID is what AssumeRole must present, if it is not empty.
	ExternalID string
	// Grants are what its sessions may do, as in [Key].
	Grants []Grant
	// Life is how long a session lasts; zero means as long as the request asks for.
	Life time.Duration
}

// ARN is the name of the role in policies.
func (r Role) ARN(a Account) string {
	return fmt.Sprintf("arn:%s:iam::%s:role/%s", a.partition(), a.ID, r.Name)
}

func (a Account) partition() string {
	if a.China {
		return "aws-cn"
	}
	return "aws"
}

var accountID = regexp.MustCompile(`^[0-9]{12}$`)

func (a Account) validate() error {
	if !accountID.MatchString(a.ID) {
		return fmt.Errorf("the account ID %q does not have twelve digits", a.ID)
	}
	for _, key := range a.Keys {
		if key.AccessKeyID == "" || key.SecretAccessKey == "" {
			return errors.New("a key lacks its AccessKeyID or its SecretAccessKey")
		}
		if !key.Expires.IsZero() && key.SessionToken == "" {
			return fmt.Errorf("the key %s expires but has no SessionToken", key.AccessKeyID)
		}
	}
	return nil
}

// holder is a key in use: whose it is and as whom it acts.
type holder struct {
	Key
	account Account
	arn     string
	userID  string
}

func holderOf(a Account, k Key) holder {
	user := k.User
	if user == "" {
		user = strings.ToLower(k.AccessKeyID)
	}
	return holder{
		Key: k, account: a, userID: "AIDA" + strings.ToUpper(user),
		arn: fmt.Sprintf("arn:%s:iam::%s:user/%s", a.partition(), a.ID, user),
	}
}

func (h holder) allows(op Operation) bool {
	return h.Grants == nil || slices.ContainsFunc(h.Grants, func(g Grant) bool {
		return anyMatches(g.Actions, op.Action) && (len(g.Resources) == 0 || op.Resource == "" || anyMatches(g.Resources, op.Resource))
	})
}

func anyMatches(patterns []string, text string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool { return matches(pattern, text) })
}

// matches compares with a pattern in which a star stands for any text.
func matches(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	rest, ok := strings.CutPrefix(text, parts[0])
	if !ok || len(parts) == 1 {
		return ok && rest == ""
	}
	for _, part := range parts[1 : len(parts)-1] {
		_, after, found := strings.Cut(rest, part)
		if !found {
			return false
		}
		rest = after
	}
	return strings.HasSuffix(rest, parts[len(parts)-1])
}

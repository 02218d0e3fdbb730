package cos

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Action is a permission as access policies name it.
type Action string

// The actions that the stand-in performs.
const (
	GetService   Action = "name/cos:GetService"
	HeadBucket   Action = "name/cos:HeadBucket"
	GetBucket    Action = "name/cos:GetBucket"
	HeadObject   Action = "name/cos:HeadObject"
	GetObject    Action = "name/cos:GetObject"
	PutObject    Action = "name/cos:PutObject"
	DeleteObject Action = "name/cos:DeleteObject"
)

// Account owns buckets and has keys.
type Account struct {
	// AppID is the number that ends the names of the account's buckets, such
	// as "1250000000".
	AppID string
	// UIN is the account's number in bucket lists. Left empty, it is AppID.
	UIN  string
	Keys []Key
}

// Key signs requests in the name of its account.
type Key struct {
	SecretID  string
	SecretKey string
	// SessionToken makes the key a temporary one, whose requests must carry
	// this token in x-cos-security-token.
	SessionToken string
	// Expires is when a temporary key ceases to exist. Zero means never.
	Expires time.Time
	// Grants limit the key. No grants at all means everything that the
	// account may do; an empty, non-nil slice means nothing.
	Grants []Grant
}

// Grant allows actions. A request is allowed when any grant of its key covers it.
type Grant struct {
	Actions []Action
	// Buckets are the full names of the buckets covered; none means all.
	// GetService concerns no bucket and ignores them.
	Buckets []string
	// Prefix limits object actions to keys, and GetBucket to listings, that
	// begin with it.
	Prefix string
}

// request is what a grant decides about.
type request struct {
	action Action
	bucket string
	// name is the object key, or the prefix of a listing.
	name string
}

func (k Key) allows(req request) bool {
	if k.Grants == nil {
		return true
	}
	return slices.ContainsFunc(k.Grants, func(g Grant) bool { return g.covers(req) })
}

func (g Grant) covers(req request) bool {
	if !slices.Contains(g.Actions, req.action) {
		return false
	}
	if req.action == GetService {
		return true
	}
	if len(g.Buckets) > 0 && !slices.Contains(g.Buckets, req.bucket) {
		return false
	}
	return req.action == HeadBucket || strings.HasPrefix(req.name, g.Prefix)
}

var appIDPattern = regexp.MustCompile(`^[0-9]{6,12}$`)

func (a Account) validate() error {
	if !appIDPattern.MatchString(a.AppID) {
		return fmt.Errorf("the AppID %q is not a number of 6 to 12 digits", a.AppID)
	}
	for _, key := range a.Keys {
		if key.SecretID == "" || key.SecretKey == "" {
			return errors.New("a key lacks its SecretID or its SecretKey")
		}
		if !key.Expires.IsZero() && key.SessionToken == "" {
			return fmt.Errorf("the key %s expires but has no SessionToken", key.SecretID)
		}
	}
	return nil
}

// uin is the account's number as bucket lists show it.
func (a Account) uin() string {
	if a.UIN != "" {
		return a.UIN
	}
	return a.AppID
}

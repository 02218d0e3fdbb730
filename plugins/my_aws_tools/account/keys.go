package account

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"

	"github.com/cloudplugins/difyplugin/plugin"
)

// The names of the fields, in the provider's credentials and, but for the last three, in the tools' parameters.
const (
	fieldID         = "aws_access_key_id"
	fieldSecret     = "aws_secret_access_key"
	fieldToken      = "aws_session_token"
	fieldRegion     = "aws_region"
	fieldRole       = "aws_role_arn"
	fieldExternalID = "aws_external_id"
	fieldEndpoint   = "aws_endpoint_url"
)

// keys are the keys of an AWS account; the token belongs to temporary ones.
type keys struct{ id, secret, token string }

func (k keys) set() bool { return k != keys{} }

// role is what shall be assumed with the keys.
type role struct{ arn, externalID string }

func (r role) set() bool { return r.arn != "" }

// entry is what one place, the tool's parameters or the provider's credentials, says about the account.
type entry struct {
	from     string
	keys     keys
	role     role
	region   string
	endpoint endpoints
}

// readEntry reads the credentials that were saved for the provider. Keys and role are checked by choose, since those
// that are not used do no harm.
func readEntry(saved plugin.Credentials) (entry, error) {
	at, err := parseEndpoints(saved.Get(fieldEndpoint))
	return entry{
		from:     "the credentials of the provider",
		keys:     keys{id: saved.Get(fieldID), secret: saved.Get(fieldSecret), token: saved.Get(fieldToken)},
		role:     role{arn: saved.Get(fieldRole), externalID: saved.Get(fieldExternalID)},
		region:   saved.Get(fieldRegion),
		endpoint: at,
	}, err
}

// choose takes the credentials of the tool call if it has any part of them, and else those of the provider: a half
// from here and a half from there would be nobody's. The provider's role belongs to the provider's keys.
func choose(given, stored entry) (entry, error) {
	chosen := stored
	if given.keys.set() {
		chosen = given
	}
	return chosen, errors.Join(chosen.keys.check(chosen.from), chosen.role.check())
}

// check finds half pairs and what slips in when keys are copied. Its errors show no value.
func (k keys) check(from string) error {
	var faults []error
	switch {
	case !k.set():
		return nil
	case k.id == "" && k.secret == "":
		faults = append(faults, fmt.Errorf("%s hold a session token (%s) without its keys: fill in %s and %s from the same "+
			"source, or clear all three", from, fieldToken, fieldID, fieldSecret))
	case k.secret == "":
		faults = append(faults, halfPair(from, fieldID, fieldSecret))
	case k.id == "":
		faults = append(faults, halfPair(from, fieldSecret, fieldID))
	}
	for _, field := range []struct{ name, value string }{{fieldID, k.id}, {fieldSecret, k.secret}, {fieldToken, k.token}} {
		faults = append(faults, checkCharacters(field.name, field.value))
	}
	return errors.Join(faults...)
}

func checkCharacters(field, value string) error {
	if !strings.ContainsFunc(value, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil
	}
	return fmt.Errorf("%s contains a space, a line break or a character that keys never have: copy it again", field)
}

func halfPair(from, present, missing string) error {
	return fmt.Errorf("%s hold %s but not %s: fill in both, or clear both to use others; half a pair is never completed "+
		"from elsewhere", from, present, missing)
}

// Patterns are compiled when they are first needed: a plugin starts in less time than it takes to compile them all.
var (
	roleARN    = lazily(`^arn:aws[a-z-]*:iam::[0-9]{12}:role/[!-~]+$`)
	externalID = lazily(`^[\w+=,.@:/-]{2,}$`)
)

func lazily(pattern string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(pattern) })
}

// maxRoleARN and maxExternalID are the longest that STS accepts, in characters.
const (
	maxRoleARN    = 2048
	maxExternalID = 1224
)

func (r role) check() error {
	switch {
	case r == role{}:
		return nil
	case r.arn == "":
		return fmt.Errorf("%s is filled in without %s: fill in the role that it belongs to, or clear it", fieldExternalID, fieldRole)
	case len(r.arn) > maxRoleARN || !roleARN().MatchString(r.arn):
		return fmt.Errorf("%s is %q, which is not the ARN of a role: it is written like arn:aws:iam::123456789012:role/dify", fieldRole, clip(r.arn))
	case r.externalID != "" && (len(r.externalID) > maxExternalID || !externalID().MatchString(r.externalID)):
		return fmt.Errorf("%s has a form that AWS does not accept: 2 to %d letters, digits and _+=,.@:/-", fieldExternalID, maxExternalID)
	}
	return nil
}

// sentences puts the texts of errors, joined ones included, into one line.
func sentences(faults []error) string {
	var texts []string
	for _, err := range faults {
		if err != nil {
			texts = append(texts, strings.ReplaceAll(err.Error(), "\n", "; "))
		}
	}
	return strings.Join(texts, "; ")
}

// clip shortens what a user typed for an error about it.
func clip(text string) string { return clipTo(text, 120) }

func clipTo(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}

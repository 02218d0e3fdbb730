package ssm

import (
	"encoding/json"
	"regexp"
	"strings"
	"time"
)

// The limits of Parameter Store, after "AWS Systems Manager endpoints and quotas" in the AWS General Reference.
const (
	maxStandard = 4 << 10 // bytes of a value
	maxAdvanced = 8 << 10
	maxPolicies = 10
	maxLevels   = 15
	maxName     = 1011 // characters
)

// The tiers.
const (
	Standard    = "Standard"
	Advanced    = "Advanced"
	intelligent = "Intelligent-Tiering"
)

// Parameter is a parameter of one account in one region.
type Parameter struct {
	AccountID, Region string
	Name, Value       string
	// Type is String, StringList or SecureString.
	Type string
	// Tier is Standard or Advanced.
	Tier string
	// Policies are as PutParameter takes them: a JSON array, or empty.
	Policies string
	// Expires is when the Expiration policy removes the parameter; zero for never.
	Expires time.Time
	// Modified is when it was written.
	Modified time.Time
	Version  int64
}

// key finds a parameter.
type key struct{ account, region, name string }

func (p Parameter) key() key { return key{p.AccountID, p.Region, p.Name} }

// arn is the name of a parameter in policies.
func arn(region, account, name string) string {
	partition := "aws"
	if strings.HasPrefix(region, "cn-") {
		partition = "aws-cn"
	}
	return "arn:" + partition + ":ssm:" + region + ":" + account + ":parameter/" + strings.TrimPrefix(name, "/")
}

var namePattern = regexp.MustCompile(`^(/?[a-zA-Z0-9_.-]+)(/[a-zA-Z0-9_.-]+)*$`)

// checkName follows the rules for names in the reference of PutParameter.
func checkName(name string) bool {
	first := strings.ToLower(strings.TrimPrefix(name, "/"))
	return namePattern.MatchString(name) && len(name) <= maxName && strings.Count(strings.TrimPrefix(name, "/"), "/") < maxLevels &&
		!strings.HasPrefix(first, "aws") && !strings.HasPrefix(first, "ssm") && (strings.HasPrefix(name, "/") || !strings.Contains(name, "/"))
}

// policy is one element of what PutParameter takes as Policies.
type policy struct {
	Type       string
	Version    string
	Attributes map[string]string
}

// readPolicies returns when an Expiration policy takes effect. The code is that of the error.
func readPolicies(text string, now time.Time) (expires time.Time, code, message string) {
	if text == "" {
		return time.Time{}, "", ""
	}
	var list []policy
	if json.Unmarshal([]byte(text), &list) != nil {
		return time.Time{}, "InvalidPolicyAttributeException", "Policies is not a JSON array of policies."
	}
	if len(list) > maxPolicies {
		return time.Time{}, "PoliciesLimitExceededException", "You specified more than the maximum number of allowed policies for the parameter."
	}
	for _, p := range list {
		if p.Type != "Expiration" || p.Version != "1.0" {
			return time.Time{}, "InvalidPolicyTypeException", "The policy type isn't supported: " + p.Type
		}
		at, err := time.Parse(time.RFC3339, p.Attributes["Timestamp"])
		if err != nil || !at.After(now) || len(p.Attributes) != 1 {
			return time.Time{}, "InvalidPolicyAttributeException", "A policy attribute or its value is invalid: Timestamp"
		}
		expires = at
	}
	return expires, "", ""
}

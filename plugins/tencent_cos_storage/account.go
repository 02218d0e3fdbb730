package main

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/cloudplugins/difyplugin/plugin"
)

// account is what a user entered in the credentials form, checked. It lives as long as one request.
type account struct {
	secretID, secretKey, sessionToken string

	// region is where buckets are looked for first.
	region string
	// buckets are the only ones to be used; empty means all that the credentials can list.
	buckets []string
	// endpoint says which host a bucket is reached at.
	endpoint endpoint
}

// newAccount checks the credentials without asking anybody. The error names everything that is wrong at once.
func newAccount(c plugin.Credentials) (account, error) {
	if err := missingFields(c); err != nil {
		return account{}, err
	}
	region, regionErr := parseRegion(c.Get("region"))
	buckets, bucketsErr := parseBuckets(c.Get("bucket"))
	at, endpointErr := parseEndpoint(c.Get("endpoint"))
	a := account{
		secretID:     c.Get("secret_id"),
		secretKey:    c.Get("secret_key"),
		sessionToken: c.Get("session_token"),
		region:       region,
		buckets:      buckets,
		endpoint:     at,
	}
	if region == accelerate && endpointErr == nil && at == "" {
		a.endpoint = "{bucket}.cos.accelerate.myqcloud.com"
	}
	faults := []error{regionErr, bucketsErr, endpointErr, a.checkSecrets(), a.checkCustomDomain()}
	if err := joinSentences(faults); err != nil {
		return account{}, err
	}
	return a, nil
}

func missingFields(c plugin.Credentials) error {
	var missing []string
	for _, field := range []struct{ name, label string }{
		{"secret_id", "SecretId"},
		{"secret_key", "SecretKey"},
		{"region", "Region"},
	} {
		if c.Get(field.name) == "" {
			missing = append(missing, fmt.Sprintf("%s (%s)", field.label, field.name))
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return plugin.Errorf(plugin.InvalidCredentials, "the Tencent COS credentials lack %s: fill in what is missing",
		strings.Join(missing, ", "))
}

// joinSentences makes one error of several, so that a user corrects a form once.
func joinSentences(faults []error) error {
	var sentences []string
	for _, err := range faults {
		if err != nil {
			sentences = append(sentences, err.Error())
		}
	}
	if len(sentences) == 0 {
		return nil
	}
	return plugin.Errorf(plugin.InvalidCredentials, "%s", strings.Join(sentences, "; "))
}

// checkSecrets finds what slips in when keys are copied. Such a key could not even be sent.
func (a account) checkSecrets() error {
	for _, field := range []struct{ label, value string }{
		{"SecretId", a.secretID},
		{"SecretKey", a.secretKey},
		{"session token", a.sessionToken},
	} {
		if strings.ContainsFunc(field.value, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return fmt.Errorf("the %s contains a space, a line break or a character that keys never have: copy it again", field.label)
		}
	}
	return nil
}

// checkCustomDomain makes sure that a host which belongs to one bucket is used for that bucket only.
func (a account) checkCustomDomain() error {
	if !a.endpoint.oneBucket() || len(a.buckets) == 1 {
		return nil
	}
	return fmt.Errorf("the endpoint %q is a domain of your own, which belongs to exactly one bucket: enter that one bucket "+
		"in Bucket, or write {bucket} where its name goes in the endpoint", a.endpoint)
}

// allows refuses buckets that were not entered, where some were.
func (a account) allows(bucket string) error {
	if !validBucket(bucket) {
		return plugin.Errorf(plugin.BadRequest, "%q is not the name of a bucket: %s", clip(bucket), bucketForm)
	}
	if len(a.buckets) > 0 && !slices.Contains(a.buckets, bucket) {
		return plugin.Errorf(plugin.BadRequest, "bucket %q is not among the buckets that the credentials are limited to (%s): "+
			"add it to Bucket in the credentials", bucket, strings.Join(a.buckets, ", "))
	}
	return nil
}

// redact removes the secrets from a text that came from outside.
func (a account) redact(text string) string {
	for _, secret := range []string{a.secretKey, a.sessionToken, a.secretID} {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "***")
		}
	}
	return text
}

const bucketForm = "a bucket is named like documents-1250000000, its own name and the APPID of the account"

// validBucket reports whether a name can be put into a host name without leading anywhere else.
func validBucket(name string) bool {
	ok, err := regexp.MatchString(`^[a-z0-9][a-z0-9-]*-[0-9]+$`, name)
	return ok && err == nil && len(name) <= 63 // the longest label of a host name
}

// parseBuckets reads names that are separated by commas, spaces or lines. Their order is kept.
func parseBuckets(text string) ([]string, error) {
	var names, wrong []string
	for name := range strings.FieldsFuncSeq(text, func(r rune) bool { return strings.ContainsRune(",;，、 \t\r\n", r) }) {
		name = strings.ToLower(name)
		switch {
		case !validBucket(name):
			wrong = append(wrong, fmt.Sprintf("%q", clip(name)))
		case !slices.Contains(names, name):
			names = append(names, name)
		}
	}
	if len(wrong) > 0 {
		return nil, fmt.Errorf("%s in Bucket cannot be used: %s", strings.Join(wrong, ", "), bucketForm)
	}
	return names, nil
}

// accelerate is what stands in a region's place in the host names of COS's global acceleration.
const accelerate = "accelerate"

// parseRegion accepts a region's name, its host, and the names of the first generation of COS.
func parseRegion(text string) (string, error) {
	region := strings.ToLower(text)
	region = strings.TrimPrefix(region, "https://")
	region = strings.TrimSuffix(strings.TrimSuffix(region, "/"), ".myqcloud.com")
	region = strings.TrimPrefix(region, "cos.")
	if current, ok := renamedRegions()[region]; ok {
		return current, nil
	}
	if !validRegion(region) {
		return "", fmt.Errorf("%q is not the name of a region: it is written like ap-guangzhou. %s", clip(text), knownRegionsHint)
	}
	return region, nil
}

func validRegion(region string) bool {
	ok, err := regexp.MatchString(`^[a-z]([a-z0-9-]*[a-z0-9])?$`, region)
	return ok && err == nil && len(region) <= 63
}

// clip shortens what a user typed for an error about it.
func clip(text string) string { return clipTo(text, 120) }

func clipTo(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}

// errNoBucket answers a request that needs a bucket and names none.
func errNoBucket() error {
	return plugin.Errorf(plugin.BadRequest, "the request names no bucket: choose a file inside a bucket")
}

// isKind reports whether err already carries a kind and a text for the user.
func isKind(err error) bool {
	var known *plugin.Error
	return errors.As(err, &known)
}

package opensearch

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/account"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/param"
)

// endpoint is where searches go.
type endpoint struct {
	// url is the address without a slash at its end; host is the part of it that names the machine, in lower case.
	url, host string
	// service is what requests are signed for, account.SearchDomains or account.SearchCollections.
	service string
	// region is the one in the name of a host of AWS, and empty for other hosts.
	region string
}

const endpointForm = "copy the domain endpoint, or the OpenSearch endpoint of the collection, from the console: it is written like https://search-NAME-ID.us-east-1.es.amazonaws.com or https://ID.us-east-1.aoss.amazonaws.com"

// hostPattern is a host name, or an address of version 4.
var hostPattern = regexp.MustCompile(`^[a-z0-9]([a-z0-9._-]*[a-z0-9])?$`)

// parseEndpoint reads a host, or a URL of one, as people write them: with or without https://, a port, a path, a slash
// at the end. service may be empty for what the host says; without that, it is a domain behind a name of its own.
func parseEndpoint(text, service string) (endpoint, error) {
	text = strings.TrimSpace(text)
	if !strings.Contains(text, "://") {
		text = "https://" + text
	}
	u, err := url.Parse(text)
	if err != nil {
		return endpoint{}, fmt.Errorf("is not a URL: %s", endpointForm)
	}
	at := endpoint{host: strings.ToLower(strings.TrimSuffix(u.Hostname(), ".")), service: service}
	if err := checkURL(u, at.host); err != nil {
		return endpoint{}, err
	}
	known, region, official := account.SearchHost(at.host)
	switch {
	case official && strings.Trim(u.Path, "/") != "":
		return endpoint{}, fmt.Errorf("has the path %q, which an endpoint does not have: %s", param.Clip(u.Path), endpointForm)
	case !official && !account.Listed(at.host, u.Port()):
		return endpoint{}, fmt.Errorf("is at %s, which is no OpenSearch host of AWS: %s. The operator can allow other hosts in DIFYPLUGIN_ENDPOINT_ALLOW", param.Clip(at.host), endpointForm)
	}
	at.region = region
	if at.service == "" {
		at.service = known
	}
	if at.service == "" {
		at.service = account.SearchDomains
	}
	at.url = "https://" + at.host
	if port := u.Port(); port != "" && port != "443" {
		at.url += ":" + port
	}
	at.url += strings.TrimRight(u.EscapedPath(), "/")
	return at, nil
}

// checkURL refuses what is not encrypted, and what could carry or hide a secret.
func checkURL(u *url.URL, host string) error {
	port, err := strconv.Atoi(u.Port())
	switch {
	case !strings.EqualFold(u.Scheme, "https"):
		return fmt.Errorf("begins with %q: searches are sent over https:// only", param.Clip(u.Scheme+"://"))
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return errors.New("holds a user name, a question mark or a hash: " + endpointForm)
	case !hostPattern.MatchString(host):
		return errors.New("names no host: " + endpointForm)
	case u.Port() != "" && (err != nil || port < 1 || port > 65535):
		return errors.New("names a port that cannot be one: " + endpointForm)
	}
	return nil
}

// resource is what policies call the endpoint; a star stands for the account, which is not known.
func (at endpoint) resource(partition, region string) string {
	label, _, _ := strings.Cut(at.host, ".")
	if at.region == "" {
		label = "*"
	}
	if at.service == account.SearchCollections {
		return fmt.Sprintf("arn:%s:aoss:%s:*:collection/%s", partition, region, label)
	}
	for _, prefix := range []string{"search-", "vpc-"} {
		label = strings.TrimPrefix(label, prefix)
	}
	if end := strings.LastIndexByte(label, '-'); end > 0 {
		label = label[:end] // the ID behind the name of the domain
	}
	return fmt.Sprintf("arn:%s:es:%s:*:domain/%s/*", partition, region, label)
}

// action is the permission that a search needs.
func (at endpoint) action() string {
	if at.service == account.SearchCollections {
		return "aoss:APIAccessAll"
	}
	return "es:ESHttpPost"
}

// checkIndex accepts the name of an index or an alias, several of them with commas between, and stars: what OpenSearch
// takes in the path of a search, and nothing that leads elsewhere.
func checkIndex(name string) error {
	const form = "write the name of an index or an alias"
	switch {
	case strings.ContainsAny(name, "/\\?#%\"<>| \t\r\n") || strings.Contains(name, ".."):
		return fmt.Errorf("is %q, which cannot be the name of an index: %s", param.Clip(name), form)
	case strings.ContainsAny(name[:1], "_-+"):
		return fmt.Errorf("is %q, and no name of an index begins with %s: %s", param.Clip(name), name[:1], form)
	case len(name) > 1024:
		return fmt.Errorf("has %d bytes: %s", len(name), form)
	}
	return nil
}

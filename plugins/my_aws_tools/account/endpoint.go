package account

import (
	"fmt"
	"maps"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// everyService is the name under which endpoints holds a URL that is for all services.
const everyService = ""

// endpoints are the URLs that a user entered in place of AWS's own, by service.
type endpoints map[string]string

func (e endpoints) set() bool { return len(e) > 0 }

// of returns the URL for a service, if there is one.
func (e endpoints) of(service string) (string, bool) {
	if at, ok := e[service]; ok {
		return at, true
	}
	at, ok := e[everyService]
	return at, ok
}

// services are the names that may stand before an equals sign, with the names that AWS's consoles and hosts use
// besides those of the command line.
func services() map[string]string {
	names := map[string]string{"states": StepFunctions, "stepfunctions": StepFunctions, "aoss": OpenSearch, "es": OpenSearch}
	for _, name := range []string{
		S3, STS, DynamoDB, Lambda, StepFunctions, Bedrock, BedrockRuntime, BedrockAgent, BedrockAgentRuntime,
		BedrockAgentCore, BedrockAgentCoreControl, SageMakerRuntime, Transcribe, Comprehend, SSM, OpenSearch,
	} {
		names[name] = name
	}
	return names
}

const endpointForm = "write one https URL, or one for each service as in s3=https://storage.example.com,sts=https://sts.example.com"

// parseEndpoints reads one URL, or SERVICE=URL pairs that are separated by commas.
func parseEndpoints(text string) (endpoints, error) {
	if text == "" {
		return nil, nil
	}
	found := endpoints{}
	for part := range strings.FieldsFuncSeq(text, func(r rune) bool { return strings.ContainsRune(",; \t\r\n", r) }) {
		service, at, err := parseEndpoint(part)
		if err != nil {
			return nil, err
		}
		if _, twice := found[service]; twice {
			return nil, fmt.Errorf("%s names more than one URL for the same service: %s", fieldEndpoint, endpointForm)
		}
		found[service] = at
	}
	return found, nil
}

func parseEndpoint(part string) (service, at string, err error) {
	at = part
	if name, rest, named := strings.Cut(part, "="); named && !strings.Contains(name, ":") {
		known := services()
		service = known[strings.ReplaceAll(strings.ToLower(name), "-", "_")]
		if service == "" {
			return "", "", fmt.Errorf("%s names a service %q that no tool uses: there are %s", fieldEndpoint, clip(name),
				strings.Join(slices.Sorted(maps.Keys(known)), ", "))
		}
		at = rest
	}
	at, err = checkURL(at)
	return service, at, err
}

// checkURL accepts a scheme, a host, a port and a path, and nothing that could carry or hide a secret.
func checkURL(text string) (string, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Hostname() == "":
		return "", fmt.Errorf("%s is not a URL: %s", fieldEndpoint, endpointForm)
	case !strings.EqualFold(u.Scheme, "https"):
		return "", fmt.Errorf("%s begins with %q: nothing is sent to AWS, or to what stands in for it, unencrypted; %s", fieldEndpoint, clip(u.Scheme+"://"), endpointForm)
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return "", fmt.Errorf("%s holds a user name, a question mark or a hash: %s", fieldEndpoint, endpointForm)
	case !hostIsPlain(u.Hostname()):
		return "", fmt.Errorf("%s names a host that cannot be one: %s", fieldEndpoint, endpointForm)
	}
	u.Scheme = "https"
	u.Host = strings.ToLower(u.Host)
	return strings.TrimSuffix(u.String(), "/"), nil
}

func hostIsPlain(host string) bool {
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	return !strings.ContainsFunc(host, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '.' && r != '_'
	})
}

package browser

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"

	cdpfetch "github.com/chromedp/cdproto/fetch"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/param"
)

// metadata are the addresses of metadata services that are not link-local.
func metadata() []string {
	return []string{"100.100.100.200", "fd00:ec2::254", "metadata.google.internal"}
}

// checkAddress accepts a URL that the browser may open. The error completes a sentence that begins with the parameter's
// name.
func checkAddress(text string) error {
	const form = "write it like https://example.com/page"
	at, err := url.Parse(text)
	switch {
	case err != nil:
		return fmt.Errorf("is %q, which is not a URL: %s", param.Clip(text), form)
	case at.Scheme == "":
		return fmt.Errorf("is %q, which lacks https:// at its beginning: %s", param.Clip(text), form)
	case !strings.EqualFold(at.Scheme, "http") && !strings.EqualFold(at.Scheme, "https"):
		return fmt.Errorf("begins with %q, and the browser opens http and https only: %s", param.Clip(at.Scheme+":"), form)
	case at.Hostname() == "":
		return fmt.Errorf("is %q, which names no host: %s", param.Clip(text), form)
	case forbiddenHost(at.Hostname()):
		return errors.New("leads to a link-local address or a metadata service, which the browser does not open")
	}
	return nil
}

// forbiddenHost reports whether a host is, by its name, where the browser shall not go.
func forbiddenHost(host string) bool {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	for _, known := range metadata() {
		if host == known {
			return true
		}
	}
	address, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	return address.Unmap().IsLinkLocalUnicast() || address.Unmap().IsUnspecified() || address.Unmap().String() == "100.100.100.200"
}

// isWeb reports whether a page may be looked at that a browser shows: one of the web, or the empty one of the beginning.
func isWeb(at string) bool {
	return at == "about:blank" || strings.HasPrefix(at, "http://") || strings.HasPrefix(at, "https://")
}

// forbiddenPatterns are the requests that the browser asks about and that are refused then. Browsers write IPv4
// addresses in their plain form first, so that other spellings are found, too.
func forbiddenPatterns() []*cdpfetch.RequestPattern {
	patterns := []string{
		"file:*", "ftp:*", "chrome:*", "view-source:*", "filesystem:*",
		"*://169.254.*", "*://*@169.254.*", "*://0.0.0.0*", "*://[fe80:*", "*://[::]*", "*://[::ffff:a9fe:*",
	}
	for _, host := range metadata() {
		if strings.Contains(host, ":") {
			host = "[" + host + "]"
		}
		patterns = append(patterns, "*://"+host+"/*", "*://"+host+":*", "*://"+host+".*/*")
	}
	list := make([]*cdpfetch.RequestPattern, len(patterns))
	for i, pattern := range patterns {
		list[i] = &cdpfetch.RequestPattern{URLPattern: pattern, RequestStage: cdpfetch.RequestStageRequest}
	}
	return list
}

package fetch

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"

	"golang.org/x/net/http/httpproxy"
)

const (
	// stallTimeout is how long a download may go without a byte: from the
	// start of a request to its response header, and during each read.
	stallTimeout = 60 * time.Second
	// uploadAnswerTimeout is how long Dify may take to answer after an upload
	// is complete; it stores the file before it does.
	uploadAnswerTimeout = 5 * time.Minute
)

// Config is what the operator decides. The zero value permits public addresses
// only and uses neither proxies nor extra certificates.
type Config struct {
	// FetchAllow and EndpointAllow list what may be contacted beyond public
	// addresses, by Get and by Transport: comma-separated hosts, *.suffixes,
	// addresses and CIDRs; all but CIDRs may end in a port.
	FetchAllow, EndpointAllow string
	// FilesURL, InternalFilesURL and InnerAPIURL are Dify's own addresses.
	// They may be private, and http. A value that is not an http or https URL
	// is an error only when a file's relative URL depends on it.
	FilesURL, InternalFilesURL, InnerAPIURL string
	// Proxy holds the HTTP(S)_PROXY and NO_PROXY settings.
	Proxy httpproxy.Config
	// CertFiles are PEM files whose certificates are trusted in addition to
	// those of the system.
	CertFiles []string
	// Resolver looks up the addresses of a host; nil is net.DefaultResolver.
	Resolver func(ctx context.Context, host string) ([]netip.Addr, error)
}

// FromEnv reads the configuration from environment variables: DIFYPLUGIN_FETCH_ALLOW,
// DIFYPLUGIN_ENDPOINT_ALLOW, FILES_URL, INTERNAL_FILES_URL, DIFY_INNER_API_URL, HTTP_PROXY,
// HTTPS_PROXY and NO_PROXY (or their lower-case forms), SSL_CERT_FILE and
// AWS_CA_BUNDLE. getenv is usually os.Getenv.
func FromEnv(getenv func(string) string) Config {
	first := func(names ...string) string {
		for _, name := range names {
			if value := getenv(name); value != "" {
				return value
			}
		}
		return ""
	}
	cfg := Config{
		FetchAllow:       getenv(fetchAllowSetting),
		EndpointAllow:    getenv(endpointAllowSetting),
		FilesURL:         getenv("FILES_URL"),
		InternalFilesURL: getenv("INTERNAL_FILES_URL"),
		InnerAPIURL:      getenv("DIFY_INNER_API_URL"),
		Proxy: httpproxy.Config{
			HTTPProxy:  first("HTTP_PROXY", "http_proxy"),
			HTTPSProxy: first("HTTPS_PROXY", "https_proxy"),
			NoProxy:    first("NO_PROXY", "no_proxy"),
		},
	}
	for _, name := range []string{"SSL_CERT_FILE", "AWS_CA_BUNDLE"} {
		if file := getenv(name); file != "" {
			cfg.CertFiles = append(cfg.CertFiles, file)
		}
	}
	return cfg
}

// Client downloads, uploads and lends connections under the policy of one
// Config. It holds connections and nothing else; it is safe for concurrent
// use. Create it with New.
type Client struct {
	origins  difyOrigins
	fetch    *pool
	endpoint *pool
}

// New returns a client, or an error that names the setting when an allow list
// is malformed or a certificate file cannot be used.
func New(cfg Config) (*Client, error) { return newClient(cfg, connectTCP) }

func newClient(cfg Config, connect connectFunc) (*Client, error) {
	fetchAllow, err := parseAllowList(cfg.FetchAllow)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", fetchAllowSetting, err)
	}
	endpointAllow, err := parseAllowList(cfg.EndpointAllow)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", endpointAllowSetting, err)
	}
	roots, err := trustedRoots(cfg.CertFiles)
	if err != nil {
		return nil, err
	}
	d := dialer{resolve: cfg.Resolver, connect: connect}
	if d.resolve == nil {
		d.resolve = func(ctx context.Context, host string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		}
	}
	ranges, proxy := specialPurpose(), cfg.Proxy.ProxyFunc()
	return &Client{
		origins:  newDifyOrigins(cfg),
		fetch:    newPool(policy{fetchAllowSetting, fetchAllow, ranges}, d, proxy, roots, uploadAnswerTimeout),
		endpoint: newPool(policy{endpointAllowSetting, endpointAllow, ranges}, d, proxy, roots, 0),
	}, nil
}

// trustedRoots returns the system's certificates and those in files, or nil,
// which means the system's, when there are no files. Reading the files here
// gives SSL_CERT_FILE and AWS_CA_BUNDLE the same meaning on every operating
// system.
func trustedRoots(files []string) (*x509.CertPool, error) {
	if len(files) == 0 {
		return nil, nil
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool() // the files may well be all there is
	}
	for _, file := range files {
		if err := addCertificates(roots, file); err != nil {
			return nil, fmt.Errorf("reading the certificate file %s (SSL_CERT_FILE or AWS_CA_BUNDLE): %w", file, err)
		}
	}
	return roots, nil
}

func addCertificates(roots *x509.CertPool, file string) error {
	pem, err := os.ReadFile(file)
	if pathErr, ok := errors.AsType[*os.PathError](err); ok {
		return pathErr.Err // the caller names the file
	}
	if err != nil {
		return err
	}
	if !roots.AppendCertsFromPEM(pem) {
		return errors.New("it holds no certificate in PEM form")
	}
	return nil
}

// CloseIdleConnections closes the connections that no transfer is using.
func (c *Client) CloseIdleConnections() {
	c.fetch.closeIdle()
	c.endpoint.closeIdle()
}

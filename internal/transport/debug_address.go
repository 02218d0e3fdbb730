package transport

import (
	"errors"
	"net"
	"net/url"
	"strconv"
	"strings"
)

// Where a debug server is when the environment does not say.
const (
	defaultDebugHost = "localhost"
	defaultDebugPort = "5003"
)

// DebugAddress reads from the environment where Dify's debug server is, as host:port, and the key for it. getenv is
// [os.Getenv] or [DotEnv.Getenv].
//
//	REMOTE_INSTALL_URL    host:port, tcp://host:port or http://host (port 80); it wins over the next two
//	REMOTE_INSTALL_HOST   localhost unless set
//	REMOTE_INSTALL_PORT   5003 unless set
//	REMOTE_INSTALL_KEY    required
//
// Errors quote no value: a key that was put into the wrong variable stays secret.
func DebugAddress(getenv func(string) string) (addr, key string, err error) {
	get := func(name string) string { return strings.TrimSpace(getenv(name)) }
	addr, err = debugHostPort(get)
	if err != nil {
		return "", "", err
	}
	key = get("REMOTE_INSTALL_KEY")
	if key == "" {
		return "", "", errors.New("REMOTE_INSTALL_KEY is not set: " +
			"copy the key that the plugins page of Dify shows behind the bug icon into the environment or into .env")
	}
	return addr, key, nil
}

func debugHostPort(get func(string) string) (string, error) {
	target := get("REMOTE_INSTALL_URL")
	if target == "" {
		host, port := get("REMOTE_INSTALL_HOST"), get("REMOTE_INSTALL_PORT")
		if host == "" {
			host = defaultDebugHost
		}
		if port == "" {
			port = defaultDebugPort
		}
		if !isPort(port) {
			return "", errors.New("REMOTE_INSTALL_PORT is not a port: write a number from 1 to 65535")
		}
		if !isHost(strings.Trim(host, "[]")) {
			return "", errors.New("REMOTE_INSTALL_HOST is not a host: write a name or an address, without scheme and port")
		}
		return net.JoinHostPort(strings.Trim(host, "[]"), port), nil
	}
	host, port, ok := splitTarget(target)
	if !ok || !isHost(host) || !isPort(port) {
		return "", errors.New("REMOTE_INSTALL_URL names no host and port: write host:port, for example localhost:5003")
	}
	return net.JoinHostPort(host, port), nil
}

// splitTarget takes host:port and URLs that name nothing but a host and a port. Only http and https have a port of
// their own.
func splitTarget(target string) (host, port string, ok bool) {
	if !strings.Contains(target, "://") {
		host, port, err := net.SplitHostPort(target)
		return host, port, err == nil
	}
	u, err := url.Parse(target)
	if err != nil || u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "" {
		return "", "", false
	}
	port = u.Port()
	switch {
	case port != "":
	case u.Scheme == "http":
		port = "80"
	case u.Scheme == "https":
		port = "443"
	}
	return u.Hostname(), port, true
}

// isPort tells whether text is a number that a TCP connection can be made to.
func isPort(text string) bool {
	n, err := strconv.ParseUint(text, 10, 16)
	return err == nil && n > 0
}

// isHost tells whether text can be a name or an address: it leaves it to the resolver whether it is one.
func isHost(text string) bool {
	if net.ParseIP(text) != nil {
		return true
	}
	return text != "" && !strings.ContainsAny(text, "/:@?#[] \t\r\n\"'\\")
}

package transport

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/cloudplugins/difyplugin/internal/wire"
)

// Settings of a serverless function that the environment leaves open.
const (
	defaultServerlessHost = "0.0.0.0"
	defaultServerlessPort = "8080"
	defaultDaemonURL      = "http://localhost:5002"
	defaultSilence        = 300 * time.Second
	longestSilence        = 24 * time.Hour
)

// ServerlessFromEnv reads the settings of a function from the environment. getenv is [os.Getenv] or [DotEnv.Getenv].
//
//	SERVERLESS_HOST          0.0.0.0 unless set
//	SERVERLESS_PORT          8080 unless set; 0 lets the system choose
//	DIFY_PLUGIN_DAEMON_URL   http://localhost:5002 unless set
//	MAX_REQUEST_TIMEOUT      seconds without output after which a request fails, 300 unless set, at most a day
//
// The line limit is the host's default. Errors quote no value, and name all faults at once.
func ServerlessFromEnv(getenv func(string) string) (*Serverless, error) {
	get := func(name, fallback string) string {
		if value := strings.TrimSpace(getenv(name)); value != "" {
			return value
		}
		return fallback
	}
	var faults []error
	host := strings.Trim(get("SERVERLESS_HOST", defaultServerlessHost), "[]")
	if !isHost(host) {
		faults = append(faults, errors.New("SERVERLESS_HOST is not a host: write a name or an address, without scheme and port"))
	}
	port := get("SERVERLESS_PORT", defaultServerlessPort)
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		faults = append(faults, errors.New("SERVERLESS_PORT is not a port: write a number from 0 to 65535"))
	}
	daemon := get("DIFY_PLUGIN_DAEMON_URL", defaultDaemonURL)
	if !isBaseURL(daemon) {
		faults = append(faults, errors.New("DIFY_PLUGIN_DAEMON_URL is not an http or https URL of a host: write, for example, "+defaultDaemonURL))
	}
	silence, err := seconds(get("MAX_REQUEST_TIMEOUT", ""), defaultSilence)
	if err != nil {
		faults = append(faults, fmt.Errorf("MAX_REQUEST_TIMEOUT %w", err))
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	return &Serverless{
		Address: net.JoinHostPort(host, port), DaemonURL: daemon,
		MaxLine: wire.DefaultMaxLine, Silence: silence,
	}, nil
}

func isBaseURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && isHost(u.Hostname()) &&
		u.User == nil && u.RawQuery == "" && u.Fragment == ""
}

// seconds reads a number of seconds, which may have a fraction.
func seconds(text string, fallback time.Duration) (time.Duration, error) {
	if text == "" {
		return fallback, nil
	}
	n, err := strconv.ParseFloat(text, 64)
	d := time.Duration(n * float64(time.Second))
	if err != nil || !(n > 0 && n <= longestSilence.Seconds()) || d <= 0 {
		return 0, fmt.Errorf("is not a number of seconds above 0 and at most %d", int(longestSilence.Seconds()))
	}
	return d, nil
}

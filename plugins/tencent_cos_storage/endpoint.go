package main

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

// endpoint is the pattern of the host at which a bucket is reached, with {bucket} and {region} where they go. The
// zero value stands for COS's usual hosts.
type endpoint string

// serviceHost answers lists of buckets, wherever the buckets are.
const serviceHost = "service.cos.myqcloud.com"

// officialHost reports whether a host is COS's own. Any other host was entered by a user.
func officialHost(host string) bool {
	return strings.HasSuffix(host, ".myqcloud.com") || strings.HasSuffix(host, ".tencentcos.cn")
}

// parseEndpoint reads what a user entered:
//
//	cos.accelerate.myqcloud.com           a host of COS: the bucket is put in front
//	{bucket}.cos-internal.{region}.tencentcos.cn
//	                                      a pattern
//	files.example.com                     a domain that belongs to one bucket
func parseEndpoint(text string) (endpoint, error) {
	host := strings.ToLower(text)
	if strings.HasPrefix(host, "http://") {
		return "", fmt.Errorf("the endpoint %q is not encrypted: enter it with https:// or without a scheme", clip(text))
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "https://"), "/")
	if host == "" {
		return "", nil
	}
	if !validHost(endpoint(host).host("name-1", "region")) {
		return "", fmt.Errorf("the endpoint %q is not a host name: enter one like cos.accelerate.myqcloud.com, without a path; "+
			"{bucket} and {region} stand for the bucket and its region", clip(text))
	}
	if strings.Contains(host, "{bucket}") || !officialHost(withoutPort(host)) {
		return endpoint(host), nil
	}
	if first, rest, _ := strings.Cut(host, "."); validBucket(first) { // the host of one bucket, as the console shows it
		host = rest
	}
	return endpoint("{bucket}." + host), nil
}

func validHost(host string) bool {
	ok, err := regexp.MatchString(`^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]*[a-z0-9])?(:[0-9]{1,5})?$`, host)
	return ok && err == nil && len(host) <= 253
}

func withoutPort(host string) string {
	name, _, _ := strings.Cut(host, ":")
	return name
}

// host is where a bucket is reached.
func (e endpoint) host(bucket, region string) string {
	if e == "" {
		return bucket + "." + regionHost(region)
	}
	return strings.NewReplacer("{bucket}", bucket, "{region}", region).Replace(string(e))
}

// usesRegion reports whether the host depends on the bucket's region.
func (e endpoint) usesRegion() bool { return e == "" || strings.Contains(string(e), "{region}") }

// oneBucket reports whether the host belongs to one bucket.
func (e endpoint) oneBucket() bool { return e != "" && !strings.Contains(string(e), "{bucket}") }

// regionHost is a region's own host. The first generation's names have no "cos." in it.
func regionHost(region string) string {
	if firstGeneration(region) {
		return region + ".myqcloud.com"
	}
	return "cos." + region + ".myqcloud.com"
}

// https is the only way in which hosts become URLs here.
func https(host string) *url.URL { return &url.URL{Scheme: "https", Host: host} }

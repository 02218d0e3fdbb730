package account

import (
	"cmp"
	"fmt"
	"strings"
)

// defaultRegion is where requests go when neither the tool nor the provider names a region.
const defaultRegion = "us-east-1"

// partition is a part of AWS with accounts and hosts of its own.
type partition struct{ name, suffix string }

// partitionOf goes by the beginning of a region's name, as AWS's own clients do.
func partitionOf(region string) partition {
	for _, p := range []struct {
		prefix string
		partition
	}{
		{"cn-", partition{"aws-cn", "amazonaws.com.cn"}},
		{"us-gov-", partition{"aws-us-gov", "amazonaws.com"}},
		{"eusc-", partition{"aws-eusc", "amazonaws.eu"}},
	} {
		if strings.HasPrefix(region, p.prefix) {
			return p.partition
		}
	}
	return partition{"aws", "amazonaws.com"}
}

var (
	// A region becomes a part of a host name, and must not lead anywhere else.
	awsRegion = lazily(`^[a-z]{2,4}(-[a-z]+){1,3}-[0-9]{1,2}$`)
	anyRegion = lazily(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`)
)

// maxLabel is the longest part of a host name between two dots, in characters.
const maxLabel = 63

// ValidRegion reports whether a text, such as one from an answer, is written like a region of AWS.
func ValidRegion(region string) bool {
	return len(region) <= maxLabel && awsRegion().MatchString(region)
}

// chooseRegion takes the region of the tool call, else that of the provider. The stores behind endpoints of users have
// regions with names of their own, such as auto.
func chooseRegion(given, saved string, ownEndpoint bool) (string, error) {
	text := cmp.Or(strings.TrimSpace(given), strings.TrimSpace(saved), defaultRegion)
	region := strings.ToLower(text)
	if ValidRegion(region) || ownEndpoint && len(region) <= maxLabel && anyRegion().MatchString(region) {
		return region, nil
	}
	return "", fmt.Errorf("%s is %q, which is not the name of a region: it is written like us-east-1 or ap-northeast-1", fieldRegion, clip(text))
}

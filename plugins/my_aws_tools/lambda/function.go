package lambda

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"

	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/account"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/param"
)

// function is a Lambda function as users name it: by its name, its ARN or the end of its ARN, each with a version or an
// alias behind it if need be.
type function struct {
	text      string // as AWS takes it
	name      string // the bare name
	region    string // of the ARN; empty in the other forms
	partition string
	account   string
	qualifier string // the version or the alias, if the text holds one
}

var (
	// The forms of FunctionName in the reference of the Lambda API, under Invoke.
	functionPattern = regexp.MustCompile(`^(?:(?:arn:(?P<partition>aws[a-z-]*):lambda:(?P<region>[a-z0-9-]+):)?(?P<account>[0-9]{12}):function:)?` +
		`(?P<name>[A-Za-z0-9_.-]{1,64})(?::(?P<qualifier>` + qualifierForms + `))?$`)
	qualifierPattern = regexp.MustCompile(`^(?:` + qualifierForms + `)$`)
)

const (
	qualifierForms = `\$LATEST(?:\.PUBLISHED)?|[A-Za-z0-9_-]{1,128}`
	functionForm   = "write the name of a function, or its ARN like arn:aws:lambda:us-east-1:123456789012:function:NAME; a version or an alias may follow behind a colon"
)

// parseFunction reads the name of a function. White space around it is none of it.
func parseFunction(text string) (function, error) {
	text = strings.TrimSpace(text)
	found := functionPattern.FindStringSubmatch(text)
	if found == nil {
		return function{}, fmt.Errorf("is %q, which is not the name of a Lambda function: %s", param.Clip(text), functionForm)
	}
	part := func(name string) string { return found[functionPattern.SubexpIndex(name)] }
	f := function{
		text: text, name: part("name"), region: part("region"), partition: part("partition"), account: part("account"),
		qualifier: part("qualifier"),
	}
	if f.region != "" && !account.ValidRegion(f.region) {
		return function{}, fmt.Errorf("names the region %q, which is not written like one: %s", param.Clip(f.region), functionForm)
	}
	return f, nil
}

// checkRegion refuses the ARN of another region than the one that was entered beside it. A region that stands in the
// credentials of the provider is only what applies where nothing else is said.
func (f function) checkRegion(given string) error {
	given = strings.ToLower(strings.TrimSpace(given))
	if f.region == "" || given == "" || given == f.region {
		return nil
	}
	return fmt.Errorf("is in the region %s, and aws_region is %q: clear aws_region, or enter the function of that region", f.region, param.ClipTo(given, 60))
}

// checkQualifier refuses a second version or alias that contradicts the one in the name.
func (f function) checkQualifier(qualifier string) error {
	switch {
	case qualifier == "":
		return nil
	case !qualifierPattern.MatchString(qualifier):
		return fmt.Errorf("is %q, which is neither a version (3, $LATEST) nor the name of an alias: letters, digits, - and _, at most 128", param.Clip(qualifier))
	case f.qualifier != "" && f.qualifier != qualifier:
		return fmt.Errorf("is %q, and lambda_name ends with %q: name one version or alias", param.Clip(qualifier), f.qualifier)
	}
	return nil
}

// in is the region in which the function is called.
func (f function) in(acct *account.Account) string { return cmp.Or(f.region, acct.Region()) }

// arn is the function for policies; a star stands for what is not known.
func (f function) arn(acct *account.Account) string {
	return fmt.Sprintf("arn:%s:lambda:%s:%s:function:%s", cmp.Or(f.partition, acct.Partition()), f.in(acct), cmp.Or(f.account, "*"), f.name)
}

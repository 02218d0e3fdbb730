package account_test

import (
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/toolstest"
	"github.com/cloudplugins/difyplugin/sandbox/aws"
	"github.com/google/go-cmp/cmp"
)

// roles is an account with a role that trusts the tester with an external ID, and one that trusts nobody.
var roles = aws.Account{ID: "444444444444", Roles: []aws.Role{
	{Name: "dify", Trusts: []string{"arn:aws:iam::123456789012:user/*"}, ExternalID: "shared-id"},
	{Name: "closed", Trusts: []string{"arn:aws:iam::999999999999:root"}},
}}

func roleFields(pairs ...string) map[string]any {
	return fields(append([]string{
		"id", toolstest.AccessKeyID, "secret", toolstest.SecretAccessKey, "region", "eu-west-1",
		"role", roles.Roles[0].ARN(roles), "external", "shared-id",
	}, pairs...)...)
}

const assumed = "arn:aws:sts::444444444444:assumed-role/dify/dify-my-aws-tools"

func startWithRoles(t *testing.T) *toolstest.AWS {
	t.Helper()
	cloud := toolstest.Start(t)
	populate(t, cloud)
	if err := cloud.AddAccount(roles); err != nil {
		t.Fatal(err)
	}
	return cloud
}

func TestARoleIsAssumedInTheRegionAndKept(t *testing.T) {
	cloud := startWithRoles(t)
	tools := run(t, cloud)
	for range 3 {
		if arn := output(t, tools.SucceedAs(t, roleFields(), "whoami", nil), "arn"); arn != assumed {
			t.Errorf("acts as %s", arn)
		}
	}
	want := []string{"sts.AssumeRole", "sts.GetCallerIdentity", "sts.GetCallerIdentity", "sts.GetCallerIdentity"}
	if diff := cmp.Diff(want, cloud.Operations()); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	first := cloud.Calls()[0]
	form, err := url.ParseQuery(string(first.Body))
	if err != nil || first.Host != "sts.eu-west-1.amazonaws.com" || form.Get("RoleArn") != roles.Roles[0].ARN(roles) ||
		form.Get("ExternalId") != "shared-id" || form.Get("RoleSessionName") != "dify-my-aws-tools" {
		t.Errorf("%s: %s, %v", first.Host, first.Body, err)
	}
	if strings.Contains(string(first.Body), "user-1") {
		t.Error("the Dify user is told to the account of the role")
	}
}

func TestEveryPartOfACredentialHasARoleOfItsOwn(t *testing.T) {
	cloud := startWithRoles(t)
	tools := run(t, cloud)
	tools.SucceedAs(t, roleFields(), "whoami", nil)
	tools.SucceedAs(t, roleFields("region", "eu-west-2"), "whoami", nil)
	tools.SucceedAs(t, roleFields("id", tempID, "secret", tempSecret, "token", tempToken), "whoami", nil)
	// Whoever knows all but one part gets no keys from the cache.
	for _, change := range [][]string{{"external", "guess"}, {"external", ""}, {"secret", "guess"}, {"id", otherID}} {
		if failed := tools.FailAs(t, roleFields(change...), "whoami", nil); !strings.Contains(failed.Message, "could not assume the role") {
			t.Errorf("%v: %s", change, failed.Message)
		}
	}
}

func TestTheKeysOfAToolCallAreNotUsedForTheRoleOfTheProvider(t *testing.T) {
	cloud := startWithRoles(t)
	result := run(t, cloud).SucceedAs(t, roleFields(), "whoami", fields("id", otherID, "secret", otherSecret))
	if arn := output(t, result, "arn"); arn != "arn:aws:iam::222222222222:user/other" {
		t.Errorf("acts as %s", arn)
	}
}

func TestExpiredKeysOfARoleAreReadAgainByTheNextCall(t *testing.T) {
	cloud := startWithRoles(t)
	tools := run(t, cloud)
	tools.SucceedAs(t, roleFields(), "whoami", nil)
	in := cloud.Inject(aws.Fault{Operation: "GetCallerIdentity", Effects: []aws.Effect{aws.Expire()}})
	failed := tools.FailAs(t, roleFields(), "whoami", nil)
	if failed.Type != "InvokeAuthorizationError" || !strings.Contains(failed.Message, "have expired") {
		t.Errorf("%s: %s", failed.Type, failed.Message)
	}
	in.Remove()
	cloud.Forget()
	tools.SucceedAs(t, roleFields(), "whoami", nil)
	if diff := cmp.Diff([]string{"sts.AssumeRole", "sts.GetCallerIdentity"}, cloud.Operations()); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestARoleThatCannotBeAssumedSaysWhy(t *testing.T) {
	cloud := startWithRoles(t)
	tools := run(t, cloud)
	for _, tt := range []struct {
		name  string
		saved map[string]any
		says  []string
		sent  bool
	}{
		{"it does not trust", roleFields("role", roles.Roles[1].ARN(roles)), []string{"could not assume the role arn:aws:iam::444444444444:role/closed", "trust policy", "aws_external_id", "sts:AssumeRole"}, true},
		{"a wrong secret", roleFields("secret", "wrong"), []string{"could not assume the role", "aws_secret_access_key does not belong to aws_access_key_id"}, true},
		{"no ARN of a role", roleFields("role", "dify"), []string{`aws_role_arn is "dify", which is not the ARN of a role`}, false},
		{"the ARN of a user", roleFields("role", "arn:aws:iam::444444444444:user/dify"), []string{"which is not the ARN of a role"}, false},
		{"an external ID without a role", roleFields("role", ""), []string{"aws_external_id is filled in without aws_role_arn"}, false},
		{"an external ID with blanks", roleFields("external", "a b"), []string{"aws_external_id has a form that AWS does not accept"}, false},
		{"a role without keys", fields("role", roles.Roles[0].ARN(roles)), []string{"DIFYPLUGIN_AMBIENT_AWS=on"}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := len(cloud.Box.Requests())
			failed := tools.FailAs(t, tt.saved, "whoami", nil)
			for _, part := range tt.says {
				if !strings.Contains(failed.Message, part) {
					t.Errorf("the error lacks %q: %s", part, failed.Message)
				}
			}
			if sent := len(cloud.Box.Requests()) > before; sent != tt.sent || failed.Type != "InvokeAuthorizationError" {
				t.Errorf("%s, something was sent: %t", failed.Type, sent)
			}
		})
	}
}

func TestTenantsNeverGetEachOthersIdentity(t *testing.T) {
	cloud := startWithRoles(t)
	const tenants = 20
	type tenant struct {
		saved map[string]any
		arn   string
	}
	var all []tenant
	for i := range tenants {
		id := fmt.Sprintf("5000000000%02d", i)
		key := aws.Key{AccessKeyID: fmt.Sprintf("AKIATENANT%010d", i), SecretAccessKey: fmt.Sprintf("secret-of-tenant-%d", i), User: fmt.Sprintf("tenant%d", i)}
		a := aws.Account{ID: id, Keys: []aws.Key{key}, Roles: []aws.Role{{Name: "r", Trusts: []string{"arn:aws:iam::" + id + ":user/*"}}}}
		if err := cloud.AddAccount(a); err != nil {
			t.Fatal(err)
		}
		saved := fields("id", key.AccessKeyID, "secret", key.SecretAccessKey)
		arn := "arn:aws:iam::" + id + ":user/" + key.User
		if i%2 == 0 {
			saved["aws_role_arn"] = a.Roles[0].ARN(a)
			arn = "arn:aws:sts::" + id + ":assumed-role/r/dify-my-aws-tools"
		}
		all = append(all, tenant{saved, arn})
	}
	tools := run(t, cloud)
	var running sync.WaitGroup
	for _, who := range all {
		for range 5 {
			running.Go(func() {
				result, err := tools.Tool(t.Context(), toolstest.Caller(who.saved), "whoami", nil)
				if err != nil || string(result.Variables["arn"]) != fmt.Sprintf("%q", who.arn) {
					t.Errorf("%s acts as %s, %v", who.arn, result.Variables["arn"], err)
				}
			})
		}
	}
	running.Wait()
	assumptions := 0
	for _, operation := range cloud.Operations() {
		if operation == "sts.AssumeRole" {
			assumptions++
		}
	}
	if assumptions != tenants/2 {
		t.Errorf("%d roles were assumed for %d tenants that have one", assumptions, tenants/2)
	}
}

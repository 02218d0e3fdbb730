package account

import (
	"context"
	"errors"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/cloudplugins/difyplugin/plugin"
)

// verifySwitch is the variable with which an operator turns the request of Check off, where plugins cannot reach STS.
const verifySwitch = "DIFYPLUGIN_VERIFY_AWS"

// Check is the check of the provider's credentials when a user saves them. What is written wrong is named without a
// request. Credentials without keys and without a role are accepted, because every tool can have keys of its own.
// Otherwise STS is asked whose keys they are, after a role has been assumed if there is one, unless the operator sets
// DIFYPLUGIN_VERIFY_AWS=off or the endpoint that is entered has no STS.
func Check(ctx context.Context, saved plugin.Credentials) error {
	process, err := processOf(ctx)
	if err != nil {
		return err
	}
	stored, storedErr := readEntry(saved)
	if !stored.keys.set() && !stored.role.set() {
		_, regionErr := chooseRegion("", stored.region, stored.endpoint.set())
		return joinSentences(plugin.InvalidCredentials, storedErr, stored.role.check(), regionErr)
	}
	a, err := process.open(entry{}, saved)
	if err != nil {
		return err
	}
	if strings.EqualFold(strings.TrimSpace(os.Getenv(verifySwitch)), "off") {
		return nil
	}
	return a.verify(ctx)
}

// verify asks STS who the account is.
func (a *Account) verify(ctx context.Context) error {
	if _, own := a.endpoint.of(STS); a.endpoint.set() && !own && !a.identity.role.set() {
		return nil // the keys are those of another store, which AWS's own STS does not know
	}
	_, err := sts.NewFromConfig(a.Config(STS)).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if a.hasNoSTS(err) {
		return nil
	}
	return Error(err, Operation{
		Doing: "verify the AWS credentials", Service: "STS", Action: "sts:GetCallerIdentity", Region: a.region,
	})
}

// hasNoSTS reports whether an endpoint for every service has shown that STS is not among them: by an answer about
// anything but the credentials.
func (a *Account) hasNoSTS(err error) bool {
	_, forAll := a.endpoint[everyService]
	_, forSTS := a.endpoint[STS]
	if err == nil || !forAll || forSTS {
		return false
	}
	var known *plugin.Error
	if errors.As(err, &known) {
		return false
	}
	status, _ := statusAndID(err)
	return status != 0 && !credentialFault(err)
}

// credentialFault reports whether an answer is about the credentials themselves.
func credentialFault(err error) bool {
	found, ok := faults()[Code(err)]
	return ok && found.Kind == plugin.Authorization && !strings.Contains(found.Text, "{action}")
}

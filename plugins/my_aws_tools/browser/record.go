package browser

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/account"
)

const (
	// recordPath is the folder of the parameters, which an owner of the account may purge at any time.
	recordPath = "/browser-session"
	// longestSession is how long AgentCore lets a session run. What is older describes nothing that exists.
	longestSession = 8 * time.Hour
	// sweeping bounds the removal of parameters whose time is over, and maxSwept how many one call removes.
	sweeping = 10 * time.Second
	maxSwept = 20
)

// record is what the parameter of a session holds. It is all that finding and connecting to a browser takes: whoever
// may read it may watch and drive the browser for as long as it runs.
type record struct {
	SessionID string            `json:"session_id"`
	URL       string            `json:"ws_url"`
	Headers   map[string]string `json:"ws_headers"`
	// Expires is when the session ends; zero in parameters that others have written.
	Expires time.Time `json:"expires_at,omitzero"`
}

// expired reports whether the session is over.
func (r record) expired(now time.Time) bool { return !r.Expires.IsZero() && !now.Before(r.Expires) }

// recordName is the name of the parameter of a session.
func recordName(id string) string { return recordPath + "/" + id }

// records are the parameters of one account.
type records struct {
	acct   *account.Account
	client *ssm.Client
}

func newRecords(acct *account.Account) records {
	return records{acct: acct, client: ssm.NewFromConfig(acct.Config(account.SSM))}
}

// policy is a parameter policy, as PutParameter takes it.
type policy struct {
	Type       string
	Version    string
	Attributes map[string]string
}

// put writes the parameter of a session, for which Parameter Store itself sees to its end. Only advanced parameters may
// have an end, and they hold 8 KiB, which temporary keys with their long tokens need.
func (r records) put(ctx context.Context, of record) error {
	value, err := json.Marshal(of)
	if err != nil {
		return plugin.Errorf(plugin.Unavailable, "the parameter %s cannot be written: %w", recordName(of.SessionID), err)
	}
	ends, err := json.Marshal([]policy{{"Expiration", "1.0", map[string]string{"Timestamp": of.Expires.UTC().Format("2006-01-02T15:04:05.000Z")}}})
	if err != nil {
		return plugin.Errorf(plugin.Unavailable, "the parameter %s cannot be written: %w", recordName(of.SessionID), err)
	}
	_, err = r.client.PutParameter(ctx, &ssm.PutParameterInput{
		Name: aws.String(recordName(of.SessionID)), Value: aws.String(string(value)), Type: types.ParameterTypeSecureString,
		Tier: types.ParameterTierAdvanced, Policies: aws.String(string(ends)), Overwrite: aws.Bool(true),
	})
	return account.Error(err, r.operation("write the parameter "+recordName(of.SessionID), "ssm:PutParameter", of.SessionID))
}

// notFound is the code of the error about a parameter that does not exist.
const notFound = "ParameterNotFound"

// get reads the parameter of a session, of whichever of the plugins has written it. One whose time is over is deleted
// and not returned.
func (r records) get(ctx context.Context, id string) (record, error) {
	name := recordName(id)
	out, err := r.client.GetParameter(ctx, &ssm.GetParameterInput{Name: aws.String(name), WithDecryption: aws.Bool(true)})
	if err != nil {
		return record{}, account.Error(err, r.operation("read the parameter "+name, "ssm:GetParameter", id))
	}
	var found record
	if out.Parameter == nil || json.Unmarshal([]byte(aws.ToString(out.Parameter.Value)), &found) != nil || found.URL == "" {
		return record{}, plugin.Errorf(plugin.BadRequest, "the parameter %s does not describe a browser session: delete it, and start a session with init_browser_session", name)
	}
	if found.SessionID != "" && found.SessionID != id {
		return record{}, plugin.Errorf(plugin.BadRequest, "the parameter %s describes another session than %s: delete it, and start a session with init_browser_session", name, id)
	}
	if !found.expired(time.Now()) {
		return found, nil
	}
	over := plugin.Errorf(plugin.BadRequest, "the browser session %s has reached its time limit and has ended: start another one with init_browser_session", id)
	if _, err := r.delete(ctx, id); err != nil {
		return record{}, plugin.Errorf(plugin.BadRequest, "%w. What is left of it remains: %w", over, err)
	}
	return record{}, over
}

// delete deletes the parameter of a session and reports whether it was there.
func (r records) delete(ctx context.Context, id string) (was bool, err error) {
	_, err = r.client.DeleteParameter(ctx, &ssm.DeleteParameterInput{Name: aws.String(recordName(id))})
	if account.Code(err) == notFound {
		return false, nil
	}
	return err == nil, account.Error(err, r.operation("delete the parameter "+recordName(id)+", which lets its readers into the browser until it ends",
		"ssm:DeleteParameter", id))
}

// sweep deletes the parameters of sessions whose time is over. It looks at their names and policies only. Nobody waits
// for it to succeed: what it cannot do the next one does, and Parameter Store does by itself.
func (r records) sweep(ctx context.Context, log *slog.Logger) {
	ctx, cancel := context.WithTimeout(ctx, sweeping)
	defer cancel()
	left := maxSwept
	pages := ssm.NewDescribeParametersPaginator(r.client, &ssm.DescribeParametersInput{
		MaxResults:       aws.Int32(50),
		ParameterFilters: []types.ParameterStringFilter{{Key: aws.String("Path"), Option: aws.String("OneLevel"), Values: []string{recordPath}}},
	})
	for pages.HasMorePages() && left > 0 {
		page, err := pages.NextPage(ctx)
		if err != nil {
			log.Warn("parameters of ended browser sessions were not looked for", "code", account.Code(err))
			return
		}
		for _, p := range page.Parameters {
			id, below := sessionOf(aws.ToString(p.Name))
			if !below || left == 0 || !isOver(p, time.Now()) {
				continue
			}
			left--
			if _, err := r.delete(ctx, id); err != nil {
				log.Warn("the parameter of an ended browser session was not deleted", "code", account.Code(err))
				return
			}
		}
	}
}

// sessionOf is the session that a parameter is about. What others keep in the folder is not touched.
func sessionOf(name string) (id string, ok bool) {
	if len(name) <= len(recordPath)+1 {
		return "", false
	}
	id = name[len(recordPath)+1:]
	return id, isSessionID(id)
}

// isOver reports whether the session of a parameter has ended: its policy says so, or it is older than any session.
func isOver(p types.ParameterMetadata, now time.Time) bool {
	if p.LastModifiedDate != nil && now.Sub(*p.LastModifiedDate) > longestSession {
		return true
	}
	for _, inline := range p.Policies {
		var stated policy
		if json.Unmarshal([]byte(aws.ToString(inline.PolicyText)), &stated) != nil || stated.Type != "Expiration" {
			continue
		}
		if at, err := time.Parse(time.RFC3339, stated.Attributes["Timestamp"]); err == nil && now.After(at) {
			return true
		}
	}
	return false
}

func (r records) operation(doing, action, id string) account.Operation {
	return account.Operation{
		Doing: doing, Service: "Parameter Store", Action: action, Region: r.acct.Region(),
		Resource: "arn:" + r.acct.Partition() + ":ssm:" + r.acct.Region() + ":*:parameter" + recordName(id),
		Faults: map[string]account.Fault{
			notFound: {Kind: plugin.BadRequest, Text: "there is no such parameter in the region {region}, so the session was never started with these credentials and in this region, " +
				"was closed, or has ended: start one with init_browser_session, and use its session_id"},
			"InvalidKeyId":                   {Kind: plugin.Authorization, Text: "the KMS key of the parameter cannot be used: give these credentials the use of the key alias/aws/ssm{said}"},
			"ParameterLimitExceeded":         {Kind: plugin.RateLimit, Text: "the account has as many parameters as its quota allows: delete some of " + recordPath + "/, or raise the quota{said}"},
			"PoliciesLimitExceededException": {Kind: plugin.RateLimit, Text: "the account has as many parameter policies as its quota allows{said}"},
			"TooManyUpdates":                 {Kind: plugin.RateLimit, Text: "somebody else is writing the same parameter: try again in a minute{said}"},
			"ValidationException":            {Kind: plugin.BadRequest, Text: "Parameter Store does not accept the parameter{said}"},
		},
	}
}

package plugin

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/cloudplugins/difyplugin/internal/fetch"
	"github.com/cloudplugins/difyplugin/internal/transport"
	"github.com/cloudplugins/difyplugin/internal/wire"
)

// configure reads what the environment says about the host.
func (p *Plugin) configure(getenv func(string) string) error {
	l, err := readLimits(getenv)
	if err != nil {
		return err
	}
	client, err := fetch.New(fetch.FromEnv(getenv))
	if err != nil {
		return err
	}
	p.limits, p.budget, p.fetch = l, newBudget(inlineBudget), &fetchSource{client: client}
	return nil
}

func (p *Plugin) newCall(req wire.Request, out *transport.Session) *Call {
	call := &Call{
		UserID:      req.UserID,
		plugin:      p,
		session:     out,
		part:        "the plugin",
		drive:       req.Type == wire.TypeDatasource,
		credentials: credentialsOf(req.Credentials),
	}
	for _, name := range []string{req.Tool, req.Datasource, req.ProviderAction} {
		if name != "" {
			call.part = name
		}
	}
	call.redactor = newRedactor(p.secretValues(req.Credentials))
	return call
}

// dispatch finds what the request asks for. The provider's name is not looked at: a plugin has one.
func (p *Plugin) dispatch(ctx context.Context, req wire.Request, call *Call) error {
	switch req.Type + "/" + req.Action {
	case wire.TypeTool + "/" + wire.ActionInvokeTool:
		return p.invokeTool(ctx, req, call)
	case wire.TypeTool + "/" + wire.ActionValidateTool:
		return p.validate(ctx, call, p.checkTool)
	case wire.TypeDynamicParameter + "/" + wire.ActionFetchOptions:
		return p.fetchOptions(ctx, req, call)
	case wire.TypeDatasource + "/" + wire.ActionValidateDatasource:
		if p.drive == nil {
			return p.unknown(req)
		}
		return p.validate(ctx, call, p.drive.Check)
	case wire.TypeDatasource + "/" + wire.ActionBrowseDrive:
		return p.browse(ctx, req, call)
	case wire.TypeDatasource + "/" + wire.ActionDownloadDrive:
		return p.download(ctx, req, call)
	default:
		return p.unknown(req)
	}
}

func (p *Plugin) unknown(req wire.Request) error {
	return Errorf(BadRequest, "this plugin does not serve the action %q of type %q; check that its version fits this Dify", req.Action, req.Type)
}

func (p *Plugin) invokeTool(ctx context.Context, req wire.Request, call *Call) error {
	t := p.tools[req.Tool]
	if t == nil {
		return Errorf(BadRequest, "this plugin has no tool named %q; it has: %s", req.Tool, list(slices.Sorted(maps.Keys(p.tools))))
	}
	return t.invoke(ctx, p, call, req.ToolParameters)
}

func (p *Plugin) validate(ctx context.Context, call *Call, check func(context.Context, Credentials) error) error {
	if check != nil {
		if err := check(ctx, call.credentials); err != nil {
			return err
		}
	}
	return call.session.Stream(map[string]bool{"result": true})
}

type wireOption struct {
	Value string            `json:"value"`
	Label map[string]string `json:"label"`
	Icon  string            `json:"icon,omitempty"`
}

func (p *Plugin) fetchOptions(ctx context.Context, req wire.Request, call *Call) error {
	list := p.options[optionsKey{req.ProviderAction, req.Parameter}]
	if list == nil {
		return Errorf(BadRequest, "parameter %q of %q has no list of options in this plugin", req.Parameter, req.ProviderAction)
	}
	options, err := list(ctx, call)
	if err != nil {
		return err
	}
	answer := make([]wireOption, 0, len(options))
	for _, o := range options {
		if o.Value == "" {
			return Errorf(Unavailable, "the list of options for %q holds one without a value", req.Parameter)
		}
		answer = append(answer, wireOption{o.Value, optionLabel(o), o.Icon})
	}
	return sendError(call.session.Stream(map[string]any{"options": answer}), call.part)
}

// optionLabel makes sure that there is an English label within the length that the host takes: it refuses the whole
// list for one that is empty or too long.
func optionLabel(o Option) map[string]string {
	label := map[string]string{"en_US": o.Value}
	for locale, text := range o.Label {
		if text != "" {
			label[locale] = text
		}
	}
	for locale, text := range label {
		if runes := []rune(text); len(runes) > maxLabel {
			label[locale] = string(runes[:maxLabel-1]) + "…"
		}
	}
	return label
}

// maxLabel is the longest label in characters that the host takes.
const maxLabel = 1023

// environment is what the process inherited: a transport is made once, before any plugin exists.
func environment() fetch.Config { return fetch.FromEnv(os.Getenv) }

func list(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// sendError tells the user what a failure to send means.
func sendError(err error, part string) error {
	var long *transport.LineTooLongError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &long):
		return Errorf(BadRequest, "%s made a result of %s, and the host takes at most %s in one piece: "+
			"ask for less, or have the operator raise PLUGIN_RUNTIME_MAX_BUFFER_SIZE", part, byteCount(int64(long.Size)), byteCount(int64(long.Limit)))
	default:
		return fmt.Errorf("send a result: %w", err)
	}
}

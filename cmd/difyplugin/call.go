package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/cloudplugins/difyplugin/host"
)

const callHelp = `Start a plugin, call one action of it, and print its messages as they arrive.

Usage:

    difyplugin call [flags] PLUGIN tool NAME [PARAMETER=VALUE ...]
    difyplugin call [flags] PLUGIN validate
    difyplugin call [flags] PLUGIN options TOOL PARAMETER
    difyplugin call [flags] PLUGIN browse [bucket=NAME] [prefix=FOLDER/] [max_keys=N] [next=JSON]
    difyplugin call [flags] PLUGIN download [bucket=NAME] id=ID

PLUGIN is a plugin's folder, whose Go source is built first, or a program. Files that the plugin hands over are saved
into the folder of -o; nothing there is overwritten.

A value that is JSON is passed as JSON (true, 3, {"a":1}); anything else is text. NAME:=TEXT passes text as it is.

Credentials come from a JSON file (-credentials) and from the environment: DIFYPLUGIN_CREDENTIAL_SECRET_ID is the field
secret_id. The environment wins.

Examples:

    difyplugin call ./plugins/tencent_cos_storage -h
    difyplugin call -credentials cos.json ./plugins/tencent_cos_storage validate
    difyplugin call -credentials cos.json ./plugins/tencent_cos_storage browse bucket=docs-1250000000 prefix=2026/
    difyplugin call -credentials cos.json -o files ./plugins/tencent_cos_storage download bucket=docs-1250000000 id=a.pdf
    difyplugin call ./my_plugin tool greet name=Ada times=3
    difyplugin call -params input.json ./my_plugin tool greet
`

// callFlags are the flags of the command.
type callFlags struct {
	credentials, params, output string
	provider, datasource, user  string
	asJSON, verbose             bool
	timeout                     time.Duration
}

func runCall(ctx context.Context, s streams, args []string) error {
	var f callFlags
	flags := newFlags(s, "call", callHelp)
	flags.StringVar(&f.credentials, "credentials", "", "JSON `file` with the credentials, an object of fields")
	flags.StringVar(&f.params, "params", "", "JSON `file` with the parameters of a tool, an object; PARAMETER=VALUE adds to it")
	flags.StringVar(&f.output, "o", ".", "`folder` for the files that the plugin hands over")
	flags.StringVar(&f.provider, "provider", "", "`name` of the provider, for a program without a manifest")
	flags.StringVar(&f.datasource, "datasource", "", "`name` of the data source, for a program without a manifest")
	flags.StringVar(&f.user, "user", "difyplugin", "`id` of the Dify user on whose behalf the call is made")
	flags.DurationVar(&f.timeout, "timeout", 600*time.Second, "how long the call may take")
	flags.BoolVar(&f.asJSON, "json", false, "print each message as one line of JSON, as it is on the wire")
	flags.BoolVar(&f.verbose, "v", false, "print the plugin's own log lines")
	if err := parse(flags, args); err != nil {
		return err
	}
	if flags.NArg() < 2 {
		return usagef("a plugin and an action are needed")
	}
	return f.call(ctx, s, flags.Arg(0), flags.Arg(1), flags.Args()[2:])
}

func (f callFlags) call(ctx context.Context, s streams, path, action string, args []string) error {
	credentials, err := readCredentials(f.credentials, os.Environ())
	if err != nil {
		return err
	}
	params, err := readParameters(f.params)
	if err != nil {
		return err
	}
	if _, known := requestMakers()[action]; !known {
		return usagef("there is no action %q: tool, validate, options, browse, download", action)
	}
	plugin, err := newTarget(ctx, path, s.err)
	if err != nil {
		return err
	}
	defer plugin.cleanup()
	who := host.Caller{UserID: f.user, Provider: firstOf(f.provider, plugin.providerName(), "plugin"), Credentials: credentials, CredentialType: "api-key"}
	request, err := requestMakers()[action](plugin, f, who, params, args)
	if err != nil {
		return err
	}
	return f.run(ctx, s, plugin, request)
}

// requestMaker turns the arguments after the action into a request.
type requestMaker func(t *target, f callFlags, who host.Caller, params map[string]any, args []string) (host.Request, error)

func requestMakers() map[string]requestMaker {
	return map[string]requestMaker{
		"tool": toolRequest, "validate": validateRequest, "options": optionsRequest,
		"browse": browseRequest, "download": downloadRequest,
	}
}

// run starts the plugin, makes the call and prints what comes.
func (f callFlags) run(ctx context.Context, s streams, t *target, request host.Request) error {
	uploads, err := os.MkdirTemp("", "difyplugin-uploads-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(uploads)
	dify, err := host.NewDify(host.DifyOptions{Folder: uploads, Permissions: t.permissions()})
	if err != nil {
		return err
	}
	defer dify.Close()

	t.command.Env = append(os.Environ(), "INSTALL_METHOD=local", "DIFYPLUGIN_PROGRESS=messages")
	t.command.Stderr = s.err
	opts := host.Options{Backend: dify, ExecutionTimeout: f.timeout}
	if f.verbose {
		opts.OnLog = func(l host.Log) { fmt.Fprintf(s.err, "%s %s\n", l.Level, l.Message) }
	}
	opts.OnViolation = func(v *host.Violation) { fmt.Fprintf(s.err, "the plugin broke the protocol: %v\n", v) }
	process, err := host.Start(ctx, t.command, opts)
	if err != nil {
		return err
	}
	defer process.Close()
	return f.print(s, process.Call(ctx, request))
}

func (f callFlags) print(s streams, messages iter.Seq2[host.Message, error]) error {
	p := &printer{streams: s, folder: f.output, asJSON: f.asJSON, progress: newProgress(s.err)}
	for m, err := range messages {
		if err != nil {
			return explain(err)
		}
		if err := p.print(m); err != nil {
			return err
		}
	}
	return nil
}

// explain shows a plugin's failure as Dify would: its sentence, and its kind.
func explain(err error) error {
	var failure *host.PluginError
	if errors.As(err, &failure) {
		return fmt.Errorf("%s\n(%s)", failure.Message, failure.Type)
	}
	return err
}

func toolRequest(_ *target, _ callFlags, who host.Caller, params map[string]any, args []string) (host.Request, error) {
	if len(args) == 0 {
		return host.Request{}, usagef("tool: the tool's name is missing")
	}
	if err := assign(params, args[1:]); err != nil {
		return host.Request{}, err
	}
	return host.ToolRequest(who, args[0], params), nil
}

func validateRequest(t *target, f callFlags, who host.Caller, _ map[string]any, args []string) (host.Request, error) {
	if len(args) > 0 {
		return host.Request{}, usagef("validate takes no arguments")
	}
	if f.datasource != "" || t.datasourceName() != "" {
		return host.Request{Caller: who, Type: "datasource", Action: "validate_datasource_credentials"}, nil
	}
	return host.Request{Caller: who, Type: "tool", Action: "validate_tool_credentials"}, nil
}

func optionsRequest(_ *target, _ callFlags, who host.Caller, _ map[string]any, args []string) (host.Request, error) {
	if len(args) != 2 {
		return host.Request{}, usagef("options: a tool and a parameter are needed")
	}
	return host.Request{
		Caller: who, Type: "dynamic_parameter", Action: "fetch_parameter_options",
		Fields: map[string]any{"provider_action": args[0], "parameter": args[1]},
	}, nil
}

func browseRequest(t *target, f callFlags, who host.Caller, _ map[string]any, args []string) (host.Request, error) {
	given := map[string]any{"bucket": nil, "prefix": "", "max_keys": 20, "next": nil}
	if err := assignKnown(given, args); err != nil {
		return host.Request{}, err
	}
	given["next_page_parameters"] = given["next"]
	delete(given, "next")
	return driveRequest(t, f, who, "invoke_online_drive_browse_files", given)
}

func downloadRequest(t *target, f callFlags, who host.Caller, _ map[string]any, args []string) (host.Request, error) {
	given := map[string]any{"bucket": nil, "id": ""}
	if err := assignKnown(given, args); err != nil {
		return host.Request{}, err
	}
	if given["id"] == "" {
		return host.Request{}, usagef("download: id=ID is missing")
	}
	return driveRequest(t, f, who, "invoke_online_drive_download_file", given)
}

func driveRequest(t *target, f callFlags, who host.Caller, action string, request map[string]any) (host.Request, error) {
	return host.Request{
		Caller: who, Type: "datasource", Action: action,
		Fields: map[string]any{"datasource": firstOf(f.datasource, t.datasourceName(), "datasource"), "request": request},
	}, nil
}

// assign adds NAME=VALUE and NAME:=TEXT arguments to params.
func assign(params map[string]any, args []string) error {
	for _, arg := range args {
		name, value, ok := strings.Cut(arg, "=")
		if !ok || name == "" {
			return usagef("%q is not PARAMETER=VALUE", arg)
		}
		if text, isText := strings.CutSuffix(name, ":"); isText {
			params[text] = value
			continue
		}
		params[name] = jsonOrText(value)
	}
	return nil
}

// assignKnown is assign for a fixed set of names. Buckets, prefixes and ids are text even when they look like numbers.
func assignKnown(given map[string]any, args []string) error {
	for _, arg := range args {
		name, value, ok := strings.Cut(arg, "=")
		if _, known := given[name]; !ok || !known {
			return usagef("%q is not one of the arguments that this action takes", arg)
		}
		switch name {
		case "max_keys":
			n, err := strconv.Atoi(value)
			if err != nil || n < 1 {
				return usagef("max_keys must be a whole number from 1, it is %q", value)
			}
			given[name] = n
		case "next":
			given[name] = jsonOrText(value)
		default:
			given[name] = value
		}
	}
	return nil
}

func jsonOrText(value string) any {
	dec := json.NewDecoder(strings.NewReader(value))
	dec.UseNumber()
	var parsed any
	if err := dec.Decode(&parsed); err != nil || dec.More() {
		return value
	}
	return parsed
}

func readParameters(file string) (map[string]any, error) {
	params := map[string]any{}
	if file == "" {
		return params, nil
	}
	return params, readObject(file, &params)
}

// credentialPrefix is what the names of credentials in the environment begin with.
const credentialPrefix = "DIFYPLUGIN_CREDENTIAL_"

func readCredentials(file string, environ []string) (map[string]any, error) {
	credentials := map[string]any{}
	if file != "" {
		if err := readObject(file, &credentials); err != nil {
			return nil, err
		}
	}
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		if field, ok := strings.CutPrefix(name, credentialPrefix); ok && field != "" {
			credentials[strings.ToLower(field)] = value
		}
	}
	return credentials, nil
}

// readObject reads a JSON object from a file. Its errors never quote the file, which may hold secrets.
func readObject(file string, into *map[string]any) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return usageError{err.Error()}
	}
	dec := json.NewDecoder(strings.NewReader(string(data)))
	dec.UseNumber()
	if err := dec.Decode(into); err != nil || *into == nil {
		return usagef("%s is not a JSON object", file)
	}
	return nil
}

func firstOf(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}

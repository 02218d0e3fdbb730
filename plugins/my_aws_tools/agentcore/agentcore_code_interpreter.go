package agentcore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/bedrockagentcore/types"

	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/account"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/param"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/result"
)

// builtIn is the code interpreter that every account has.
const builtIn = "aws.codeinterpreter.v1"

// maxLife is how long a session can live.
const maxLife = 8 * time.Hour

var (
	interpreterID = lazily(`^(aws\.codeinterpreter\.v1|[a-zA-Z][a-zA-Z0-9_]{0,47}-[a-zA-Z0-9]{10})$`)
	codeSessionID = lazily(`^[0-9a-zA-Z]{1,40}$`)
)

// InterpretInput is the input of agentcore_code_interpreter.
type InterpretInput struct {
	account.AliasInput
	Language           string             `param:"language"`
	Code               string             `param:"code,literal"`
	Command            string             `param:"command,literal"`
	SessionID          string             `param:"session_id"`
	SessionIDInput     string             `param:"session_id_input"`
	InterpreterID      string             `param:"code_interpreter_id"`
	InterpreterIDInput string             `param:"code_interpreter_id_input"`
	Keep               bool               `param:"keep_session"`
	Life               time.Duration      `param:"session_timeout_seconds,unit=s"`
	InputFiles         []plugin.InputFile `param:"input_files"`
	OutputFiles        string             `param:"output_files"`
}

// Interpret runs a command, then code, in a session of a code interpreter. Files can be put there before, and fetched
// from there afterwards.
//
// A session that is named is used and left as it is. Without one, a session is started, and stopped at the end of the
// call however that comes; keep_session leaves it running until its timeout. Where a session goes on after an error,
// the error names it.
//
// It sends a JSON object with one result for the command and one for the code, in that order, and then the files:
// images and other bytes that the service sent, the output files, and texts that are too long to be shown whole. What
// result holds is JSON text, with content, structuredContent and isError as the service has them; in place of bytes
// stands the name of their file.
//
// A program that ends with an error is a result like others, with is_error true: the tool has done its work, and what
// the program said is there to be read. What the service itself could not run fails the tool.
func Interpret(ctx context.Context, call *plugin.Call, in InterpretInput) error {
	j, err := in.read()
	if err != nil {
		return err
	}
	acct, err := in.Open(ctx, call)
	if err != nil {
		return err
	}
	if j.inputs, err = fetch(ctx, in.InputFiles); err != nil {
		return err
	}
	s := openSession(acct, j)
	done, err := j.work(ctx, call, s)
	if err != nil {
		return s.explainState(err)
	}
	return j.send(ctx, call, s, done)
}

// job is what is to be run and where, checked.
type job struct {
	code, command          string
	language               types.ProgrammingLanguage
	interpreter, sessionID string
	keep                   bool
	life                   time.Duration
	inputs                 []types.InputContentBlock
	outputs                []string
}

// read checks the parameters.
func (in InterpretInput) read() (job, error) {
	j := job{
		code: in.Code, command: in.Command, language: types.ProgrammingLanguage(in.Language),
		interpreter: cmp.Or(identifier(in.InterpreterIDInput), identifier(in.InterpreterID), builtIn),
		sessionID:   cmp.Or(identifier(in.SessionIDInput), identifier(in.SessionID)),
		keep:        in.Keep, life: in.Life,
	}
	var wrong param.Problems
	var err error
	j.outputs, err = paths(in.OutputFiles)
	wrong.Add("output_files", err)
	wrong.Add("input_files", checkNames(in.InputFiles))
	switch {
	case j.hasCode() && j.language == "":
		wrong.Addf("language", "is missing: choose the language of the code")
	case !j.hasCode() && !j.hasCommand() && len(in.InputFiles) == 0 && len(j.outputs) == 0 && err == nil:
		wrong.Addf("code", "and command are both blank, so that there is nothing to run: fill in one of them, or both")
	}
	if !interpreterID().MatchString(j.interpreter) {
		wrong.Addf("code_interpreter_id", "is %q, which is not the ID of a code interpreter: it is written like tools-0a1B2c3D4e, or %s", param.Clip(j.interpreter), builtIn)
	}
	if j.sessionID != "" && !codeSessionID().MatchString(j.sessionID) {
		wrong.Addf("session_id", "is %q: the ID of a session has 1 to 40 letters and digits", param.Clip(j.sessionID))
	}
	if j.life < time.Second || j.life > maxLife || j.life%time.Second != 0 {
		wrong.Addf("session_timeout_seconds", "is %v, and must be a whole number from 1 to %d", j.life.Seconds(), int(maxLife.Seconds()))
	}
	return j, wrong.Err("agentcore_code_interpreter")
}

func (j job) hasCode() bool    { return strings.TrimSpace(j.code) != "" }
func (j job) hasCommand() bool { return strings.TrimSpace(j.command) != "" }

// done is what a job has brought about.
type done struct {
	runs []run
	// read are the output files, in blocks.
	read run
}

// work performs the job in its session, which has ended afterwards unless it was to be kept.
func (j job) work(ctx context.Context, call *plugin.Call, s *session) (done, error) {
	if err := s.begin(ctx, j.life); err != nil {
		return done{}, err
	}
	defer s.end(ctx, call)
	if len(j.inputs) > 0 {
		if _, err := s.perform(ctx, "put the input files into the session", types.ToolNameWriteFiles, &types.ToolArguments{Content: j.inputs}); err != nil {
			return done{}, err
		}
	}
	var d done
	if j.hasCommand() {
		if err := d.run(ctx, s, "command", types.ToolNameExecuteCommand, &types.ToolArguments{Command: &j.command}); err != nil {
			return done{}, err
		}
	}
	if j.hasCode() {
		if err := d.run(ctx, s, "code", types.ToolNameExecuteCode, &types.ToolArguments{Code: &j.code, Language: j.language}); err != nil {
			return done{}, err
		}
	}
	return d, d.fetch(ctx, s, j.outputs)
}

func (d *done) run(ctx context.Context, s *session, kind string, tool types.ToolName, arguments *types.ToolArguments) error {
	made, err := s.perform(ctx, "run the "+kind, tool, arguments)
	if err != nil {
		return err
	}
	made.kind = kind
	d.runs = append(d.runs, made)
	return nil
}

// fetch reads the output files. After a program that has failed, files may well be missing, and what it said matters
// more.
func (d *done) fetch(ctx context.Context, s *session, paths []string) (err error) {
	if len(paths) == 0 {
		return nil
	}
	d.read, err = s.perform(ctx, "read the output files", types.ToolNameReadFiles, &types.ToolArguments{Paths: paths})
	var refused *refusedError
	if errors.As(err, &refused) && d.failed() {
		return nil
	}
	return err
}

// failed reports whether anything that was run has failed.
func (d done) failed() bool {
	return slices.ContainsFunc(d.runs, run.failed)
}

func (j job) send(ctx context.Context, call *plugin.Call, s *session, d done) error {
	var out files
	results := make([]map[string]any, len(d.runs))
	outputs := result.Outputs{"output_text": nil, "stdout": nil, "stderr": nil, "exit_code": nil}
	for i, r := range d.runs {
		shown, err := r.shown(&out)
		if err != nil {
			return err
		}
		results[i] = shown
		r.outputs(&out, outputs)
	}
	d.read.kind = "output"
	d.read.keepFiles(&out)
	object := map[string]any{
		"status": "success", "session_id": s.id, "code_interpreter_id": s.interpreter, "results": results, "session_kept": !s.stopped,
		"files": out.names(),
	}
	for _, name := range []string{"status", "session_id", "code_interpreter_id", "results", "session_kept"} {
		outputs[name] = object[name]
	}
	outputs["is_error"] = d.failed()
	if err := call.JSON(object); err != nil {
		return err
	}
	for _, file := range out.list {
		if err := call.File(ctx, file); err != nil {
			return s.explainState(err)
		}
	}
	return outputs.Send(call)
}

// outputs sets what the last run has brought.
func (r run) outputs(out *files, set result.Outputs) {
	set["output_text"] = out.text(r.kind+"-output.txt", r.text())
	set["stdout"], set["stderr"], set["exit_code"] = nil, nil, nil
	if s := r.structured; s != nil {
		set["stdout"], set["stderr"], set["exit_code"] = r.stream(out, "stdout", s.Stdout), r.stream(out, "stderr", s.Stderr), orNull(s.ExitCode)
	}
}

func orNull[T any](value *T) any {
	if value == nil {
		return nil
	}
	return *value
}

// refusedError is what the service said about something that it could not run.
type refusedError struct{ text string }

func (e *refusedError) Error() string { return e.text }

// checkRun finds out whether a result is one of a program, or of a tool of the service that was not able to run any.
func (r run) checkRun(doing string) error {
	if !r.isError || r.ran() {
		return nil
	}
	text := cmp.Or(strings.TrimSpace(r.text()), "it gives no reason")
	return plugin.Errorf(plugin.BadRequest, "could not %s: the code interpreter says: %w", doing, &refusedError{clipText(text, maxReason)})
}

// maxReason is how much of what the service says an error repeats, in bytes.
const maxReason = 2000

func clipText(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}

// explainState adds to an error the session that goes on after it.
func (s *session) explainState(err error) error {
	switch {
	case s.id == "" || s.stopped || s.gone:
		return err
	case s.keep:
		return plugin.Errorf(plugin.KindOf(err), "%w. The session goes on: to use it, run this tool again with session_id %s and code_interpreter_id %s", err, s.id, s.interpreter)
	}
	return plugin.Errorf(plugin.KindOf(err), "%w. The session %s of the code interpreter %s could not be stopped, and ends by itself when its time is up", err, s.id, s.interpreter)
}

// arn names the code interpreter for policies.
func (s *session) arn() string {
	owner, kind := "*", "code-interpreter-custom"
	if s.interpreter == builtIn {
		owner, kind = "aws", "code-interpreter"
	}
	return fmt.Sprintf("arn:%s:bedrock-agentcore:%s:%s:%s/%s", s.account.Partition(), s.account.Region(), owner, kind, s.interpreter)
}

func seconds(d time.Duration) *int32 { return aws.Int32(int32(d / time.Second)) }

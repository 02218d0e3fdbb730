package agentcore

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/bedrockagentcore"
	"github.com/aws/aws-sdk-go-v2/service/bedrockagentcore/types"

	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/account"
)

const (
	// grace is how much longer than its call a request may take that starts or stops a session: one that is stopped in
	// the middle would leave a session behind of which nobody knows. The host gives a call 15 seconds after its end.
	grace = 5 * time.Second
	// maxOutput is how much the programs and the output files of a call may bring, in bytes. It is held in memory.
	maxOutput = 48 << 20
)

// session is a session of a code interpreter and the way to it.
type session struct {
	account         *account.Account
	interpreter, id string
	// keep says that the session is not stopped: it was there before, or is to stay.
	keep bool
	// stopped says that it was stopped, gone that the service does not know it (any more).
	stopped, gone bool
	// left is how much output may still come.
	left int

	client *bedrockagentcore.Client
	// once sends each request a single time.
	once *bedrockagentcore.Client
	line *account.Line
}

func openSession(acct *account.Account, j job) *session {
	s := &session{
		account: acct, interpreter: j.interpreter, id: j.sessionID, keep: j.keep || j.sessionID != "", left: maxOutput,
	}
	cfg := acct.Config(account.BedrockAgentCore)
	s.client = bedrockagentcore.NewFromConfig(cfg)
	s.line = account.NewLine(cfg.HTTPClient, "AgentCore", 0)
	once := cfg.Copy()
	once.HTTPClient = s.line
	once.Retryer = account.Once(cfg.Retryer)
	s.once = bedrockagentcore.NewFromConfig(once)
	return s
}

// outlive is a context that ends a little later than another.
func outlive(ctx context.Context) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(grace, cancel) })
	return longer, func() { stop(); cancel() }
}

// begin starts a session, unless there is one.
func (s *session) begin(ctx context.Context, life time.Duration) error {
	if s.id != "" {
		return nil
	}
	ctx, cancel := outlive(ctx)
	defer cancel()
	out, err := s.client.StartCodeInterpreterSession(ctx, &bedrockagentcore.StartCodeInterpreterSessionInput{
		CodeInterpreterIdentifier: &s.interpreter, SessionTimeoutSeconds: seconds(life),
	})
	if err == nil && aws.ToString(out.SessionId) == "" {
		err = errors.New("the answer of AgentCore names no session")
	}
	if err != nil {
		return s.explain(err, "start a session of the code interpreter "+s.interpreter, "StartCodeInterpreterSession")
	}
	s.id = *out.SessionId
	return nil
}

// end stops the session, unless it is kept. What goes wrong with that costs no result: the session ends by itself, too.
func (s *session) end(ctx context.Context, call *plugin.Call) {
	if s.keep {
		return
	}
	ctx, cancel := outlive(ctx)
	defer cancel()
	_, err := s.client.StopCodeInterpreterSession(ctx, &bedrockagentcore.StopCodeInterpreterSessionInput{
		CodeInterpreterIdentifier: &s.interpreter, SessionId: &s.id,
	})
	s.stopped = err == nil || account.Code(err) == "ResourceNotFoundException"
	if !s.stopped {
		err = s.explain(err, "stop the session "+s.id, "StopCodeInterpreterSession")
		call.Logger().WarnContext(ctx, "a session of a code interpreter goes on until its time is up", "error", err)
	}
}

// perform has a tool of the service run something, and reads all that it answers.
func (s *session) perform(ctx context.Context, doing string, tool types.ToolName, arguments *types.ToolArguments) (run, error) {
	out, err := s.once.InvokeCodeInterpreter(ctx, &bedrockagentcore.InvokeCodeInterpreterInput{
		CodeInterpreterIdentifier: &s.interpreter, SessionId: &s.id, Name: tool, Arguments: arguments,
	})
	if err != nil {
		return run{}, s.explainRun(err, doing)
	}
	stream := out.GetStream()
	defer stream.Close()
	made, err := s.read(stream)
	if err != nil {
		return run{}, s.explainRun(err, doing)
	}
	return made, made.checkRun(doing)
}

// read reads the events of a stream to their end. Kinds of events that are not known yet are passed over.
func (s *session) read(stream *bedrockagentcore.InvokeCodeInterpreterEventStream) (run, error) {
	var made run
	results := 0
	for event := range stream.Events() {
		said, ok := event.(*types.CodeInterpreterStreamOutputMemberResult)
		if !ok {
			continue
		}
		results++
		if s.left -= size(said.Value); s.left < 0 {
			return run{}, plugin.Errorf(plugin.BadRequest, "there is more output than %d MiB, which is the most for one call: print less, or write it into files and fetch "+
				"them in several calls", maxOutput>>20)
		}
		made.add(said.Value)
	}
	if err := stream.Err(); err != nil {
		return run{}, brokenOff(err)
	}
	if results == 0 {
		return run{}, plugin.Errorf(plugin.Unavailable, "AgentCore ended its answer without a result")
	}
	return made, nil
}

// brokenOff tells an answer whose connection was lost from one that ends with an exception.
func brokenOff(err error) error {
	if account.Code(err) != "" || isOver(err) {
		return err
	}
	return plugin.Errorf(plugin.Connection, "the answer broke off (%s). It may have been run all the same, and was not run a second time", clipText(err.Error(), 200))
}

// explain says what became of a request about the session.
func (s *session) explain(err error, doing, operation string) error {
	return account.Error(err, account.Operation{
		Doing: doing, Service: "AgentCore Code Interpreter", Action: "bedrock-agentcore:" + operation, Resource: s.arn(), Region: s.account.Region(),
		Faults: sessionFaults(),
	})
}

// sessionFaults are the errors of code interpreters, after the API reference of AgentCore.
func sessionFaults() map[string]account.Fault {
	return map[string]account.Fault{
		"ResourceNotFoundException": {Kind: plugin.BadRequest, Text: "there is no such code interpreter in the region {region}, or the session has ended: check " +
			"code_interpreter_id and aws_region, and leave session_id blank to start a new session{said}"},
		"ValidationException": {Kind: plugin.BadRequest, Text: "AgentCore does not accept the request{said}"},
		"ConflictException":   {Kind: plugin.RateLimit, Text: "the session is busy with something else: try again when that has ended{said}"},
	}
}

// explainRun says whether something may have been run although its result did not arrive.
func (s *session) explainRun(err error, doing string) error {
	explained := s.explain(err, doing, "InvokeCodeInterpreter")
	s.gone = account.Code(err) == "ResourceNotFoundException"
	if isOver(explained) {
		return plugin.Errorf(plugin.Unavailable, "could not %s within the time that Dify gives a tool", doing)
	}
	var known *plugin.Error
	certain := errors.As(err, &known) || account.Code(err) != "" && plugin.KindOf(explained) != plugin.Unavailable
	if certain || !s.line.Sent() {
		return explained
	}
	return plugin.Errorf(plugin.KindOf(explained), "%w. It may have been run all the same, and was not run a second time", explained)
}

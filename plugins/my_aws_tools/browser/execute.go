package browser

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/chromedp/cdproto/runtime"
	"github.com/cloudplugins/difyplugin/plugin"
)

const (
	// mostResult is how long the JSON of a script's result may be, in characters.
	mostResult = 1 << 20
	// group holds the objects of one call in the page.
	group = "execute_script"
)

// execute runs a script of the user's: an expression, several statements, or a function, which is then called. A
// promise is waited for.
func (t *Tools) execute(ctx context.Context, shown *tab, r request) (answer, error) {
	before, _ := shown.progress()
	limited, cancel := context.WithTimeout(ctx, t.scripting)
	defer cancel()
	defer shown.devtools.tell(shown.session, runtime.CommandReleaseObjectGroup, runtime.ReleaseObjectGroupParams{ObjectGroup: group})
	value, kind, err := shown.run(limited, r.Script)
	if isEnd(err) && ctx.Err() == nil {
		shown.devtools.tell(shown.session, runtime.CommandTerminateExecution, struct{}{})
		return answer{}, plugin.Errorf(plugin.BadRequest, "the script has not ended after %s, and was stopped: let it do less", t.scripting)
	}
	if isReplaced(err) {
		return answer{}, plugin.Errorf(plugin.BadRequest, "the page went to another one while the script was running, and its result is lost: let the script end before it leaves the page")
	}
	if err != nil {
		return answer{}, err
	}
	if err := shown.settle(ctx, before, t.navigation); err != nil {
		return answer{}, err
	}
	return answer{json: map[string]any{"result": value, "result_type": kind, "status": "The script has run"}}, nil
}

// run returns the result of a script as JSON, and its type as JavaScript names it.
func (t *tab) run(ctx context.Context, script string) (value json.RawMessage, kind string, err error) {
	got, err := t.start(ctx, script)
	if err != nil {
		return nil, "", err
	}
	if got.Type == runtime.RemoteObjectTypeFunction && !strings.HasPrefix(got.Description, "class") {
		if got, err = t.apply(ctx, got.ObjectID, "function () { return this(); }", nil, false); err != nil {
			return nil, "", err
		}
	}
	return t.described(ctx, got)
}

// start evaluates a script. What can only be the body of a function is evaluated as one, before any of it has run.
func (t *tab) start(ctx context.Context, script string) (*runtime.RemoteObject, error) {
	got, err := t.eval(ctx, script)
	if thrown, ok := err.(*exception); ok && thrown.isReturn() {
		got, err = t.eval(ctx, "(async () => {"+script+"\n})()")
	}
	if err != nil || got.Subtype != runtime.RemoteObjectSubtypePromise {
		return got, err
	}
	awaited, err := ask(ctx, t.devtools, t.session, runtime.AwaitPromise, runtime.AwaitPromiseParams{PromiseObjectID: got.ObjectID})
	return outcomeOf(awaited.Result, awaited.ExceptionDetails, err)
}

// isReturn reports whether a script was refused for a return outside of a function.
func (e *exception) isReturn() bool {
	return e.details.Exception != nil && e.details.Exception.ClassName == "SyntaxError" && strings.Contains(e.details.Exception.Description, "Illegal return")
}

func (t *tab) eval(ctx context.Context, script string) (*runtime.RemoteObject, error) {
	yes := true
	got, err := ask(ctx, t.devtools, t.session, runtime.Evaluate, runtime.EvaluateParams{
		Expression: script, ObjectGroup: group, AwaitPromise: &yes, UserGesture: &yes, ReplMode: &yes,
	})
	return outcomeOf(got.Result, got.ExceptionDetails, err)
}

// apply calls a function with an object of the page as this.
func (t *tab) apply(ctx context.Context, on runtime.RemoteObjectID, function string, args []*runtime.CallArgument, byValue bool) (*runtime.RemoteObject, error) {
	yes := true
	got, err := ask(ctx, t.devtools, t.session, runtime.CallFunctionOn, runtime.CallFunctionOnParams{
		FunctionDeclaration: function, ObjectID: on, Arguments: args, ObjectGroup: group, AwaitPromise: &yes, UserGesture: &yes, ReturnByValue: &byValue,
	})
	return outcomeOf(got.Result, got.ExceptionDetails, err)
}

func outcomeOf(value *runtime.RemoteObject, thrown *runtime.ExceptionDetails, err error) (*runtime.RemoteObject, error) {
	switch {
	case err != nil:
		return nil, err
	case thrown != nil:
		return nil, &exception{thrown}
	case value == nil:
		return &runtime.RemoteObject{Type: runtime.RemoteObjectTypeUndefined}, nil
	}
	return value, nil
}

// described writes a result as JSON. What JSON cannot hold is described in words between brackets.
func (t *tab) described(ctx context.Context, got *runtime.RemoteObject) (json.RawMessage, string, error) {
	kind := string(got.Type)
	if got.Subtype != "" {
		kind = string(got.Subtype)
	}
	switch {
	case got.ObjectID != "":
		value, err := t.describedObject(ctx, got.ObjectID)
		return value, kind, err
	case got.UnserializableValue != "":
		text := string(got.UnserializableValue)
		if kind == "bigint" {
			text = "BigInt " + strings.TrimSuffix(text, "n")
		}
		value, err := json.Marshal("[" + text + "]")
		return value, kind, err
	case len(got.Value) > mostResult:
		return nil, kind, tooLong(len(got.Value))
	case len(got.Value) > 0:
		return json.RawMessage(got.Value), kind, nil
	}
	return json.RawMessage("null"), kind, nil
}

func (t *tab) describedObject(ctx context.Context, id runtime.RemoteObjectID) (json.RawMessage, error) {
	function, err := script("describe")
	if err != nil {
		return nil, err
	}
	most := fmt.Sprint(mostResult)
	got, err := t.apply(ctx, id, function, []*runtime.CallArgument{{ObjectID: id}, {Value: []byte(most)}}, true)
	if err != nil {
		return nil, err
	}
	var text struct {
		Size  int     `json:"size"`
		Value *string `json:"value"`
	}
	if err := json.Unmarshal(got.Value, &text); err != nil {
		return nil, fmt.Errorf("the result of the script cannot be read: %w", err)
	}
	if text.Value == nil {
		return nil, tooLong(text.Size)
	}
	return json.RawMessage(*text.Value), nil
}

func tooLong(size int) error {
	return plugin.Errorf(plugin.BadRequest, "the result of the script has %d characters, and at most %d are returned: let it return less", size, mostResult)
}

package browser_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/toolstest"
)

const form = `<title>Form</title><form action=/sent method=post>
	<input name=name><input id=mail type=email name=e-mail><textarea name=text></textarea>
	<input name='a"b'><input name="c[d]"><input name="e'f\g">
	<select name=one><option value="">-<option value=r>Red<option value=g>Green<option disabled>Blue</select>
	<select name=many multiple><option>x<option>y<option>z</select>
	<input type=checkbox name=agree value=yes><input type=checkbox name=news checked>
	<input type=checkbox name=likes value=tea><input type=checkbox name=likes value=milk checked><label><input type=checkbox name=likes value=3>Coffee</label>
	<input type=radio name=size value=s checked><input type=radio name=size value=m><label><input type=radio name=size value=l>Large</label>
	<input type=date name=day><input type=number name=count><label for=x1>Your town</label><input id=x1 name=town>
	<input name=off disabled><input name=fixed value=1 readonly><input type=hidden name=token value=1><input type=file name=file><input type=submit name=go>
	</form><div id=note contenteditable=true></div>
	<script>window.heard = []; for (const kind of ["input", "change"]) addEventListener(kind, e => heard.push(kind + " " + (e.target.name || e.target.id)), true)</script>`

// values are what the form holds now.
const values = `() => Object.fromEntries(Array.from(new Set(new FormData(document.forms[0]).keys()), key => [key, new FormData(document.forms[0]).getAll(key).map(String).join("|")]))`

func TestSection3_2Bug5_EveryKindOfFieldIsFilledIn(t *testing.T) {
	c, s := newBrowsers(t), newSite(t)
	id := c.open(t)
	at := s.page("/form", form)
	for _, tt := range []struct{ name, data, field, want string }{
		{"a text", `{"name": "Ada 世界"}`, "name", "Ada 世界"},
		{"no text", `{"name": ""}`, "name", ""},
		{"null", `{"name": null}`, "name", ""},
		{"a number to the last digit", `{"name": 12345678901234}`, "name", "12345678901234"},
		{"a truth", `{"name": true}`, "name", "true"},
		{"an ID", `{"mail": "a@example.com"}`, "e-mail", "a@example.com"},
		{"several lines", `{"text": "one\ntwo"}`, "text", "one\ntwo"},
		{"a name with quotes", `{"a\"b": "1"}`, `a"b`, "1"},
		{"a name with brackets", `{"c[d]": "1"}`, "c[d]", "1"},
		{"a name with an apostrophe and a backslash", `{"e'f\\g": "1"}`, `e'f\g`, "1"},
		{"a label", `{"Your town": "Paris"}`, "town", "Paris"},
		{"an option by its value", `{"one": "g"}`, "one", "g"},
		{"an option by its text", `{"one": "Red"}`, "one", "r"},
		{"several options", `{"many": ["x", "z"]}`, "many", "x|z"},
		{"a box that is ticked", `{"agree": true}`, "agree", "yes"},
		{"a box that is ticked already", `{"news": "on"}`, "news", "on"},
		{"a box that is cleared", `{"news": false}`, "news", ""},
		{"a box that is cleared by a text", `{"news": "false"}`, "news", ""},
		{"a group of boxes", `{"likes": ["tea", "Coffee"]}`, "likes", "tea|3"},
		{"one of a group of boxes", `{"likes": 3}`, "likes", "3"},
		{"a radio button by its value", `{"size": "m"}`, "size", "m"},
		{"a radio button by its label", `{"size": "Large"}`, "size", "l"},
		{"a date", `{"day": "2026-11-22"}`, "day", "2026-11-22"},
		{"a count", `{"count": 3.5}`, "count", "3.5"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := c.use(t, id, "fill_form", "url", at, "form_data", tt.data)
			if len(got["filled_fields"].([]any)) != 1 || len(got["errors"].([]any)) != 0 || got["status"] != "Filled in 1 of 1 fields" {
				t.Errorf("%v", got)
			}
			held := c.use(t, id, "execute_script", "script", values)["result"].(map[string]any)
			if have, _ := held[tt.field].(string); have != tt.want {
				t.Errorf("%s is %q, want %q", tt.field, have, tt.want)
			}
		})
	}
	c.use(t, id, "fill_form", "url", at, "form_data", map[string]any{"name": "x", "note": "edited"})
	heard := c.use(t, id, "execute_script", "script", "[heard.join(), note.innerText].join(' ')")["result"]
	if heard != "input name,change name,input note,change note edited" {
		t.Errorf("the page heard %v", heard)
	}
}

func TestSection3_2Bug5_APartialFailureIsVisible(t *testing.T) {
	c, s := newBrowsers(t), newSite(t)
	id := c.open(t)
	at := s.page("/form", form)
	data := `{"none": 1, "name": "x", "off": 1, "fixed": 2, "token": 2, "file": "a", "go": 1, "one": "Blue", "many": ["x", "?"], "size": ["s", "m"], "likes": "beer", "day": "soon", "text": ["a"]}`
	got := c.use(t, id, "fill_form", "url", at, "form_data", data, "submit", true)
	want := []any{
		"none: the page has no field of this name, ID or label", "off: the field cannot be changed", "fixed: the field cannot be changed",
		"token: the field is hidden", "file: files cannot be uploaded", "go: it is a button: use the action click",
		`one: there is no choice "Blue": "", "r", "g"`, `many: there is no choice "?": "x", "y", "z"`, "size: only one choice can be made",
		`likes: there is no choice "beer": "tea", "milk", "3"`, `day: a field of the type date does not take "soon"`, "text: a text field takes one value",
		"the form was not submitted, because of these errors",
	}
	if diff := cmp.Diff(want, got["errors"]); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]any{"name"}, got["filled_fields"]); diff != "" || got["url"] != at || got["status"] != "Filled in 1 of 13 fields, with 13 errors" {
		t.Errorf("%v %v %s", got["url"], got["status"], diff)
	}
	toolstest.WantFailure(t, c.refuse(t, id, "fill_form", "form_data", `{"none": 1, "nor": 2}`), plugin.BadRequest,
		"none of the 2 fields was filled in", "none: the page has no field", "nor: the page has no field")
}

func TestAFormIsSubmittedWhenThatIsWanted(t *testing.T) {
	c, s := newBrowsers(t), newSite(t)
	id := c.open(t)
	var sent []url.Values
	to := s.handle("/sent", func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		sent = append(sent, r.PostForm)
		_, _ = fmt.Fprint(w, "Thank you")
	})
	at := s.page("/order", `<form action=/sent method=post><input name=item required><input name=mail type=email></form>`)
	if got := c.use(t, id, "fill_form", "url", at, "form_data", `{"item": "x"}`); got["url"] != at || len(sent) != 0 {
		t.Errorf("submitted without being asked to: %v", got)
	}
	got := c.use(t, id, "fill_form", "url", at, "form_data", `{"item": "tea", "mail": "a@example.com"}`, "submit", true)
	if got["url"] != to || !strings.HasSuffix(got["status"].(string), "and submitted the form") || len(sent) != 1 || sent[0].Get("item") != "tea" {
		t.Errorf("%v, sent %v", got, sent)
	}
	got = c.use(t, id, "fill_form", "url", at, "form_data", `{"item": "tea", "mail": "nobody"}`, "submit", true)
	if got["url"] != at || !strings.Contains(fmt.Sprint(got["errors"]), "the form was not submitted: mail: ") || len(sent) != 1 {
		t.Errorf("%v", got)
	}
	got = c.use(t, id, "fill_form", "url", s.page("/loose", "<input name=a>"), "form_data", `{"a": "1"}`, "submit", true)
	if !strings.Contains(fmt.Sprint(got["errors"]), "belongs to none") {
		t.Errorf("%v", got)
	}
}

func TestFieldsInShadowTreesAndFramesAreFilledIn(t *testing.T) {
	c, s := newBrowsers(t), newSite(t)
	id := c.open(t)
	at := s.page("/deep", `<div id=host></div><iframe srcdoc="<input name=framed>"></iframe>
		<script>host.attachShadow({mode: "open"}).innerHTML = "<input name=shadowed>"</script>`)
	c.use(t, id, "browse_url", "url", at, "wait_time", 0.2)
	c.use(t, id, "fill_form", "form_data", `{"framed": "1", "shadowed": "2"}`)
	got := c.use(t, id, "execute_script", "script", "frames[0].document.querySelector('input').value + host.shadowRoot.querySelector('input').value")
	if got["result"] != "12" {
		t.Errorf("%v", got)
	}
}

package browser_test

import (
	"bytes"
	"errors"
	"fmt"
	"image/png"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/browser"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/toolstest"
)

const marker = "... [Content truncated]"

func TestBrowseURLReturnsThePage(t *testing.T) {
	c, s := newBrowsers(t), newSite(t)
	id := c.open(t)
	at := s.page("/page", `<title>Ünïcode 标题</title><h1>Überschrift</h1><p>你好，世界 – привет</p><script>document.body.append("late")</script>`)
	s.handle("/old", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/page", http.StatusFound) })
	want := map[string]any{
		"success": true, "title": "Ünïcode 标题", "url": at, "content": "Überschrift\n\n你好，世界 – привет\n\nlate", "status": "Opened " + at, "notices": []any{},
	}
	for _, url := range []string{at, s.URL + "/old", " " + at + " "} {
		if diff := cmp.Diff(want, c.use(t, id, "browse_url", "url", url)); diff != "" {
			t.Errorf("%q: %s", url, diff)
		}
	}
}

func TestLongTextIsCutByCharacters(t *testing.T) {
	c, s := newBrowsers(t), newSite(t)
	id := c.open(t)
	for _, tt := range []struct {
		name, action string
		most         int
	}{{"browse_url", "browse_url", 5000}, {"extract_content", "extract_content", 3000}} {
		for _, character := range []string{"x", "界", "😀"} {
			read := func(length int) string {
				at := s.page(fmt.Sprintf("/%s/%s/%d", tt.name, fmt.Sprintf("%x", character), length), "<p>"+strings.Repeat(character, length))
				got := c.use(t, id, tt.action, "url", at)
				if content, ok := got["content"].(map[string]any); ok {
					return content["text_content"].(string)
				}
				return got["content"].(string)
			}
			if got := read(tt.most); got != strings.Repeat(character, tt.most) {
				t.Errorf("%s: %d characters came back as %d", tt.name, tt.most, utf8.RuneCountInString(got))
			}
			if got := read(tt.most + 1); got != strings.Repeat(character, tt.most)+marker {
				t.Errorf("%s: %d characters came back as %d", tt.name, tt.most+1, utf8.RuneCountInString(got))
			}
		}
	}
}

func TestAPageOfThirtyThousandNodesIsRead(t *testing.T) {
	c, s := newBrowsers(t), newSite(t)
	id := c.open(t)
	at := s.page("/large", "<title>Large</title>"+strings.Repeat("<div><a href=/x>y</a></div>", 15_000)+strings.Repeat("<h2>h</h2>", 1_000))
	content := c.use(t, id, "extract_content", "url", at)["content"].(map[string]any)
	if len(content["links"].([]any)) != 20 || len(content["headings"].([]any)) != 200 || !strings.HasSuffix(content["text_content"].(string), marker) {
		t.Errorf("%d links, %d headings", len(content["links"].([]any)), len(content["headings"].([]any)))
	}
}

func TestExtractContentReturnsThePartsOfAPage(t *testing.T) {
	c, s := newBrowsers(t), newSite(t)
	id := c.open(t)
	at := s.page("/parts", `<title>Parts</title><h2>Second</h2><h1>First</h1><h2> Third
		line </h2><a href="/one">One</a><a href="/none"> </a><a>No link</a><a href="https://example.com/two">Two</a>
		<img src="a.png" alt="An image"><img src="data:image/png;base64,`+strings.Repeat("A", 500)+`"><img alt="none">`)
	result := c.Succeed(t, browserTool, map[string]any{"action": "extract_content", "browser_session_id": id, "url": at, "wait_time": 0})
	content := object(t, result)["content"].(map[string]any)
	delete(content, "text_content")
	want := map[string]any{
		"title": "Parts", "url": at,
		"headings": []any{map[string]any{"level": 1.0, "text": "First"}, map[string]any{"level": 2.0, "text": "Second"}, map[string]any{"level": 2.0, "text": "Third line"}},
		"links":    []any{map[string]any{"text": "One", "url": s.URL + "/one"}, map[string]any{"text": "Two", "url": "https://example.com/two"}},
		"images":   []any{map[string]any{"src": s.URL + "/a.png", "alt": "An image"}, map[string]any{"src": "data:image/png;base64,AAAAAAAAAAAAAAAAAA…", "alt": ""}},
	}
	if diff := cmp.Diff(want, content); diff != "" {
		t.Error(diff)
	}
	if got := string(result.Variables["links"]); !strings.Contains(got, "https://example.com/two") {
		t.Errorf("the output links is %s", got)
	}
	if got := string(result.Variables["content"]); !strings.HasPrefix(got, `"Second`) {
		t.Errorf("the output content is %s", got)
	}
}

func TestTextInShadowTreesAndFramesIsRead(t *testing.T) {
	c, s := newBrowsers(t), newSite(t)
	id := c.open(t)
	s.page("/frame", "<p>in a frame</p><script>document.body.attachShadow({mode: 'open'}).innerHTML = '<p>deep in a frame</p>'</script>")
	at := s.page("/nested", `<p>outside</p><div id=host></div><iframe src=/frame></iframe><iframe src=/frame style="display:none"></iframe><script>
		const root = document.getElementById("host").attachShadow({mode: "open"});
		root.innerHTML = "<style>p { color: red }</style><p>in a shadow</p><a href=/deep>deep link</a><h3>deep heading</h3>";</script>`)
	got := c.use(t, id, "browse_url", "url", at, "wait_time", 0.3)["content"].(string)
	for _, words := range []string{"outside", "in a shadow", "deep in a frame"} {
		if strings.Count(got, words) != 1 {
			t.Errorf("%q stands %d times in %q", words, strings.Count(got, words), got)
		}
	}
	if strings.Contains(got, "color") {
		t.Errorf("a style is in the text: %q", got)
	}
	content := c.use(t, id, "extract_content")["content"].(map[string]any)
	if !strings.Contains(fmt.Sprint(content["links"]), "/deep") || !strings.Contains(fmt.Sprint(content["headings"]), "deep heading") {
		t.Errorf("%v", content)
	}
}

func TestAScreenshotIsAPicture(t *testing.T) {
	c, s := newBrowsers(t), newSite(t)
	id := c.open(t)
	at := s.page("/tall", `<title>Tall</title><body style="margin:0"><div style="height:3000px;background:linear-gradient(red,blue)"></div>`)
	heights := map[bool]int{}
	for _, whole := range []bool{false, true} {
		result := c.Succeed(t, browserTool, map[string]any{"action": "screenshot", "browser_session_id": id, "url": at, "wait_time": 0, "full_page": whole})
		if len(result.Files) != 1 || result.Files[0].Name != "screenshot.png" || result.Files[0].Type != "image/png" {
			t.Fatalf("%+v", result.Files)
		}
		picture, err := result.Files[0].Open()
		if err != nil {
			t.Fatal(err)
		}
		shown, err := png.Decode(picture)
		if err := errors.Join(err, picture.Close()); err != nil {
			t.Fatal(err)
		}
		heights[whole] = shown.Bounds().Dy()
		if got := object(t, result); got["title"] != "Tall" || got["url"] != at {
			t.Errorf("%v", got)
		}
	}
	if heights[true] != 3000 || heights[false] >= 3000 || heights[false] < 100 {
		t.Errorf("heights %v", heights)
	}
}

func TestAClickFollowsALink(t *testing.T) {
	c, s := newBrowsers(t), newSite(t)
	id := c.open(t)
	next := s.page("/next", "<title>Next</title>Arrived")
	slow := make(chan struct{})
	s.handle("/slow", func(w http.ResponseWriter, r *http.Request) {
		select { // the answer takes longer than the click
		case <-slow:
		case <-s.closes:
		}
		http.Redirect(w, r, "/next", http.StatusFound)
	})
	at := s.page("/links", `<a href="/next">Go on</a><div style="height:5000px"></div><button id="far" onclick="location = '/next'">Far away</button>
		<button class="late" onclick="setTimeout(() => location.assign('/next'), 20)">Later</button><p onclick="location = '/next'">Just <b>text</b></p>
		<a href="/slow" id="slow" onclick="fetch('/release')">Slowly</a>
		<div style="position:relative"><a id="covered" href="/next">Covered</a><div style="position:absolute;inset:0"></div></div>
		<iframe srcdoc="<body style='margin:30px'><a href='/next' target=_top>In a frame</a>" style="border:7px solid"></iframe>`)
	s.handle("/release", func(http.ResponseWriter, *http.Request) { close(slow) })
	for _, by := range [][2]string{
		{"click_text", "Go on"},
		{"click_text", "go ON"},
		{"click_text", "Far"},
		{"selector", "#far"},
		{"selector", "button.late"},
		{"click_text", "Just text"},
		{"selector", "#slow"},
		{"selector", "#covered"},
		{"click_text", "In a frame"},
	} {
		c.use(t, id, "browse_url", "url", at, "wait_time", 0.1)
		if got := c.use(t, id, "click", by[0], by[1]); got["url"] != next || got["title"] != "Next" || got["content"] != "Arrived" {
			t.Errorf("%v led to %v", by, got)
		}
	}
}

func TestAClickChangesAPage(t *testing.T) {
	c, s := newBrowsers(t), newSite(t)
	id := c.open(t)
	at := s.page("/counter", `<output>0</output><button onclick="document.querySelector('output').textContent++">Count</button>
		<div id=host></div><script>document.getElementById("host").attachShadow({mode:"open"}).innerHTML =
		"<button onclick=\"document.querySelector('output').textContent = 'from the shadow'\">Shadow</button>"</script>`)
	c.use(t, id, "browse_url", "url", at)
	for _, want := range []string{"1", "2"} {
		if got := c.use(t, id, "click", "selector", "button"); !strings.HasPrefix(got["content"].(string), want) || got["status"] != `Clicked button "Count"` {
			t.Errorf("%v", got)
		}
	}
	if got := c.use(t, id, "click", "click_text", "Shadow"); !strings.HasPrefix(got["content"].(string), "from the shadow") {
		t.Errorf("%v", got)
	}
}

func TestAClickThatIsImpossibleIsAnError(t *testing.T) {
	c, s := newBrowsers(t), newSite(t)
	id := c.open(t)
	c.use(t, id, "browse_url", "url", s.page("/odd", `<button disabled>Off</button><button style="display:none" id=hidden>Hidden</button>`))
	for _, tt := range []struct{ by, value, words string }{
		{"selector", "#none", "nothing for the selector"},
		{"click_text", "Nowhere", `nothing with the text "Nowhere"`},
		{"selector", "a[", "not a valid selector"},
		{"click_text", "Off", "disabled"},
		{"selector", "#hidden", "not visible"},
	} {
		toolstest.WantFailure(t, c.refuse(t, id, "click", tt.by, tt.value), plugin.BadRequest, tt.words)
	}
}

func TestWrongParametersOfTheBrowserToolAreRefusedBeforeAnythingIsSent(t *testing.T) {
	const id = "01ABCDEF"
	for _, tt := range []struct {
		name       string
		parameters map[string]any
		words      []string
	}{
		{"no action", map[string]any{"browser_session_id": id}, []string{"action"}},
		{"an unknown action", map[string]any{"action": "fly", "browser_session_id": id}, []string{"action"}},
		{"no session", map[string]any{"action": "screenshot"}, []string{"browser_session_id is missing"}},
		{"a session that is a path", map[string]any{"action": "screenshot", "browser_session_id": "a/../b"}, []string{"not the ID of a session"}},
		{"no URL", map[string]any{"action": "browse_url", "browser_session_id": id, "url": " "}, []string{"url is missing"}},
		{"no query", map[string]any{"action": "search_web", "browser_session_id": id, "query": nil}, []string{"query is missing"}},
		{"no script", map[string]any{"action": "execute_script", "browser_session_id": id, "script": ""}, []string{"script is missing"}},
		{"nothing to click", map[string]any{"action": "click", "browser_session_id": id}, []string{"selector and click_text are both missing"}},
		{"no form data", map[string]any{"action": "fill_form", "browser_session_id": id}, []string{"form_data is missing"}},
		{"blank form data", map[string]any{"action": "fill_form", "browser_session_id": id, "form_data": ""}, []string{"form_data is missing"}},
		{"form data that is no JSON", map[string]any{"action": "fill_form", "browser_session_id": id, "form_data": "{a: 1}"}, []string{"form_data is not JSON"}},
		{"form data that is a list", map[string]any{"action": "fill_form", "browser_session_id": id, "form_data": `[{"a": 1}]`}, []string{"form_data is no JSON object"}},
		{"no fields", map[string]any{"action": "fill_form", "browser_session_id": id, "form_data": "{}"}, []string{"form_data names no field"}},
		{"a field twice", map[string]any{"action": "fill_form", "browser_session_id": id, "form_data": `{"a": 1, "a": 2}`}, []string{`the field "a" twice`}},
		{"a field with an object", map[string]any{"action": "fill_form", "browser_session_id": id, "form_data": `{"a": {"b": 1}}`}, []string{`an object for the field "a"`}},
		{"an endless wait", map[string]any{"action": "screenshot", "browser_session_id": id, "wait_time": 301}, []string{"wait_time is 301", "0 to 300"}},
		{"a wait into the past", map[string]any{"action": "screenshot", "browser_session_id": id, "wait_time": -1}, []string{"wait_time is -1"}},
		{"a wait that is no number", map[string]any{"action": "screenshot", "browser_session_id": id, "wait_time": "abc"}, []string{"wait_time"}},
		{"a search page without a query", map[string]any{"action": "search_web", "browser_session_id": id, "query": "a", "search_url": "https://example.com/"}, []string{"search_url lacks {query}"}},
		{"a search page that is a file", map[string]any{"action": "search_web", "browser_session_id": id, "query": "a", "search_url": "file:///{query}"}, []string{`search_url begins with "file:"`}},
		{"three at once", map[string]any{"action": "browse_url", "url": "ftp://a/", "wait_time": 999}, []string{"3 parameters are wrong", "browser_session_id", "url begins", "wait_time"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCloud(t)
			toolstest.WantFailure(t, c.Fail(t, browserTool, tt.parameters), plugin.BadRequest, tt.words...)
			c.WantNothingSent(t)
		})
	}
}

func TestSection3_2Bug6_OnlyAddressesOfTheWebAreOpened(t *testing.T) {
	for _, url := range []string{
		"file:///etc/passwd", "chrome://version", "chrome-extension://a/b", "data:text/html,a", "javascript:alert(1)", "about:blank", "view-source:https://example.com/",
		"ftp://example.com/", "example.com", "//example.com/", "https://", "https://exa mple.com/", "blob:https://example.com/1",
		"http://169.254.169.254/latest/meta-data/", "http://[fe80::1]/", "http://[::ffff:169.254.169.254]/", "http://[fd00:ec2::254]/",
		"http://metadata.google.internal/", "http://METADATA.google.internal./", "http://100.100.100.200/", "http://0.0.0.0/",
	} {
		c := newCloud(t)
		for _, action := range []string{"browse_url", "extract_content", "screenshot"} {
			toolstest.WantFailure(t, c.refuse(t, "01ABCDEF", action, "url", url), plugin.BadRequest, "url ")
		}
		c.WantNothingSent(t)
	}
}

func TestSection3_2Bug6_PagesDoNotLeadElsewhere(t *testing.T) {
	c, s := newBrowsers(t), newSite(t)
	id := c.open(t)
	for path, target := range map[string]string{
		"/1": "http://169.254.169.254/latest/meta-data/", "/2": "http://2852039166/", "/3": "http://0xA9.0xFE.0xA9.0xFE/x", "/4": "http://[fd00:ec2::254]/latest",
		"/5": "http://100.100.100.200/", "/6": "http://metadata.google.internal/computeMetadata/", "/7": "http://user:word@169.254.169.254:80/",
	} {
		at := s.handle(path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", target)
			w.WriteHeader(http.StatusFound)
		})
		toolstest.WantFailure(t, c.refuse(t, id, "browse_url", "url", at), plugin.BadRequest, "which is not opened")
		if path > "/2" {
			continue // these are found by the same pattern, wherever they stand
		}
		linked := s.page("/links"+path, `<a href="`+target+`">Go</a>`)
		c.use(t, id, "browse_url", "url", linked)
		toolstest.WantFailure(t, c.refuse(t, id, "click", "click_text", "Go"), plugin.BadRequest, "shows an error instead", "no link-local address")
		c.use(t, id, "browse_url", "url", linked)
		toolstest.WantFailure(t, c.refuse(t, id, "execute_script", "script", "location.href = '"+target+"'"), plugin.BadRequest, "no link-local address")
	}
	quiet := s.page("/fetches", `<p>Quiet</p><script>fetch("http://169.254.169.254/").catch(() => document.body.append("refused"))</script>`)
	got := c.use(t, id, "browse_url", "url", quiet, "wait_time", 0.3)
	if !strings.Contains(got["content"].(string), "refused") || !strings.Contains(fmt.Sprint(got["notices"]), "a request to http://169.254.169.254/ was refused") {
		t.Errorf("%v", got)
	}
}

func TestSection3_2Bug6_FramesOfOtherSitesDoNotLeadElsewhereEither(t *testing.T) {
	c, s := newBrowsers(t), newSite(t)
	elsewhere := strings.Replace(s.URL, "127.0.0.1", "localhost", 1) // another site, which has a process of its own
	asking := func(path string) string {
		return `<script>fetch("http://169.254.169.254/` + path + `", {mode: "no-cors"}).catch(() => top.postMessage("refused ", "*"))</script>`
	}
	s.page("/deep", asking("deep"))
	s.page("/frame", asking("frame")+`<iframe src="`+s.URL+`/deep"></iframe>`)
	framed := s.page("/framed", `<iframe src="`+elsewhere+`/frame"></iframe><p id=said></p><script>addEventListener("message", (e) => said.append(e.data))</script>`)
	id := c.open(t)
	got := c.use(t, id, "browse_url", "url", framed, "wait_time", 1)
	for _, path := range []string{"frame", "deep"} {
		if want := "a request to http://169.254.169.254/" + path + " was refused"; !strings.Contains(fmt.Sprint(got["notices"]), want) {
			t.Errorf("%q is not in %v", want, got["notices"])
		}
	}
	if content := got["content"].(string); strings.Count(content, "refused") != 2 {
		t.Errorf("the frames did not run on: %q", content)
	}
}

func TestSection3_2Bug6_APageOfTheMachineIsNotLookedAt(t *testing.T) {
	c, s := newBrowsers(t), newSite(t)
	id := c.open(t)
	for _, target := range []string{"file:///etc/passwd", "chrome://version/", "data:text/html,<p>pri%76ate"} {
		at := s.page("/to/"+fmt.Sprintf("%x", target), `<p>harmless</p><a href="`+target+`">Go</a><a target=_blank href="`+target+`">Open</a>`)
		for _, text := range []string{"Go", "Open"} {
			c.use(t, id, "browse_url", "url", at)
			result, err := c.Tool(t.Context(), caller(), browserTool, map[string]any{"action": "click", "click_text": text, "browser_session_id": id, "wait_time": 0})
			if said := fmt.Sprint(result.Text, string(bytes.Join(rawJSON(result), nil)), err); strings.Contains(said, "root:") || strings.Contains(said, "Chromium") || strings.Contains(said, "private") {
				t.Errorf("%s was read: %.300s", target, said)
			}
		}
	}
	// Somebody else may have left the browser at a file.
	toolstest.WantFailure(t, c.leftAt(t, id, "file:///etc/passwd"), plugin.BadRequest, "file:///etc/passwd", "is not looked at")
	if got := c.use(t, id, "extract_content")["content"].(map[string]any); got["url"] != "about:blank" {
		t.Errorf("the browser stays at %v", got["url"])
	}
}

func TestSection3_2Bug2_ACauseIsNotHidden(t *testing.T) {
	c := newCloud(t)
	toolstest.WantFailure(t, c.refuse(t, "01GONE", "screenshot"), plugin.BadRequest, "could not read the parameter /browser-session/01GONE", "init_browser_session")
	c.set("01ODD", "no JSON")
	toolstest.WantFailure(t, c.refuse(t, "01ODD", "screenshot"), plugin.BadRequest, "/browser-session/01ODD", "does not describe a browser session")
	c.set("01EMPTY", "{}")
	toolstest.WantFailure(t, c.refuse(t, "01EMPTY", "screenshot"), plugin.BadRequest, "does not describe a browser session")
	c.set("01OTHER", `{"session_id": "01ANOTHER", "ws_url": "wss://x/"}`)
	toolstest.WantFailure(t, c.refuse(t, "01OTHER", "screenshot"), plugin.BadRequest, "describes another session")
}

func TestSection3_2Bug7_ABrowserWithoutAPageGetsOne(t *testing.T) {
	c, s := newBrowsers(t), newSite(t)
	id := c.open(t)
	c.use(t, id, "extract_content")
	c.closePages(t, id)
	at := s.page("/a", "Here")
	// The connection ends with its page, and the next call makes another one.
	if got := c.another(t).use(t, id, "browse_url", "url", at); got["content"] != "Here" {
		t.Errorf("%v", got)
	}
}

func TestSection3_2Bug8_WaitTimeMayBeWrittenInEveryWay(t *testing.T) {
	c := newBrowsers(t)
	id := c.open(t)
	for _, wait := range []any{0, 0.0, "0", 0.01, "0.01"} {
		c.use(t, id, "extract_content", "wait_time", wait)
	}
	for _, wait := range []any{nil, ""} {
		c.use(t, id, "extract_content", "wait_time", wait) // 3 seconds, which only a page that is opened needs
	}
}

func TestAPageThatNeverEndsIsGivenUp(t *testing.T) {
	c, s := newBrowsers(t, browser.Patience(patience, patience)), newSite(t)
	id := c.open(t)
	hang := func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/part") {
			w.Header().Set("Content-Type", "text/html")
			_, _ = w.Write([]byte("<p>the beginning"))
			_ = http.NewResponseController(w).Flush()
		}
		s.hang(r)
	}
	for _, path := range []string{"/silent", "/part"} {
		toolstest.WantFailure(t, c.refuse(t, id, "browse_url", "url", s.handle(path, hang)+"?token=secret"), plugin.Unavailable, path, "was not complete after 1.5s")
	}
	s.handle("/image", hang)
	// What is not part of the document is not waited for.
	if got := c.use(t, id, "browse_url", "url", s.page("/with-image", "Text<img src=/image>")); got["content"] != "Text" {
		t.Errorf("%v", got)
	}
	c.use(t, id, "browse_url", "url", s.page("/to-silence", "<a href=/silent>Go</a>"))
	toolstest.WantFailure(t, c.refuse(t, id, "click", "click_text", "Go"), plugin.Unavailable, "was not complete after 1.5s")
	if got := c.use(t, id, "browse_url", "url", s.page("/after", "After")); got["content"] != "After" {
		t.Errorf("%v", got)
	}
}

func TestAPageThatSendsTheBrowserOnIsFollowed(t *testing.T) {
	c, s := newBrowsers(t), newSite(t)
	id := c.open(t)
	at := s.page("/end", "<title>End</title>The end")
	for name, html := range map[string]string{
		"in the head":  `<script>location.replace("/end")</script><p>Not here`,
		"in the body":  `<p>Not here<script>location.href = "/end"</script>`,
		"when loaded":  `<p>Not here<script>onload = () => location.href = "/end"</script>`,
		"by meta":      `<meta http-equiv=refresh content="0;url=/end"><p>Not here`,
		"in two steps": `<script>location.replace("/step")</script>`,
		"by history":   `<title>End</title>The end<script>history.pushState(null, "", "/end")</script>`,
	} {
		s.page("/step", `<script>location.replace("/end")</script>`)
		if got := c.use(t, id, "browse_url", "wait_time", 0.4, "url", s.page("/"+strings.ReplaceAll(name, " ", "-"), html)); got["url"] != at || got["content"] != "The end" {
			t.Errorf("%s: %v", name, got)
		}
		s.mux = http.NewServeMux()
		s.Config.Handler = s.mux
		s.page("/end", "<title>End</title>The end")
	}
}

func TestDialogsWindowsAndDownloadsHoldNothingUp(t *testing.T) {
	c, s := newBrowsers(t), newSite(t)
	id := c.open(t)
	s.page("/window", "Another window")
	s.handle("/file", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Disposition", "attachment; filename=report.pdf")
		_, _ = w.Write([]byte("%PDF"))
	})
	at := s.page("/busy", `<p id=p></p><script>alert("hello"); p.textContent = [confirm("sure?"), prompt("name?", "x")]; onbeforeunload = e => e.preventDefault()</script>
		<button onclick="alert('clicked')">Alert</button><a target=_blank href=/window>Window</a><a href=/file>File</a>`)
	got := c.use(t, id, "browse_url", "url", at)
	wantNotices(t, got, "(alert), which was accepted: hello", "(confirm), which was dismissed: sure?", "(prompt), which was dismissed: name?")
	if !strings.HasPrefix(got["content"].(string), "false,") {
		t.Errorf("%v", got["content"])
	}
	wantNotices(t, c.use(t, id, "click", "click_text", "Alert"), "(alert), which was accepted: clicked")
	opened := c.use(t, id, "click", "click_text", "Window")
	wantNotices(t, opened, "opened a window with "+s.URL+"/window, which was closed")
	if opened["url"] != at {
		t.Errorf("the browser is at %v", opened["url"])
	}
	loaded := c.use(t, id, "click", "click_text", "File", "wait_time", 0.2)
	wantNotices(t, loaded, "the download of report.pdf was refused")
	if loaded["url"] != at {
		t.Errorf("the browser is at %v", loaded["url"])
	}
	toolstest.WantFailure(t, c.refuse(t, id, "browse_url", "url", s.URL+"/file"), plugin.BadRequest, "/file is a file to download")
	if pages := c.pages(t, id); pages != 1 {
		t.Errorf("%d pages are open", pages)
	}
	// Leaving asks, too.
	c.use(t, id, "browse_url", "url", at)
	c.use(t, id, "click", "click_text", "Alert")
	if got := c.use(t, id, "browse_url", "url", s.page("/away", "Away")); got["content"] != "Away" {
		t.Errorf("%v", got)
	}
}

func wantNotices(t *testing.T, got map[string]any, words ...string) {
	t.Helper()
	for _, word := range words {
		if !strings.Contains(fmt.Sprint(got["notices"]), word) {
			t.Errorf("the notices do not say %q: %v", word, got["notices"])
		}
	}
}

func TestAPageThatCannotBeOpenedIsAnError(t *testing.T) {
	c, s := newBrowsers(t), newSite(t)
	id := c.open(t)
	closed := newSite(t)
	closed.Close()
	toolstest.WantFailure(t, c.refuse(t, id, "browse_url", "url", closed.URL+"/x?token=secret"), plugin.Connection, closed.URL+"/x (net::ERR_CONNECTION_REFUSED)")
	toolstest.WantFailure(t, c.refuse(t, id, "browse_url", "url", "http://nowhere.invalid/"), plugin.BadRequest, "nowhere.invalid", "ERR_NAME_NOT_RESOLVED")
	toolstest.WantFailure(t, c.refuse(t, id, "extract_content"), plugin.BadRequest, "shows an error instead of http://nowhere.invalid/")
	empty := s.handle("/empty", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	toolstest.WantFailure(t, c.refuse(t, id, "browse_url", "url", empty), plugin.BadRequest, "/empty has no page to show")
	missing := s.handle("/missing", http.NotFound)
	if got := c.use(t, id, "browse_url", "url", missing); !strings.Contains(got["content"].(string), "404") {
		t.Errorf("%v", got)
	}
}

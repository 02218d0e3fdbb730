package browser_test

import (
	_ "embed"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// results is built like the page of a search engine that works without scripts: titles in headings, links that lead
// over the search engine, an advertisement first.
//
//go:embed testdata/results.html
var results string

func TestSection3_2Bug1_ASearchReturnsWhatTheSearchEngineFound(t *testing.T) {
	c, s := newBrowsers(t), newSite(t)
	id := c.open(t)
	var asked []string
	engine := s.handle("/html/", func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Query().Get("q"))
		w.Header().Set("Content-Type", "text/html")
		_, _ = fmt.Fprint(w, strings.ReplaceAll(results, "//search.example.com/", "//"+r.Host+"/"))
	})
	got := c.use(t, id, "search_web", "query", "gopher food & 地鼠 100%", "search_url", engine+"?q={query}")
	want := map[string]any{
		"success": true, "query": "gopher food & 地鼠 100%", "status": "Found 3 results", "notices": []any{},
		"results": []any{
			map[string]any{"title": "What gophers eat", "url": "https://gophers.example.org/food?a=1&b=2", "snippet": "Roots, bulbs and grass: what a gopher finds below the ground."},
			map[string]any{"title": "地鼠の食べ物", "url": "https://ja.example.net/%E5%9C%B0%E9%BC%A0", "snippet": "ホリネズミは根や球根を食べます。"},
			map[string]any{"title": "A plain link", "url": "https://plain.example.com/page#part", "snippet": "This one leads there directly."},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if len(asked) != 1 || asked[0] != "gopher food & 地鼠 100%" {
		t.Errorf("asked for %q", asked)
	}
}

func TestASearchUnderstandsOtherPagesOfResults(t *testing.T) {
	c, s := newBrowsers(t), newSite(t)
	id := c.open(t)
	many := ""
	for i := range 15 {
		many += fmt.Sprintf("<li><a href=https://r%d.example/>Result %d</a> about %d</li>", i, i, i)
	}
	for path, tt := range map[string]struct {
		html  string
		count int
		words []string
	}{
		"/heading-in-link": {`<div><a href="https://one.example/"><h3>One</h3></a><span>First text</span></div><div><a href="https://two.example/"><h3>Two</h3></a><span>Second text</span></div>`, 2, []string{"map[snippet:First text title:One url:https://one.example/]"}},
		"/over-itself":     {`<p><a href="/url?q=https://one.example/%3Fx&sa=U"><h3>One</h3></a></p>`, 1, []string{"url:https://one.example/?x"}},
		"/in-base64":       {`<h2><a href="/ck/a?!&p=0&u=a1aHR0cHM6Ly9vbmUuZXhhbXBsZS8_eA&ntb=1">One</a></h2>`, 1, []string{"url:https://one.example/?x"}},
		"/no-headings":     {"<ul>" + many + "</ul>", 10, []string{"title:Result 0", "snippet:Result 0 about 0", "title:Result 9"}},
		"/none":            {"<title>Odd</title><p>No results", 0, []string{`the page "Odd" shows none`}},
	} {
		got := c.use(t, id, "search_web", "query", "a", "search_url", s.page(path, tt.html)+"?{query}")
		if list := got["results"].([]any); len(list) != tt.count {
			t.Errorf("%s: %d results: %v", path, len(list), list)
		}
		for _, word := range tt.words {
			if !strings.Contains(fmt.Sprint(got), word) {
				t.Errorf("%s: no %q in %v", path, word, got)
			}
		}
	}
}

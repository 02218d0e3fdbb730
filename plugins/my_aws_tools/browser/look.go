package browser

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/url"
	"strings"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/cloudplugins/difyplugin/plugin"
)

const (
	mostHeadings = 200
	mostLinks    = 20
	mostImages   = 10
	mostResults  = 10
	// mostHeight is how much of a long page a picture shows, in CSS pixels; browsers draw no more at once.
	mostHeight = 16_384
)

// view is a page as browse_url and click return it.
type view struct {
	Title   string `json:"title"`
	URL     string `json:"url"`
	Content string `json:"content"`
}

func look(ctx context.Context, shown *tab) (view, error) {
	var got view
	return got, shown.read(ctx, "view", &got, mostView)
}

func browse(ctx context.Context, shown *tab) (answer, error) {
	got, err := look(ctx, shown)
	return answer{json: map[string]any{"title": got.Title, "url": got.URL, "content": got.Content, "status": "Opened " + got.URL}}, err
}

// extract returns the parts of a page.
func extract(ctx context.Context, shown *tab) (answer, error) {
	var got struct {
		Title    string           `json:"title"`
		URL      string           `json:"url"`
		Headings []map[string]any `json:"headings"`
		Links    []map[string]any `json:"links"`
		Images   []map[string]any `json:"images"`
		Text     string           `json:"text_content"`
	}
	if err := shown.read(ctx, "extract", &got, mostText, mostHeadings, mostLinks, mostImages); err != nil {
		return answer{}, err
	}
	return answer{
		json: map[string]any{"content": got, "status": "Extracted the content of " + got.URL},
		outputs: map[string]any{
			"content": got.Text, "title": got.Title, "url": got.URL, "headings": got.Headings, "links": got.Links, "images": got.Images, "text_content": got.Text,
		},
	}, nil
}

// searchAddress is the page of a search engine for a query.
func searchAddress(template, query string) (string, error) {
	if template = strings.TrimSpace(template); template == "" {
		template = defaultSearch
	}
	if !strings.Contains(template, "{query}") {
		return "", errors.New("lacks {query}, which stands for what is looked for: write it like " + defaultSearch)
	}
	address := strings.ReplaceAll(template, "{query}", url.QueryEscape(query))
	return address, checkAddress(address)
}

// search reads the results of a search engine's page, whose structure is not relied on: they are the links that lead
// elsewhere.
func search(ctx context.Context, shown *tab, query string) (answer, error) {
	var got struct {
		Title   string           `json:"title"`
		Results []map[string]any `json:"results"`
	}
	if err := shown.read(ctx, "search", &got, mostResults); err != nil {
		return answer{}, err
	}
	status := fmt.Sprintf("Found %d results", len(got.Results))
	if len(got.Results) == 0 {
		status = fmt.Sprintf("Found 0 results: the page %q shows none, or asks whether a person is searching. Another search_url may help", clip(got.Title, 100))
	}
	return answer{json: map[string]any{"query": query, "results": got.Results, "status": status}, outputs: map[string]any{"title": got.Title}}, nil
}

// screenshot takes a picture of the page, either of what is in view or of all of it.
func screenshot(ctx context.Context, shown *tab, whole bool) (answer, error) {
	var at view
	if err := shown.read(ctx, "place", &at); err != nil {
		return answer{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, reading)
	defer cancel()
	in := page.CaptureScreenshotParams{Format: page.CaptureScreenshotFormatPng}
	if whole {
		size, err := ask(ctx, shown.devtools, shown.session, page.GetLayoutMetrics, cdp.Empty{})
		if err != nil {
			return answer{}, err
		}
		if area := size.CSSContentSize; area != nil {
			beyond := true
			in.CaptureBeyondViewport = &beyond
			in.Clip = &page.Viewport{Width: math.Max(area.Width, 1), Height: math.Min(math.Max(area.Height, 1), mostHeight), Scale: 1}
		}
	}
	got, err := ask(ctx, shown.devtools, shown.session, page.CaptureScreenshot, in)
	if err != nil {
		return answer{}, err
	}
	picture := plugin.Bytes("screenshot.png", "image/png", got.Data)
	return answer{json: map[string]any{"title": at.Title, "url": at.URL, "status": "Took a picture of " + at.URL}, file: &picture}, nil
}

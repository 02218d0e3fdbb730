package host_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudplugins/difyplugin/host"
)

// announce asks for the URL of an upload.
func announce(t *testing.T, d *host.Dify, name, mimeType string) string {
	t.Helper()
	request, err := json.Marshal(map[string]string{"filename": name, "mimetype": mimeType})
	must(t, err)
	for data, err := range d.Invoke(t.Context(), host.Invocation{Type: "upload_file", Request: request, Caller: host.Caller{UserID: "u1"}}) {
		must(t, err)
		return data.(map[string]any)["url"].(string)
	}
	t.Fatal("no answer")
	return ""
}

// form is a multipart body with one part, written by hand.
func form(disposition, contentType, content string) string {
	return "--B\r\nContent-Disposition: " + disposition + "\r\nContent-Type: " + contentType + "\r\n\r\n" + content + "\r\n--B--\r\n"
}

func post(t *testing.T, target, body string) (status int, answer map[string]any) {
	t.Helper()
	return send(t, target, "POST", "multipart/form-data; boundary=B", strings.NewReader(body), int64(len(body)))
}

func send(t *testing.T, target, method, contentType string, body io.Reader, length int64) (status int, answer map[string]any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, target, io.NopCloser(body))
	must(t, err)
	req.ContentLength = length
	req.Header.Set("Content-Type", contentType)
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(req)
	must(t, err)
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	must(t, err)
	if err := json.Unmarshal(data, &answer); err != nil {
		t.Errorf("the answer %d is not JSON: %q", res.StatusCode, data)
	}
	return res.StatusCode, answer
}

func filesIn(t *testing.T, folder string) []string {
	t.Helper()
	entries, err := os.ReadDir(folder)
	must(t, err)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestUploadIsStoredAndLinked(t *testing.T) {
	folder := t.TempDir()
	d := newDify(t, host.DifyOptions{Folder: folder})
	target := announce(t, d, "report.pdf", "application/pdf")
	content := strings.Repeat("0123456789abcdef", 4<<20) // 64 MiB
	status, answer := post(t, target, form(`form-data; name="file"; filename="report.pdf"`, "application/pdf", content))
	if status != http.StatusCreated {
		t.Fatalf("%d %v", status, answer)
	}
	id, _ := answer["id"].(string)
	want := map[string]any{"name": "report.pdf", "size": float64(64 << 20), "extension": ".pdf", "mime_type": "application/pdf"}
	preview, _ := answer["preview_url"].(string)
	for _, key := range []string{"id", "preview_url", "created_at"} {
		delete(answer, key)
	}
	if diff := cmp.Diff(want, answer); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{id + ".pdf"}, filesIn(t, folder)); diff != "" {
		t.Error(diff)
	}
	res, err := http.Get(preview)
	must(t, err)
	defer res.Body.Close()
	if n, err := io.Copy(io.Discard, res.Body); err != nil || n != 64<<20 {
		t.Errorf("the preview has %d bytes: %v", n, err)
	}

	tests := map[string]struct {
		lines []string
		want  string
		warns []host.Kind
	}{
		"a link of a tool":           {[]string{link("binary_link", "/files/tools/"+id+".pdf", `{"filename":"r.pdf","mime_type":"x/y"}`)}, "r.pdf (x/y)", nil},
		"a link without meta":        {[]string{link("image_link", "/files/datasources/"+id+".pdf", `null`)}, "report.pdf (application/pdf)", nil},
		"a link to nothing":          {[]string{link("binary_link", "/files/tools/00000000-0000-0000-0000-000000000000.pdf", `null`)}, "", []host.Kind{host.KindFile}},
		"a link of another ending":   {[]string{link("binary_link", "/files/tools/"+id+".txt", `null`)}, "", []host.Kind{host.KindFile}},
		"a link to somewhere else":   {[]string{link("binary_link", "https://example.com/"+id+".pdf", `null`)}, "", nil},
		"a plain link is not a file": {[]string{link("link", "/files/tools/"+id+".pdf", `null`)}, "", nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := connect(t, host.Options{Backend: d}, answerThen(tt.lines))
			result, err := c.Tool(t.Context(), who(), "t", nil)
			must(t, err)
			if diff := cmp.Diff(tt.warns, kinds(c)); diff != "" {
				t.Error(diff)
			}
			if tt.want == "" {
				if result.Files != nil {
					t.Errorf("a file came of it: %+v", result.Files[0])
				}
				return
			}
			f := result.Files[0]
			if got := f.Name + " (" + f.Type + ")"; got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			body, err := f.Open()
			must(t, err)
			defer body.Close()
			if n, err := io.Copy(io.Discard, body); err != nil || n != 64<<20 || f.Size != n {
				t.Errorf("%d bytes of %d: %v", n, f.Size, err)
			}
		})
	}
}

func TestFileThatIsNotThereIsNotServed(t *testing.T) {
	d := newDify(t, host.DifyOptions{Folder: t.TempDir()})
	target, err := url.Parse(announce(t, d, "a.txt", "text/plain"))
	must(t, err)
	target.Path = "/files/tools/00000000-0000-0000-0000-000000000000.txt"
	if status, _ := send(t, target.String(), "GET", "", strings.NewReader(""), 0); status != http.StatusNotFound {
		t.Errorf("status %d", status)
	}
}

func answerThen(lines []string) func(*fakePlugin) { return answer(append(lines, endLine)...) }

func link(kind, target, meta string) string {
	return stream(fmt.Sprintf(`{"type":%q,"message":{"text":%q},"meta":%s}`, kind, target, meta))
}

func TestUploadMustBeWhatWasAnnounced(t *testing.T) {
	const disposition = `form-data; name="file"; filename="a.txt"`
	tests := map[string]struct {
		announced string // file name; a.txt by default
		body      string
		change    func(url.Values)
		status    int
	}{
		"as announced":                     {body: form(disposition, "text/plain", "hi"), status: 201},
		"an empty file":                    {body: form(disposition, "text/plain", ""), status: 201},
		"type in capitals":                 {body: form(disposition, "TEXT/Plain", "hi"), status: 201},
		"type with a parameter":            {body: form(disposition, "text/plain; charset=utf-8", "hi"), status: 201},
		"name as a token":                  {body: form(`form-data; name=file; filename=a.txt`, "text/plain", "hi"), status: 201},
		"name in UTF-8":                    {announced: "报告 1.txt", body: form(`form-data; name="file"; filename="报告 1.txt"`, "text/plain", "hi"), status: 201},
		"name percent-encoded":             {announced: "报告.txt", body: form(`form-data; name="file"; filename*=UTF-8''%E6%8A%A5%E5%91%8A.txt`, "text/plain", "hi"), status: 201},
		"quote escaped by a backslash":     {announced: `a"b.txt`, body: form(`form-data; name="file"; filename="a\"b.txt"`, "text/plain", "hi"), status: 201},
		"quote escaped by percent":         {announced: `a"b.txt`, body: form(`form-data; name="file"; filename="a%22b.txt"`, "text/plain", "hi"), status: 201},
		"backslash escaped":                {announced: `a\b.txt`, body: form(`form-data; name="file"; filename="a\\b.txt"`, "text/plain", "hi"), status: 201},
		"percent 22 is not kept":           {announced: `a%22b.txt`, body: form(`form-data; name="file"; filename="a%22b.txt"`, "text/plain", "hi"), status: 403},
		"semicolon inside quotes":          {announced: `a;b.txt`, body: form(`form-data; name="file"; filename="a;b.txt"`, "text/plain", "hi"), status: 201},
		"another name":                     {body: form(`form-data; name="file"; filename="b.txt"`, "text/plain", "hi"), status: 403},
		"name with a folder":               {body: form(`form-data; name="file"; filename="x/a.txt"`, "text/plain", "hi"), status: 403},
		"another type":                     {body: form(disposition, "text/html", "hi"), status: 403},
		"no type":                          {body: "--B\r\nContent-Disposition: " + disposition + "\r\n\r\nhi\r\n--B--\r\n", status: 403},
		"another field":                    {body: form(`form-data; name="upload"; filename="a.txt"`, "text/plain", "hi"), status: 403},
		"no file name":                     {body: form(`form-data; name="file"`, "text/plain", "hi"), status: 403},
		"not a form field":                 {body: form(`attachment; name="file"; filename="a.txt"`, "text/plain", "hi"), status: 403},
		"a changed signature":              {body: form(disposition, "text/plain", "hi"), change: func(q url.Values) { q.Set("sign", "!"+q.Get("sign")[1:]) }, status: 403},
		"no signature":                     {body: form(disposition, "text/plain", "hi"), change: func(q url.Values) { q.Del("sign") }, status: 403},
		"another tenant":                   {body: form(disposition, "text/plain", "hi"), change: func(q url.Values) { q.Set("tenant_id", "t2") }, status: 403},
		"another user":                     {body: form(disposition, "text/plain", "hi"), change: func(q url.Values) { q.Set("user_id", "u2") }, status: 403},
		"another time":                     {body: form(disposition, "text/plain", "hi"), change: func(q url.Values) { q.Set("timestamp", "4000000000") }, status: 403},
		"another nonce":                    {body: form(disposition, "text/plain", "hi"), change: func(q url.Values) { q.Set("nonce", "n") }, status: 403},
		"no closing boundary":              {body: strings.TrimSuffix(form(disposition, "text/plain", "hi"), "--B--\r\n"), status: 400},
		"cut in the content":               {body: strings.TrimSuffix(form(disposition, "text/plain", "hi"), "hi\r\n--B--\r\n"), status: 400},
		"no form":                          {body: "nonsense", status: 400},
		"another boundary":                 {body: strings.ReplaceAll(form(disposition, "text/plain", "hi"), "--B", "--C"), status: 400},
		"a file at the limit":              {body: form(disposition, "text/plain", strings.Repeat("a", 100)), status: 201},
		"a file over the limit":            {body: form(disposition, "text/plain", strings.Repeat("a", 101)), status: 413},
		"a file far over the limit":        {body: form(disposition, "text/plain", strings.Repeat("a", 1<<20)), status: 413},
		"the first of two files is stored": {body: strings.TrimSuffix(form(disposition, "text/plain", "hi"), "--B--\r\n") + form(disposition, "text/plain", strings.Repeat("a", 999)), status: 201},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			d := newDify(t, host.DifyOptions{Folder: folder, MaxUpload: 100})
			if tt.announced == "" {
				tt.announced = "a.txt"
			}
			target, err := url.Parse(announce(t, d, tt.announced, "text/plain"))
			must(t, err)
			if tt.change != nil {
				q := target.Query()
				tt.change(q)
				target.RawQuery = q.Encode()
			}
			status, answer := post(t, target.String(), tt.body)
			if status != tt.status {
				t.Errorf("status %d, want %d: %v", status, tt.status, answer)
			}
			stored := filesIn(t, folder)
			if (status == 201) != (len(stored) == 1) || len(stored) > 1 {
				t.Errorf("status %d left %q", status, stored)
			}
			if status != 201 && answer["status"] != float64(status) {
				t.Errorf("the refusal is not in Dify's form: %v", answer)
			}
		})
	}
}

func TestUploadNeedsItsLength(t *testing.T) {
	folder := t.TempDir()
	d := newDify(t, host.DifyOptions{Folder: folder})
	body := form(`form-data; name="file"; filename="a.txt"`, "text/plain", "hi")
	status, _ := send(t, announce(t, d, "a.txt", "text/plain"), "POST", "multipart/form-data; boundary=B", strings.NewReader(body), -1)
	if status != http.StatusLengthRequired {
		t.Errorf("a chunked body: status %d", status)
	}
	if left := filesIn(t, folder); left != nil {
		t.Errorf("left: %q", left)
	}
}

// TestBrokenUploadIsNeverStored speaks HTTP by hand, because no client sends less than it announces.
func TestBrokenUploadIsNeverStored(t *testing.T) {
	body := form(`form-data; name="file"; filename="a.txt"`, "text/plain", "hi")
	tests := map[string]struct {
		length int
		body   string
	}{
		"cut inside the file":            {len(body), body[:len(body)-12]},
		"complete form in a longer body": {len(body) + 1, body},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			d := newDify(t, host.DifyOptions{Folder: folder})
			target, err := url.Parse(announce(t, d, "a.txt", "text/plain"))
			must(t, err)
			conn, err := net.Dial("tcp", target.Host)
			must(t, err)
			defer conn.Close()
			fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=B\r\nContent-Length: %d\r\n\r\n%s", target.RequestURI(), tt.length, tt.body)
			must(t, conn.(*net.TCPConn).CloseWrite())
			res, err := http.ReadResponse(bufio.NewReader(conn), nil)
			must(t, err)
			defer res.Body.Close()
			if res.StatusCode != http.StatusBadRequest {
				t.Errorf("status %d", res.StatusCode)
			}
			if left := filesIn(t, folder); left != nil {
				t.Errorf("left: %q", left)
			}
		})
	}
}

func TestClosingDifyRemovesHalfAnUpload(t *testing.T) {
	folder := t.TempDir()
	d, err := host.NewDify(host.DifyOptions{Folder: folder})
	must(t, err)
	target := announce(t, d, "a.txt", "text/plain")
	body, more := io.Pipe()
	sent := make(chan error, 1)
	go func() {
		req, err := http.NewRequestWithContext(context.Background(), "POST", target, body)
		if err == nil {
			req.ContentLength = 10 << 20
			req.Header.Set("Content-Type", "multipart/form-data; boundary=B")
			client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
			_, err = client.Do(req) //nolint:bodyclose // it never succeeds
		}
		sent <- err
	}()
	start := form(`form-data; name="file"; filename="a.txt"`, "text/plain", strings.Repeat("a", 1<<20))
	_, err = io.Copy(more, strings.NewReader(start[:1<<20])) // the server has read some of it when this returns
	must(t, err)
	must(t, d.Close())
	_ = more.Close()
	if err := <-sent; err == nil {
		t.Error("the upload succeeded")
	}
	if left := filesIn(t, folder); left != nil {
		t.Errorf("left: %q", left)
	}
}

// TestUploadExpires checks the time when the body has arrived: announced in time, but sent for too long.
func TestUploadExpires(t *testing.T) {
	tests := map[string]struct {
		expiry time.Duration
		status int
	}{
		"within its time": {time.Hour, 201},
		"too late":        {time.Nanosecond, 403},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			d := newDify(t, host.DifyOptions{Folder: folder, UploadExpiry: tt.expiry})
			status, _ := post(t, announce(t, d, "a.txt", "text/plain"), form(`form-data; name="file"; filename="a.txt"`, "text/plain", "hi"))
			if status != tt.status {
				t.Errorf("status %d", status)
			}
		})
	}
}

func TestUploadFaults(t *testing.T) {
	body := form(`form-data; name="file"; filename="a.txt"`, "text/plain", "hi")
	folder := t.TempDir()
	d := newDify(t, host.DifyOptions{Folder: folder})
	for _, want := range []int{403, 413, 500, 503} {
		d.FailUploads(host.UploadFault{Status: want})
		if status, _ := post(t, announce(t, d, "a.txt", "text/plain"), body); status != want {
			t.Errorf("status %d, want %d", status, want)
		}
	}
	t.Run("a dropped connection", func(t *testing.T) {
		d.FailUploads(host.UploadFault{Drop: true, DropAfter: 10})
		client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		res, err := client.Post(announce(t, d, "a.txt", "text/plain"), "multipart/form-data; boundary=B", bytes.NewReader([]byte(body)))
		if err == nil {
			res.Body.Close()
			t.Error("an answer came")
		}
	})
	if left := filesIn(t, folder); left != nil {
		t.Errorf("left: %q", left)
	}
	d.FailUploads(host.UploadFault{})
	if status, _ := post(t, announce(t, d, "a.txt", "text/plain"), body); status != 201 {
		t.Errorf("after the faults: status %d", status)
	}
}

// TestSlowUpload gives up on an answer that is late. Whether the file is stored by then is open, as it is with Dify; half
// a file is not.
func TestSlowUpload(t *testing.T) {
	folder := t.TempDir()
	d := newDify(t, host.DifyOptions{Folder: folder})
	d.FailUploads(host.UploadFault{Delay: time.Hour})
	ctx, cancel := context.WithCancel(t.Context())
	body := form(`form-data; name="file"; filename="a.txt"`, "text/plain", "hi")
	req, err := http.NewRequestWithContext(ctx, "POST", announce(t, d, "a.txt", "text/plain"), &cancelAtEnd{strings.NewReader(body), cancel})
	must(t, err)
	req.ContentLength = int64(len(body))
	req.Header.Set("Content-Type", "multipart/form-data; boundary=B")
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(req)
	if err == nil {
		res.Body.Close()
		t.Error("an answer came")
	}
	must(t, d.Close())
	for _, name := range filesIn(t, folder) {
		if strings.HasPrefix(name, ".upload-") {
			t.Errorf("left: %s", name)
		}
	}
}

// cancelAtEnd gives up on a request when its body is sent.
type cancelAtEnd struct {
	io.Reader
	cancel func()
}

func (c *cancelAtEnd) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	if err == io.EOF {
		c.cancel()
	}
	return n, err
}

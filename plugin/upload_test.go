package plugin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudplugins/difyplugin/internal/fetch"
)

func TestAnswersToAnUpload(t *testing.T) {
	sent := File{Name: "a.PDF", Type: "application/pdf", Size: 10}
	stored := StoredFile{ID: "f-1_X", Name: "a.PDF", Size: 10, Extension: ".pdf", Type: "application/pdf"}
	for name, c := range map[string]struct {
		status int
		answer string
		want   StoredFile
		fault  string
		kind   Kind
	}{
		"as Dify answers": {201, `{"id":"f-1_X","name":"a.PDF","size":10,"extension":".pdf","mime_type":"application/pdf","preview_url":null}`, stored, "", ""},
		"with status 200": {200, `{"id":"f-1_X","name":"a.PDF","size":10,"extension":"PDF","mime_type":"application/pdf"}`, stored, "", ""},
		"with little":     {201, `{"id":"f-1_X"}`, stored, "", ""},
		"another name":    {201, `{"id":"f-1_X","name":"b.pdf"}`, StoredFile{ID: "f-1_X", Name: "b.pdf", Size: 10, Extension: ".pdf", Type: "application/pdf"}, "", ""},
		"a hostile extension": {
			201, `{"id":"f-1_X","extension":"/../../x?y","mime_type":"a b"}`, stored, "", "",
		},
		"expired":            {403, `secret page`, StoredFile{}, "refused with status 403: the upload address expired", Authorization},
		"too large":          {413, ``, StoredFile{}, "raise UPLOAD_FILE_SIZE_LIMIT and, in the proxy before it, NGINX_CLIENT_MAX_BODY_SIZE", BadRequest},
		"broken":             {500, ``, StoredFile{}, "Dify failed with status 500; try again", Unavailable},
		"a gateway":          {502, ``, StoredFile{}, "Dify failed with status 502", Unavailable},
		"elsewhere":          {404, ``, StoredFile{}, "refused with status 404; check that FILES_URL leads to Dify", BadRequest},
		"a redirect":         {302, ``, StoredFile{}, "refused with status 302", BadRequest},
		"accepted for later": {202, `{"id":"f-1_X"}`, StoredFile{}, "refused with status 202", BadRequest},
		"a page":             {200, `<html>hello</html>`, StoredFile{}, "its answer is not the JSON of a stored file", Unavailable},
		"nothing":            {201, ``, StoredFile{}, "its answer is not the JSON of a stored file", Unavailable},
		"an array":           {201, `[]`, StoredFile{}, "its answer is not the JSON of a stored file", Unavailable},
		"null":               {201, `null`, StoredFile{}, "its answer holds no usable id", Unavailable},
		"no id":              {201, `{"name":"a"}`, StoredFile{}, "its answer holds no usable id", Unavailable},
		"an id with a path":  {201, `{"id":"../x"}`, StoredFile{}, "its answer holds no usable id", Unavailable},
		"an id of two lines": {201, `{"id":"x\n"}`, StoredFile{}, "its answer holds no usable id", Unavailable},
		"a long id":          {201, `{"id":"` + strings.Repeat("x", 65) + `"}`, StoredFile{}, "its answer holds no usable id", Unavailable},
		"a number as id":     {201, `{"id":5}`, StoredFile{}, "its answer is not the JSON of a stored file", Unavailable},
		"another size":       {201, `{"id":"f-1_X","size":9}`, StoredFile{}, "10 bytes were sent and 9 stored", Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := uploadAnswer(sent, c.status, []byte(c.answer))
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			switch {
			case c.fault == "" && err != nil:
				t.Errorf("error = %v", err)
			case c.fault != "" && (err == nil || !strings.Contains(err.Error(), c.fault) || !strings.Contains(err.Error(), `"a.PDF"`) || KindOf(err) != c.kind):
				t.Errorf("error = %v (%s), want %s (%s)", err, KindOf(err), c.fault, c.kind)
			case strings.Contains(fmt.Sprint(err), "secret page"):
				t.Errorf("the error quotes the answer: %v", err)
			}
		})
	}
}

func TestTheExtensionOfALink(t *testing.T) {
	for given, want := range map[[2]string]string{
		{".pdf", "x.txt"}: ".pdf", {"PDF", "x.txt"}: ".pdf", {"", "x.TXT"}: ".txt", {"", "x"}: ".bin", {".", "x.t"}: ".t", {".tar.gz", "x.gz"}: ".gz",
		{`."><script>`, "x.名"}: ".bin", {"." + strings.Repeat("e", 17), "x.e e"}: ".bin",
	} {
		if got := extension(given[0], given[1]); got != want {
			t.Errorf("extension(%q, %q) = %q, want %q", given[0], given[1], got, want)
		}
	}
}

// What Dify says of an upload reaches the user as an error of the call, and nothing is sent.
func TestARefusedUploadFailsTheCall(t *testing.T) {
	for status, want := range map[int]string{403: "expired", 413: "UPLOAD_FILE_SIZE_LIMIT", 503: "status 503"} {
		c := newCalls(t, map[string]string{"PLUGIN_MAX_FILE_SIZE": "1"})
		c.dify.answer = func(int) (int, string) { return status, "no" }
		results, failure := c.sendFile(false, Bytes("a.txt", "", []byte("content")))
		if failure == nil || len(results) > 0 || !strings.Contains(failure.Message, want) {
			t.Errorf("status %d: %v, %+v", status, results, failure)
		}
	}
}

func TestAnAddressThatCannotBeUsed(t *testing.T) {
	c := newCalls(t, map[string]string{"PLUGIN_MAX_FILE_SIZE": "1"})
	for address, want := range map[string]string{"": "it gave no address for the upload; check FILES_URL", "/files/upload": "FILES_URL", "http://127.0.0.1:1/up?sign=topsecret": "upload \"a.txt\" to Dify"} {
		c.dify.URL, c.dify.path = address, ""
		_, failure := c.sendFile(false, Bytes("a.txt", "", []byte("content")))
		if failure == nil || !strings.Contains(failure.Message, want) || strings.Contains(failure.Message, "topsecret") {
			t.Errorf("address %q: %+v", address, failure)
		}
	}
}

func TestFailuresOfTransfersHaveAKind(t *testing.T) {
	plain := errors.New("plain")
	for name, c := range map[string]struct {
		err  error
		want Kind
	}{
		"unreachable":  {&fetch.Error{Kind: fetch.Unreachable, Reason: "r"}, Connection},
		"slow":         {&fetch.Error{Kind: fetch.Timeout, Reason: "r"}, Connection},
		"refused":      {&fetch.Error{Kind: fetch.Refused, Reason: "r"}, BadRequest},
		"too large":    {&fetch.Error{Kind: fetch.TooLarge, Reason: "r"}, BadRequest},
		"login":        {&fetch.Error{Kind: fetch.Status, Status: 401, Reason: "r"}, Authorization},
		"forbidden":    {&fetch.Error{Kind: fetch.Status, Status: 403, Reason: "r"}, Authorization},
		"too often":    {&fetch.Error{Kind: fetch.Status, Status: 429, Reason: "r"}, RateLimit},
		"broken":       {&fetch.Error{Kind: fetch.Status, Status: 500, Reason: "r"}, Unavailable},
		"not there":    {&fetch.Error{Kind: fetch.Status, Status: 404, Reason: "r"}, BadRequest},
		"given up":     {&fetch.Error{Kind: fetch.Canceled, Reason: "r", Err: context.Canceled}, Unavailable},
		"another":      {plain, BadRequest},
		"one in words": {fmt.Errorf("upload: %w", &fetch.Error{Kind: fetch.Timeout, Reason: "r"}), Connection},
	} {
		t.Run(name, func(t *testing.T) {
			err := fetchError(c.err)
			if KindOf(err) != c.want || err.Error() != c.err.Error() {
				t.Errorf("got %v (%s), want %s", err, KindOf(err), c.want)
			}
		})
	}
}

// FuzzUploadAnswer holds the reader of Dify's answers to this: it never panics; what it accepts has an id and an
// extension of letters, digits, _ and - only, so that nothing else reaches the link to the file; and what it refuses
// is an error with a kind.
func FuzzUploadAnswer(f *testing.F) {
	for _, seed := range []struct {
		status       int
		name, answer string
	}{
		{201, "a.pdf", `{"id":"f-1","name":"a.pdf","size":10,"extension":".pdf","mime_type":"application/pdf"}`},
		{200, "a", `{"id":"f-1"}`},
		{201, "a.txt", `{"id":"../../etc"}`},
		{201, "a.txt", `{"id":"a?b=c"}`},
		{201, "a.txt", `{"id":"a b"}`},
		{201, "a.b?c", `{"id":"x","extension":"/../x"}`},
		{201, "a.\"x", `{"id":"x","extension":"."}`},
		{201, "a.名", `{"id":"x","extension":"名"}`},
		{201, "a.txt", `{"id":"x","extension":".a\n"}`},
		{201, "a.txt", `{"id":"x\n"}`},
		{201, "", `{"id":"x","size":"10"}`},
		{201, "", `{"id":"x","size":1e1}`},
		{201, "", `{"id":"x","size":9}`},
		{201, "", `{"id":"x","size":{}}`},
		{201, "", `{"id":1}`},
		{201, "", `{"id":null}`},
		{201, "", `[]`},
		{201, "", ``},
		{201, "", `null`},
		{403, "a", ``},
		{413, "a", ``},
		{500, "a", ``},
		{599, "a", ``},
		{-1, "a", ``},
		{302, "a", `{"id":"x"}`},
		{201, ".", `{"id":"x","mime_type":"text/html; charset=x"}`},
		{201, "a.txt", `{"ID":"x","Extension":"EXE"}`},
	} {
		f.Add(seed.status, seed.name, seed.answer)
	}
	id, ext := regexp.MustCompile(`\A[A-Za-z0-9_-]+\z`), regexp.MustCompile(`\A\.[a-z0-9]+\z`)
	f.Fuzz(func(t *testing.T, status int, name, answer string) {
		stored, err := uploadAnswer(File{Name: baseName(name), Size: 10}, status, []byte(answer))
		if err != nil {
			if KindOf(err) == "" || stored != (StoredFile{}) {
				t.Fatalf("%v with %+v", err, stored)
			}
			return
		}
		if status != http.StatusOK && status != http.StatusCreated {
			t.Fatalf("status %d was accepted", status)
		}
		if !id.MatchString(stored.ID) || !ext.MatchString(stored.Extension) {
			t.Fatalf("the link would hold %q%q", stored.ID, stored.Extension)
		}
		if stored.Size != 10 || strings.Count(stored.Type, "/") != 1 || strings.ContainsAny(stored.Type, ";\r\n ") {
			t.Fatalf("stored %+v", stored)
		}
	})
}

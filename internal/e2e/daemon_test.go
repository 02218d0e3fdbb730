package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// tenant is any UUID: the daemon does not ask whether a workspace exists.
const tenant = "11111111-1111-4111-8111-111111111111"

// daemon is a client of the daemon, as Dify's API service is one.
type daemon struct {
	t        *testing.T
	url, key string
}

func newDaemon(t *testing.T) *daemon {
	t.Helper()
	url := os.Getenv("DIFY_DAEMON_URL")
	if url == "" {
		t.Skip("DIFY_DAEMON_URL is not set: there is no daemon to install plugins in")
	}
	return &daemon{t: t, url: strings.TrimSuffix(url, "/") + "/plugin/" + tenant, key: setting("DIFY_DAEMON_KEY", "testkey")}
}

func setting(name, fallback string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return fallback
}

// do sends a request and returns the answer's data.
func (d *daemon) do(method, path, contentType string, body io.Reader) (json.RawMessage, error) {
	req, err := http.NewRequestWithContext(d.t.Context(), method, d.url+path, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("X-Api-Key", d.key)
	req.Header.Set("Content-Type", contentType)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	var answer struct {
		Code    int
		Message string
		Data    json.RawMessage
	}
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(raw, &answer); err != nil {
		return nil, fmt.Errorf("%s %s: %s: %.500s", method, path, resp.Status, raw)
	}
	if answer.Code != 0 {
		return nil, fmt.Errorf("%s %s: %s", method, path, answer.Message)
	}
	return answer.Data, nil
}

func (d *daemon) post(path string, body any) (json.RawMessage, error) {
	raw, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	return d.do(http.MethodPost, path, "application/json", bytes.NewReader(raw))
}

// upload hands a package to the daemon and returns its unique identifier.
func (d *daemon) upload(file string) string {
	d.t.Helper()
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	part, err := w.CreateFormFile("dify_pkg", filepath.Base(file))
	if err != nil {
		d.t.Fatal(err)
	}
	content, err := os.ReadFile(file)
	if err != nil {
		d.t.Fatal(err)
	}
	_, _ = part.Write(content) // to memory
	_ = w.WriteField("verify_signature", "false")
	_ = w.Close()
	data, err := d.do(http.MethodPost, "/management/install/upload/package", w.FormDataContentType(), &form)
	if err != nil {
		d.t.Fatalf("upload %s: %v", file, err)
	}
	var answer struct {
		ID string `json:"unique_identifier"`
	}
	if err := json.Unmarshal(data, &answer); err != nil || answer.ID == "" {
		d.t.Fatalf("upload %s: %s", file, data)
	}
	return answer.ID
}

// install installs a package that was uploaded and returns how long that took.
func (d *daemon) install(id string) time.Duration {
	d.t.Helper()
	began := time.Now()
	data, err := d.post("/management/install/identifiers", map[string]any{
		"plugin_unique_identifiers": []string{id}, "source": "package", "metas": []any{map[string]any{}},
	})
	if err != nil {
		d.t.Fatalf("install %s: %v", id, err)
	}
	if err := d.finish(data); err != nil {
		d.t.Fatalf("install %s: %v", id, err)
	}
	return time.Since(began)
}

// upgrade puts one package in the place of another of the same name.
func (d *daemon) upgrade(from, to string) {
	d.t.Helper()
	data, err := d.post("/management/install/upgrade", map[string]any{
		"original_plugin_unique_identifier": from, "new_plugin_unique_identifier": to, "source": "package", "meta": map[string]any{},
	})
	if err == nil {
		err = d.finish(data)
	}
	if err != nil {
		d.t.Fatalf("upgrade from %s to %s: %v", from, to, err)
	}
}

// finish waits for the end of an installation.
func (d *daemon) finish(task json.RawMessage) error {
	var started struct {
		All bool   `json:"all_installed"`
		ID  string `json:"task_id"`
	}
	if err := json.Unmarshal(task, &started); err != nil {
		return err
	}
	if started.All {
		return nil
	}
	for ticks := time.NewTicker(50 * time.Millisecond); ; <-ticks.C {
		data, err := d.do(http.MethodGet, "/management/install/tasks/"+started.ID, "", nil)
		if err != nil {
			return err
		}
		var state struct {
			Status  string
			Plugins []struct{ Message string }
		}
		if err := json.Unmarshal(data, &state); err != nil {
			return err
		}
		switch state.Status {
		case "success":
			return nil
		case "failed":
			return fmt.Errorf("%+v", state.Plugins)
		}
	}
}

// installed lists what is installed: unique identifier -> installation id.
func (d *daemon) installed() map[string]string {
	d.t.Helper()
	data, err := d.do(http.MethodGet, "/management/list?page=1&page_size=100", "", nil)
	if err != nil {
		d.t.Fatal(err)
	}
	var page struct {
		List []installation
	}
	if json.Unmarshal(data, &page) != nil || page.List == nil {
		if err := json.Unmarshal(data, &page.List); err != nil {
			d.t.Fatalf("list the plugins: %s", data)
		}
	}
	found := map[string]string{}
	for _, p := range page.List {
		found[p.UniqueIdentifier] = p.ID
	}
	return found
}

type installation struct {
	ID               string
	UniqueIdentifier string `json:"plugin_unique_identifier"`
}

// uninstall removes every installation of a plugin, author/name.
func (d *daemon) uninstall(plugin string) {
	d.t.Helper()
	for id, installation := range d.installed() {
		if !strings.HasPrefix(id, plugin+":") {
			continue
		}
		if _, err := d.post("/management/uninstall", map[string]any{"plugin_installation_id": installation}); err != nil {
			d.t.Errorf("uninstall %s: %v", id, err)
		}
	}
}

// dispatch calls an action of a plugin and returns the results that it streams.
func (d *daemon) dispatch(plugin, action string, data map[string]any) ([]json.RawMessage, error) {
	body, err := json.Marshal(map[string]any{"user_id": "u1", "data": data})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(d.t.Context(), 5*time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.url+"/dispatch/"+action, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("X-Api-Key", d.key)
	req.Header.Set("X-Plugin-ID", plugin)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	return readEvents(resp)
}

func readEvents(resp *http.Response) ([]json.RawMessage, error) {
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 1000))
		return nil, fmt.Errorf("%s: %s", resp.Status, text)
	}
	var results []json.RawMessage
	r := bufio.NewReader(resp.Body)
	for {
		line, err := r.ReadBytes('\n')
		if item, ok := bytes.CutPrefix(bytes.TrimSpace(line), []byte("data:")); ok {
			var event struct {
				Code    int
				Message string
				Data    json.RawMessage
			}
			if err := json.Unmarshal(item, &event); err != nil {
				return results, err
			}
			if event.Code != 0 {
				return results, errors.New(event.Message)
			}
			results = append(results, event.Data)
		}
		if err == io.EOF {
			return results, nil
		}
		if err != nil {
			return results, err
		}
	}
}

package main

import (
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
	"time"
)

// tenant is any UUID: the daemon does not ask whether a workspace exists. It is not the one that the tests use.
const tenant = "22222222-2222-4222-8222-222222222222"

// pollEvery is how often the daemon is asked whether an installation is done: the precision of the figure.
const pollEvery = 20 * time.Millisecond

// daemon is a client of Dify's plugin daemon.
type daemon struct {
	url, key string
}

// installTime installs the package in the daemon and removes it again.
func (w *workshop) installTime(ctx context.Context) ([]float64, error) {
	url := os.Getenv("DIFY_DAEMON_URL")
	if url == "" {
		return nil, unavailable("DIFY_DAEMON_URL names no daemon")
	}
	d := daemon{url: strings.TrimSuffix(url, "/") + "/plugin/" + tenant, key: os.Getenv("DIFY_DAEMON_KEY")}
	if d.key == "" {
		d.key = "testkey"
	}
	result, err := w.packed.get()
	if err != nil {
		return nil, err
	}
	took, err := d.measureInstall(ctx, result.Path)
	if err != nil {
		return nil, err
	}
	return []float64{took.Seconds()}, nil
}

// measureInstall leaves a daemon alone that has the plugin already: there is nothing to measure, and it is somebody's.
func (d daemon) measureInstall(ctx context.Context, file string) (time.Duration, error) {
	id, err := d.upload(ctx, file)
	if err != nil {
		return 0, err
	}
	there, err := d.installation(ctx, id)
	if err != nil {
		return 0, err
	}
	if there != "" {
		return 0, unavailable("the daemon has " + id + " already; uninstall it first")
	}
	began := time.Now()
	installed := d.install(ctx, id)
	took := time.Since(began)
	return took, errors.Join(installed, d.uninstall(ctx, id))
}

// call sends a request and decodes the answer's data.
func (d daemon) call(ctx context.Context, method, path, contentType string, body io.Reader, data any) error {
	req, err := http.NewRequestWithContext(ctx, method, d.url+path, body)
	if err != nil {
		return err
	}
	req.Header.Set("X-Api-Key", d.key)
	req.Header.Set("Content-Type", contentType)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	var answer struct {
		Code    int
		Message string
		Data    json.RawMessage
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return fmt.Errorf("%s %s: %s: %w", method, path, resp.Status, err)
	}
	if answer.Code != 0 {
		return fmt.Errorf("%s %s: %s", method, path, answer.Message)
	}
	if err := json.Unmarshal(answer.Data, data); err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	return nil
}

func (d daemon) post(ctx context.Context, path string, body, data any) error {
	raw, err := json.Marshal(body)
	if err != nil {
		return err
	}
	return d.call(ctx, http.MethodPost, path, "application/json", bytes.NewReader(raw), data)
}

// upload hands a package to the daemon and returns its unique identifier.
func (d daemon) upload(ctx context.Context, file string) (string, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	part, err := w.CreateFormFile("dify_pkg", filepath.Base(file))
	if err != nil {
		return "", err
	}
	_, _ = part.Write(content) // to memory
	_ = w.WriteField("verify_signature", "false")
	_ = w.Close()
	var answer struct {
		ID string `json:"unique_identifier"`
	}
	if err := d.call(ctx, http.MethodPost, "/management/install/upload/package", w.FormDataContentType(), &form, &answer); err != nil {
		return "", err
	}
	if answer.ID == "" {
		return "", errors.New("the daemon gave the package no identifier")
	}
	return answer.ID, nil
}

// install installs an uploaded package and waits until it runs.
func (d daemon) install(ctx context.Context, id string) error {
	var task struct {
		All bool   `json:"all_installed"`
		ID  string `json:"task_id"`
	}
	err := d.post(ctx, "/management/install/identifiers", map[string]any{
		"plugin_unique_identifiers": []string{id}, "source": "package", "metas": []any{map[string]any{}},
	}, &task)
	if err != nil {
		return err
	}
	if task.All {
		return unavailable("another workspace of the daemon runs " + id + " already; uninstall it there first")
	}
	ticks := time.NewTicker(pollEvery)
	defer ticks.Stop()
	for {
		var state struct {
			Status  string
			Plugins []struct{ Message string }
		}
		if err := d.call(ctx, http.MethodGet, "/management/install/tasks/"+task.ID, "", nil, &state); err != nil {
			return err
		}
		switch state.Status {
		case "success":
			return nil
		case "failed":
			return fmt.Errorf("install %s: %+v", id, state.Plugins)
		}
		select {
		case <-ticks.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

type installation struct {
	ID               string
	UniqueIdentifier string `json:"plugin_unique_identifier"`
}

// installation returns the id of the plugin's installation in our workspace, "" when there is none.
func (d daemon) installation(ctx context.Context, id string) (string, error) {
	var page struct {
		List []installation
	}
	var data json.RawMessage
	if err := d.call(ctx, http.MethodGet, "/management/list?page=1&page_size=100", "", nil, &data); err != nil {
		return "", err
	}
	if json.Unmarshal(data, &page) != nil { // some versions send the bare list
		if err := json.Unmarshal(data, &page.List); err != nil {
			return "", fmt.Errorf("list the plugins of the daemon: %w", err)
		}
	}
	for _, p := range page.List {
		if p.UniqueIdentifier == id {
			return p.ID, nil
		}
	}
	return "", nil
}

func (d daemon) uninstall(ctx context.Context, id string) error {
	installation, err := d.installation(ctx, id)
	if err != nil || installation == "" {
		return err
	}
	var done any
	return d.post(ctx, "/management/uninstall", map[string]any{"plugin_installation_id": installation}, &done)
}

package e2e

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cloudplugins/difyplugin/host"
	"github.com/cloudplugins/difyplugin/pack"
	"github.com/cloudplugins/difyplugin/sandbox/cos"
	"github.com/cloudplugins/difyplugin/sandbox/sample"
)

const (
	cosFolder = "../../plugins/tencent_cos_storage"
	cosName   = "tencent_cos_storage"
)

// build packs a copy of the plugin, with edits in its manifest, under an identity.
func build(t *testing.T, folder string, identity *pack.Identity, version string) *pack.Result {
	t.Helper()
	dir, err := filepath.Abs(folder)
	if err != nil {
		t.Fatal(err)
	}
	if version != "" {
		dir = copyWithVersion(t, dir, version)
	}
	result, err := pack.Build(t.Context(), pack.Options{
		Dir: dir, Output: filepath.Join(t.TempDir(), "plugin.difypkg"), Identity: identity,
	})
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// copyWithVersion makes another version of the plugin beside the real one, where its imports are found.
func copyWithVersion(t *testing.T, dir, version string) string {
	t.Helper()
	to, err := os.MkdirTemp(filepath.Dir(dir), "e2e_")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(to) })
	if out, err := exec.Command("cp", "-r", dir+"/.", to).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	file := filepath.Join(to, "manifest.yaml")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(text), "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, "version:") {
			lines[i] = "version: " + version + "\n"
		}
	}
	if err := os.WriteFile(file, []byte(strings.Join(lines, "")), 0o644); err != nil {
		t.Fatal(err)
	}
	return to
}

// api is a small stand-in for the inner API of Dify: it knows uploads only.
func api(t *testing.T) *host.Dify {
	t.Helper()
	dify, err := host.NewDify(host.DifyOptions{Folder: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", setting("DIFY_INNER_API_ADDR", "127.0.0.1:5001"))
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		request, err := io.ReadAll(r.Body)
		if err != nil || r.URL.Path != "/inner/api/upload/file/request" || r.Header.Get("X-Inner-Api-Key") == "" {
			http.Error(w, "unexpected call "+r.URL.Path, http.StatusNotFound)
			return
		}
		for data, err := range dify.Invoke(r.Context(), host.Invocation{Type: "upload_file", Request: request}) {
			text := ""
			if err != nil {
				text = err.Error()
			}
			_ = json.NewEncoder(w).Encode(map[string]any{"data": data, "error": text})
		}
	})}
	go server.Serve(listener)
	t.Cleanup(func() {
		server.Close()
		dify.Close()
	})
	return dify
}

// drive is the plugin in the daemon.
type drive struct {
	*daemon
	plugin  string // author/name
	account sample.Account
	store   *cos.Store // the same sample as behind the daemon
}

func newDrive(t *testing.T, d *daemon, plugin string) *drive {
	t.Helper()
	store, err := cos.New(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	account, err := sample.Fill(store)
	if err != nil {
		t.Fatal(err)
	}
	return &drive{daemon: d, plugin: plugin, account: account, store: store}
}

func (d *drive) call(action string, fields map[string]any) ([]json.RawMessage, error) {
	data := map[string]any{
		"provider": cosName, "credential_type": "api-key",
		"credentials": map[string]any{
			"secret_id": d.account.Reader.SecretID, "secret_key": d.account.Reader.SecretKey, "region": d.account.Region,
		},
	}
	for name, value := range fields {
		data[name] = value
	}
	return d.dispatch(d.plugin, action, data)
}

// works uses the drive from end to end.
func (d *drive) works(dify *host.Dify) {
	d.t.Helper()
	if results, err := d.call("datasource/validate_credentials", nil); err != nil || string(results[0]) != `{"result":true}` {
		d.t.Fatalf("validate: %s, %v", results, err)
	}
	_, err := d.call("datasource/validate_credentials", map[string]any{"credentials": map[string]any{
		"secret_id": d.account.Reader.SecretID, "secret_key": "wrong-secret-key-000000000000", "region": d.account.Region,
	}})
	if err == nil || !strings.Contains(err.Error(), "CredentialsValidateFailedError") {
		d.t.Errorf("a wrong secret: %v", err)
	}
	if got := d.buckets(); len(got) != 4 {
		d.t.Errorf("buckets %v", got)
	}
	if got := d.files(d.account.Photos, "2025/西湖/"); len(got) != 2 {
		d.t.Errorf("files %v", got)
	}
	d.downloads(dify, d.account.Documents, "报告/年度报告 2024.pdf", "blob")
	d.downloads(dify, d.account.Backups, d.files(d.account.Backups, "large/")[0], "binary_link")
}

type page struct {
	Result []struct {
		Bucket string
		Files  []struct{ ID, Name, Type string }
	}
}

func (d *drive) browse(bucket any, prefix string) page {
	d.t.Helper()
	results, err := d.call("datasource/online_drive_browse_files", map[string]any{
		"datasource": cosName,
		"request":    map[string]any{"bucket": bucket, "prefix": prefix, "max_keys": 50, "next_page_parameters": nil},
	})
	if err != nil || len(results) != 1 {
		d.t.Fatalf("browse %v %s: %s, %v", bucket, prefix, results, err)
	}
	var p page
	if err := json.Unmarshal(results[0], &p); err != nil {
		d.t.Fatal(err)
	}
	return p
}

func (d *drive) buckets() (names []string) {
	for _, b := range d.browse(nil, "").Result {
		names = append(names, b.Bucket)
	}
	return names
}

func (d *drive) files(bucket, prefix string) (ids []string) {
	for _, f := range d.browse(bucket, prefix).Result[0].Files {
		ids = append(ids, f.ID)
	}
	return ids
}

// downloads fetches a file and compares it with the bucket's.
func (d *drive) downloads(dify *host.Dify, bucket, key, kind string) {
	d.t.Helper()
	results, err := d.call("datasource/online_drive_download_file", map[string]any{
		"datasource": cosName, "request": map[string]any{"bucket": bucket, "id": key},
	})
	if err != nil {
		d.t.Fatalf("download %s: %v", key, err)
	}
	var m struct {
		Type    string
		Message struct{ Blob, Text string }
		Meta    map[string]string
	}
	if err := json.Unmarshal(results[len(results)-1], &m); err != nil {
		d.t.Fatal(err)
	}
	if m.Type != kind {
		d.t.Errorf("%s came as %s, not as %s", key, m.Type, kind)
	}
	want := d.stored(bucket, key)
	if got := d.content(dify, m.Message.Blob, m.Message.Text); got != want {
		d.t.Errorf("%s differs from the bucket's", key)
	}
	if m.Meta["file_name"] == "" || m.Meta["mime_type"] == "" {
		d.t.Errorf("%s has the meta %v", key, m.Meta)
	}
}

func (d *drive) stored(bucket, key string) [32]byte {
	d.t.Helper()
	r, err := d.store.Open(bucket, key)
	if err != nil {
		d.t.Fatal(err)
	}
	defer r.Close()
	return sum(d.t, r)
}

func (d *drive) content(dify *host.Dify, blob, link string) [32]byte {
	d.t.Helper()
	if blob != "" {
		return sum(d.t, base64.NewDecoder(base64.StdEncoding, strings.NewReader(blob)))
	}
	f, ok := dify.StoredFile(link)
	if !ok {
		d.t.Fatalf("nothing was uploaded for the link %s", link)
	}
	r, err := f.Open()
	if err != nil {
		d.t.Fatal(err)
	}
	defer r.Close()
	return sum(d.t, r)
}

func sum(t *testing.T, r io.Reader) [32]byte {
	t.Helper()
	h := sha256.New()
	if _, err := io.Copy(h, r); err != nil {
		t.Fatal(err)
	}
	return [32]byte(h.Sum(nil))
}

func TestTheDriveInARealDaemon(t *testing.T) {
	d := newDaemon(t)
	dify := api(t)
	first := build(t, cosFolder, nil, "")
	plugin := "cloudplugins/" + cosName
	d.uninstall(plugin)

	id := d.upload(first.Path)
	if id != first.UniqueIdentifier {
		t.Errorf("the daemon calls the package %s, pack calls it %s", id, first.UniqueIdentifier)
	}
	t.Logf("installed in %s", d.install(id))
	drive := newDrive(t, d, plugin)
	drive.works(dify)

	t.Log("crash and restart")
	kill(t, cosName)
	drive.works(dify)

	t.Log("reinstall")
	d.uninstall(plugin)
	if _, err := drive.call("datasource/validate_credentials", nil); err == nil {
		t.Error("the plugin answers although it is not installed")
	}
	gone(t, cosName)
	t.Logf("installed again in %s", d.install(d.upload(first.Path)))
	drive.awaitRegistration() // the daemon may still be stopping the old one
	drive.works(dify)

	t.Log("upgrade")
	second := build(t, cosFolder, nil, "9.9.9")
	next := d.upload(second.Path)
	d.upgrade(id, next)
	if _, ok := d.installed()[next]; !ok {
		t.Errorf("installed after the upgrade: %v", d.installed())
	}
	drive.works(dify)
	d.uninstall(plugin)

	t.Log("another identity")
	as, err := pack.ParseIdentity("acme/cos_drive/cos_drive")
	if err != nil {
		t.Fatal(err)
	}
	d.install(d.upload(build(t, cosFolder, &as, "").Path))
	other := newDrive(t, d, "acme/cos_drive")
	other.works(dify)
	d.uninstall("acme/cos_drive")
	if left := d.installed(); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// kill ends the plugin's process as a crash would, and waits until the daemon has started another. A request in between
// may reach the dead one's pipe, and is then lost until the daemon's own time limit.
func kill(t *testing.T, name string) {
	t.Helper()
	running := processes(t, name)
	if len(running) != 1 {
		t.Fatalf("%d processes of the plugin were found, one was expected", len(running))
	}
	old := running[0]
	if err := old.Kill(); err != nil {
		t.Fatal(err)
	}
	until(t, "the daemon starts the plugin again", func() bool {
		running := processes(t, name)
		return len(running) == 1 && running[0].Pid != old.Pid
	})
}

// gone waits for the end of the plugin's process. A plugin that is installed again while the daemon still stops it is
// stopped with the old one, and started only by the daemon's next look around, half a minute later.
func gone(t *testing.T, name string) {
	t.Helper()
	until(t, "the plugin's process ends", func() bool { return len(processes(t, name)) == 0 })
}

// until looks again and again for what the daemon does in its own time.
func until(t *testing.T, what string, happened func() bool) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for ticks := time.NewTicker(100 * time.Millisecond); !happened(); <-ticks.C {
		if time.Now().After(deadline) {
			t.Fatalf("waited a minute in vain until %s", what)
		}
	}
}

// processes finds the programs that the launcher of a plugin has become.
func processes(t *testing.T, name string) (found []*os.Process) {
	t.Helper()
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		program, err := os.Readlink(filepath.Join("/proc", e.Name(), "exe"))
		if err != nil || !strings.Contains(program, "/"+name+"-") || !strings.HasPrefix(filepath.Base(program), "plugin-") {
			continue
		}
		if process, err := os.FindProcess(pid); err == nil {
			found = append(found, process)
		}
	}
	return found
}

package e2e

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// cable is a TCP proxy whose connections can be cut.
type cable struct {
	listener net.Listener
	target   string

	mu    sync.Mutex
	conns []net.Conn
}

func newCable(t *testing.T, target string) *cable {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cable{listener: listener, target: target}
	go c.accept()
	t.Cleanup(func() {
		listener.Close()
		c.cut()
	})
	return c
}

func (c *cable) accept() {
	for {
		near, err := c.listener.Accept()
		if err != nil {
			return
		}
		far, err := net.Dial("tcp", c.target)
		if err != nil {
			near.Close()
			continue
		}
		c.mu.Lock()
		c.conns = append(c.conns, near, far)
		c.mu.Unlock()
		for _, way := range [][2]net.Conn{{near, far}, {far, near}} {
			go func() {
				_, _ = io.Copy(way[0], way[1])
				way[0].Close()
			}()
		}
	}
}

// cut breaks all connections.
func (c *cable) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range c.conns {
		conn.Close()
	}
	c.conns = nil
}

func TestTheDriveFromADevelopersMachine(t *testing.T) {
	d := newDaemon(t)
	dify := api(t)
	plugin := "cloudplugins/" + cosName
	d.uninstall(plugin)
	gone(t, cosName)
	line := newCable(t, setting("DIFY_DEBUG_ADDR", "127.0.0.1:5003"))
	said := startDebug(t, d.debugKey(), line.listener.Addr().String())

	await(t, said, "difyplugin: connected")
	drive := newDrive(t, d, plugin)
	drive.awaitRegistration()
	drive.works(dify)

	line.cut()
	await(t, said, "difyplugin: connected")
	drive.awaitRegistration()
	drive.works(dify)
}

func TestAWrongDebuggingKeyIsRefusedAndSaid(t *testing.T) {
	newDaemon(t)
	cmd := debugCommand(t, "00000000-0000-4000-8000-000000000000", setting("DIFY_DEBUG_ADDR", "127.0.0.1:5003"))
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "invalid key") || strings.Contains(string(out), "00000000-0000-4000") {
		t.Errorf("%v: %s", err, out)
	}
}

// debugKey asks for the workspace's key, as the plugins page does.
func (d *daemon) debugKey() string {
	d.t.Helper()
	data, err := d.do(http.MethodPost, "/debugging/key", "application/json", strings.NewReader("{}"))
	if err != nil {
		d.t.Fatal(err)
	}
	var answer struct{ Key string }
	if err := json.Unmarshal(data, &answer); err != nil || answer.Key == "" {
		d.t.Fatalf("no key: %v", err)
	}
	return answer.Key
}

func debugCommand(t *testing.T, key, address string) *exec.Cmd {
	t.Helper()
	program := filepath.Join(t.TempDir(), cosName)
	if out, err := exec.Command("go", "build", "-o", program, cosFolder).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	// The settings come from a file .env, as on a developer's machine.
	settings := "INSTALL_METHOD=remote\nREMOTE_INSTALL_URL=" + address + "\nREMOTE_INSTALL_KEY=" + key + "\n"
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, ".env"), []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program)
	cmd.Dir = dir
	return cmd
}

// startDebug starts the plugin and returns what it says on standard error, line by line.
func startDebug(t *testing.T, key, address string) <-chan string {
	t.Helper()
	cmd := debugCommand(t, key, address)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	said := make(chan string, 100)
	go func() {
		defer close(said)
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			said <- lines.Text()
		}
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		for range said {
		}
		_ = cmd.Wait()
	})
	return said
}

func await(t *testing.T, said <-chan string, part string) {
	t.Helper()
	timeout := time.After(time.Minute)
	for {
		select {
		case line, ok := <-said:
			if !ok {
				t.Fatalf("the plugin ended before it said %q", part)
			}
			t.Log(line)
			if strings.Contains(line, part) {
				return
			}
		case <-timeout:
			t.Fatalf("the plugin does not say %q", part)
		}
	}
}

// awaitRegistration waits until the daemon has taken the plugin in: it does not confirm that to the plugin.
func (d *drive) awaitRegistration() {
	d.t.Helper()
	var last error
	defer func() {
		if last != nil {
			d.t.Logf("the last answer was: %v", last)
		}
	}()
	until(d.t, "the daemon knows the plugin", func() bool {
		_, last = d.call("datasource/validate_credentials", nil)
		return last == nil
	})
}

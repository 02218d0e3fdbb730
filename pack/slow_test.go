//go:build slow

package pack

import (
	"bufio"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Whole plugins pack, pass the check, start through the launcher and say that
// they are ready. The log tells sizes and times.
func TestSlowPluginsPackAndStart(t *testing.T) {
	for name, dir := range map[string]string{
		"greeter":             newSDKPlugin(t),
		"tencent_cos_storage": filepath.Join("..", "plugins", "tencent_cos_storage"),
	} {
		t.Run(name, func(t *testing.T) {
			result := build(t, Options{Dir: dir, Log: func(line string) { t.Log(line) }})
			t.Logf("%s: %d bytes packed, %d unpacked", result.UniqueIdentifier, result.Packed, result.Unpacked)
			cmd := exec.Command(pythons(t)[0], "-m", "main")
			cmd.Dir = unpackPackage(t, result.Path)
			cmd.Env = append(cmd.Environ(), "INSTALL_METHOD=local")
			stdin, err := cmd.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			stdout, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			line, err := bufio.NewReader(stdout).ReadString('\n')
			if err != nil || !strings.Contains(line, `"heartbeat"`) {
				t.Errorf("the first line is %q: %v", line, err)
			}
			if err := stdin.Close(); err != nil { // on which a plugin ends
				t.Error(err)
			}
			if err := cmd.Wait(); err != nil {
				t.Error(err)
			}
		})
	}
}

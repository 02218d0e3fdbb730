package pack

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// isolated makes cmd run after a shell script that may mount what it likes:
// nobody else sees it, and it is gone when the command ends.
func isolated(t *testing.T, cmd *exec.Cmd, script string) *exec.Cmd {
	t.Helper()
	unshare := []string{"unshare", "--mount"}
	if os.Geteuid() != 0 {
		unshare = append(unshare, "--map-root-user")
	}
	probe := exec.Command(unshare[0], append(unshare[1:], "mount", "-t", "tmpfs", "none", t.TempDir())...)
	if output, err := probe.CombinedOutput(); err != nil {
		t.Skipf("mounting a file system of one's own is not permitted here: %v %s", err, output)
	}
	shell := append(unshare, "sh", "-euc", script+"\n"+`exec "$@"`, "sh")
	cmd.Args = append(shell, cmd.Args...)
	path, err := exec.LookPath(unshare[0])
	if err != nil {
		t.Fatal(err)
	}
	cmd.Path = path
	return cmd
}

// readOnly mounts the folder again, read-only.
func readOnly(p place) string {
	return quote("mount", "--bind", p.dir, p.dir) + "\n" + quote("mount", "-o", "remount,bind,ro", p.dir) + "\n" + quote("cd", p.dir)
}

// small mounts a file system with so many KiB over the folder, with the files
// of the package in it.
func small(dir, kib string) string {
	return quote("cp", "-r", dir, dir+".package") + "\n" +
		quote("mount", "-t", "tmpfs", "-o", "size="+kib+"k", "none", dir) + "\n" +
		quote("cp", "-r", dir+".package/.", dir) + "\n" + quote("cd", dir)
}

func quote(words ...string) string {
	for i, word := range words {
		words[i] = "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
	}
	return strings.Join(words, " ")
}

func spareBinary(p place) string { return filepath.Join(p.spare(), "plugin-"+runtime.GOARCH) }

func TestLauncherInAFolderThatIsReadOnly(t *testing.T) {
	p := newPlace(t)
	start(t, isolated(t, p.command(), readOnly(p))).wantRunning(t, spareBinary(p))
	before := stat(t, spareBinary(p))
	if mode := stat(t, p.spare()).Mode().Perm(); mode != 0o700 {
		t.Errorf("others may enter %s: mode %o", p.spare(), mode)
	}

	remove(t, p.path(archiveName))
	start(t, isolated(t, p.command(), readOnly(p))).wantRunning(t, spareBinary(p))
	if after := stat(t, spareBinary(p)); !os.SameFile(before, after) {
		t.Error("the second start wrote the program again")
	}
}

func TestLauncherRunsAProgramFromAFolderThatBecameReadOnly(t *testing.T) {
	p := newPlace(t)
	start(t, p.command()).wantRunning(t, p.binary())
	start(t, isolated(t, p.command(), readOnly(p))).wantRunning(t, p.binary())
}

func TestLauncherInAFolderMountedNoexec(t *testing.T) {
	p := newPlace(t)
	noexec := quote("mount", "--bind", p.dir, p.dir) + "\n" + quote("mount", "-o", "remount,bind,noexec", p.dir) + "\n" + quote("cd", p.dir)
	start(t, isolated(t, p.command(), noexec)).wantRunning(t, spareBinary(p))
	if _, err := os.Stat(p.binary()); err == nil {
		t.Error("the program was unpacked where it cannot run")
	}

	// The same with a program from the time before the folder was mounted so.
	remove(t, spareBinary(p))
	start(t, p.command()).wantRunning(t, p.binary())
	start(t, isolated(t, p.command(), noexec)).wantRunning(t, spareBinary(p))
}

func TestLauncherOnAFullDisk(t *testing.T) {
	p := newPlace(t)
	// 1200 KiB have room for the package, not for the program.
	if len(shared.archive)+len(launcher) > 1100<<10 || len(shared.payload) < 1200<<10 {
		t.Fatalf("the payload has outgrown the disk: archive %d, program %d", len(shared.archive), len(shared.payload))
	}
	r := start(t, isolated(t, p.command(), small(p.dir, "1200")))
	if r.exit != 0 || r.program != spareBinary(p) {
		t.Fatalf("exit code %d, program %q; stderr: %s", r.exit, r.program, r.stderr)
	}
	if strings.Count(r.stderr, "\n") != 1 || !strings.Contains(r.stderr, "no space left") || !strings.Contains(r.stderr, p.dir) {
		t.Errorf("stderr must be one line that names the full folder, not %q", r.stderr)
	}
}

func TestLauncherRemovesWhatAFullDiskLeft(t *testing.T) {
	p := newPlace(t)
	p.tmp = p.dir // full as well
	cmd := isolated(t, p.command(), small(p.dir, "1200"))
	// A shell stays around to list the folder after the program ended.
	cmd.Args = append(cmd.Args[:len(cmd.Args)-3], "sh", "-c", `"$0" -m main >/dev/null 2>&1; echo "$?"; ls -R`, p.python)
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %s", err, &output)
	}
	if got := output.String(); !strings.HasPrefix(got, "0\n") || !strings.Contains(got, archiveName) || strings.Contains(got, "partial") {
		t.Errorf("the program must have run from memory and left no partial file:\n%s", got)
	}
}

func TestLauncherDoesNotTrustAPrivateFolder(t *testing.T) {
	tests := map[string]struct {
		prepare func(t *testing.T, p place)
		program func(p place) string
	}{
		"that others may enter": {func(t *testing.T, p place) {
			if err := os.Mkdir(p.spare(), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(p.spare(), 0o750); err != nil {
				t.Fatal(err)
			}
		}, memory},
		"that is a link": {func(t *testing.T, p place) {
			if err := os.Symlink(t.TempDir(), p.spare()); err != nil {
				t.Fatal(err)
			}
		}, memory},
		"that is a file": {func(t *testing.T, p place) { write(t, p.spare(), nil) }, memory},
		"that holds another program, with the right size and time": {func(t *testing.T, p place) {
			start(t, isolated(t, p.command(), readOnly(p))).wantRunning(t, spareBinary(p))
			whole := stat(t, spareBinary(p))
			write(t, spareBinary(p), make([]byte, whole.Size()))
			if err := os.Chtimes(spareBinary(p), whole.ModTime(), whole.ModTime()); err != nil {
				t.Fatal(err)
			}
		}, spareBinary},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			test.prepare(t, p)
			r := start(t, isolated(t, p.command(), readOnly(p)))
			r.wantRunning(t, r.program)
			if !strings.HasPrefix(r.program, test.program(p)) {
				t.Errorf("the program ran from %s, want %s", r.program, test.program(p))
			}
		})
	}
}

func TestLauncherDoesNotTrustAPrivateFolderOfAnotherUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give a folder to somebody else")
	}
	p := newPlace(t)
	if err := os.Mkdir(p.spare(), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(p.spare(), 65534, 65534); err != nil {
		t.Fatal(err)
	}
	r := start(t, isolated(t, p.command(), readOnly(p)))
	r.wantRunning(t, r.program)
	if !strings.HasPrefix(r.program, memory(p)) {
		t.Errorf("the program ran from %s, want memory", r.program)
	}
}

// memory is where a program runs from that has no file.
func memory(place) string { return "/proc/self/fd/" }

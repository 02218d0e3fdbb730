package pack

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// pythons returns the interpreters that the launcher is tried with: that of
// DIFYPLUGIN_PYTHON, and those on PATH.
func pythons(t *testing.T) []string {
	t.Helper()
	var found []string
	for _, name := range []string{os.Getenv("DIFYPLUGIN_PYTHON"), "python3.12", "python3"} {
		if name == "" {
			continue
		}
		const probe = "import sys, lzma, hashlib; assert sys.version_info >= (3, 10); print(sys.executable)"
		output, err := exec.Command(name, "-c", probe).Output()
		if executable := strings.TrimSpace(string(output)); err == nil && !slices.Contains(found, executable) {
			found = append(found, executable)
		}
	}
	if len(found) == 0 {
		t.Fatal("no Python 3.10 or later was found; install python3 or set DIFYPLUGIN_PYTHON")
	}
	return found
}

// A place is a folder that a host unpacked a package into.
type place struct {
	dir    string
	tmp    string // TMPDIR of what runs there
	python string
}

func newPlace(t *testing.T) place {
	t.Helper()
	p := place{dir: filepath.Join(t.TempDir(), "plugin folder"), tmp: t.TempDir(), python: pythons(t)[0]}
	p.unpackPackage(t)
	return p
}

func (p place) unpackPackage(t *testing.T) {
	t.Helper()
	if err := os.MkdirAll(p.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, p.path(launcherName), launcher)
	write(t, p.path(archiveName), shared.archive)
	write(t, p.path(listName), formatList(shared.programs))
}

func (p place) path(name string) string { return filepath.Join(p.dir, name) }

// binary is where the launcher unpacks the program to.
func (p place) binary() string { return p.path("plugin-" + runtime.GOARCH) }

// spare is the folder that the launcher takes when the plugin's does not do.
func (p place) spare() string {
	sum := sha256.Sum256(shared.payload)
	return filepath.Join(p.tmp, fmt.Sprintf("difyplugin-%d-%s", os.Geteuid(), hex.EncodeToString(sum[:])[:16]))
}

// command starts the plugin as the host does.
func (p place) command() *exec.Cmd {
	cmd := exec.Command(p.python, "-m", "main")
	cmd.Dir = p.dir
	cmd.Env = []string{"TMPDIR=" + p.tmp, "LC_ALL=C.UTF-8", "PATH=" + os.Getenv("PATH")}
	return cmd
}

// A run is what a plugin that was started left behind.
type run struct {
	pid            int
	program        string
	environment    []string
	input          string
	stdout, stderr string
	exit           int
}

func start(t *testing.T, cmd *exec.Cmd) run {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	r := run{stdout: stdout.String(), stderr: stderr.String(), exit: cmd.ProcessState.ExitCode()}
	if words := strings.SplitN(r.stdout, "\n", 4); len(words) == 4 {
		r.pid, _ = strconv.Atoi(words[0])
		r.program, r.input, r.environment = words[1], words[2], strings.Split(words[3], "\x00")
	}
	return r
}

// wantRunning fails the test unless the payload ran from path, silently.
func (r run) wantRunning(t *testing.T, path string) {
	t.Helper()
	if r.exit != 0 || r.program != path || r.stderr != "" {
		t.Fatalf("exit code %d, program %q, want %q; stderr: %s", r.exit, r.program, path, r.stderr)
	}
}

// wantRefusal fails the test unless the launcher gave up with one line on
// standard error that holds the words.
func (r run) wantRefusal(t *testing.T, words ...string) {
	t.Helper()
	if r.exit == 0 || r.stdout != "" {
		t.Errorf("exit code %d, want another than 0; stdout %q, want none", r.exit, r.stdout)
	}
	if !strings.HasPrefix(r.stderr, "plugin cannot start: ") || strings.Count(r.stderr, "\n") != 1 || len(r.stderr) > 1024 {
		t.Errorf("stderr must be one line of at most 1024 bytes, not %q", r.stderr)
	}
	for _, word := range words {
		if !strings.Contains(r.stderr, word) {
			t.Errorf("stderr lacks %q: %s", word, r.stderr)
		}
	}
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

func stat(t *testing.T, path string) fs.FileInfo {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info
}

// wantPayload fails the test unless path is the whole program.
func wantPayload(t *testing.T, path string) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, shared.payload) {
		t.Errorf("%s holds %d bytes that are not the program's %d", path, len(got), len(shared.payload))
	}
}

func partials(t *testing.T, dir string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "*.partial"))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestLauncherBecomesTheProgram(t *testing.T) {
	for _, python := range pythons(t) {
		t.Run(python, func(t *testing.T) {
			p := newPlace(t)
			p.python = python
			cmd := p.command()
			cmd.Env = append(cmd.Env, "INSTALL_METHOD=local", "ODD=\xff\xfe=\t", "EMPTY=")
			cmd.Stdin = strings.NewReader("a request")
			r := start(t, cmd)
			r.wantRunning(t, p.binary())
			if r.pid != cmd.Process.Pid {
				t.Errorf("the program is process %d; the host started %d", r.pid, cmd.Process.Pid)
			}
			if r.input != "a request" {
				t.Errorf("the program read %q", r.input)
			}
			slices.Sort(r.environment)
			if diff := cmp.Diff(slices.Sorted(slices.Values(cmd.Env)), r.environment); diff != "" {
				t.Errorf("environment (-want +got):\n%s", diff)
			}
			wantPayload(t, p.binary())
			if left := partials(t, p.dir); len(left) > 0 {
				t.Errorf("left behind: %q", left)
			}
		})
	}
}

func TestLauncherFindsItsFilesFromAnyFolder(t *testing.T) {
	p := newPlace(t)
	cmd := p.command()
	cmd.Args = []string{p.python, p.path(launcherName)}
	cmd.Dir = t.TempDir()
	start(t, cmd).wantRunning(t, p.binary())
}

func TestLauncherUnpacksOnce(t *testing.T) {
	p := newPlace(t)
	start(t, p.command()).wantRunning(t, p.binary())
	before := stat(t, p.binary())
	remove(t, p.path(archiveName))
	start(t, p.command()).wantRunning(t, p.binary())
	if after := stat(t, p.binary()); !os.SameFile(before, after) || !before.ModTime().Equal(after.ModTime()) {
		t.Error("the second start wrote the program again")
	}
}

func TestWarmStartImportsNothingThatTakesTime(t *testing.T) {
	p := newPlace(t)
	start(t, p.command()).wantRunning(t, p.binary())
	imports := func(module string) []string {
		cmd := p.command()
		cmd.Args = []string{p.python, "-X", "importtime", "-m", module}
		var names []string
		for line := range strings.Lines(start(t, cmd).stderr) {
			names = append(names, strings.TrimSpace(line[strings.LastIndex(line, "|")+1:]))
		}
		return names
	}
	write(t, p.path("nothing.py"), []byte("import os, sys\n"))
	idle, warm := imports("nothing"), imports("main")
	if len(warm) < 10 {
		t.Fatalf("the list of imports is too short to be true: %q", warm)
	}
	for _, name := range warm {
		if !slices.Contains(idle, name) {
			t.Errorf("a warm start imports %s", name)
		}
	}
}

func TestLauncherMendsTheProgram(t *testing.T) {
	tests := map[string]struct {
		damage  func(t *testing.T, p place)
		archive bool // whether the archive is needed
	}{
		"that a crash cut off": {func(t *testing.T, p place) {
			info := stat(t, p.binary())
			if err := os.Truncate(p.binary(), info.Size()/2); err != nil {
				t.Fatal(err)
			}
			if err := os.Chtimes(p.binary(), info.ModTime(), info.ModTime()); err != nil {
				t.Fatal(err)
			}
		}, true},
		"that has the right size and one wrong byte": {func(t *testing.T, p place) {
			f, err := os.OpenFile(p.binary(), os.O_RDWR, 0)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := f.WriteAt([]byte{^shared.payload[4096]}, 4096); err != nil {
				t.Fatal(err)
			}
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
		}, true},
		"that was replaced by zeros of the right size": {func(t *testing.T, p place) {
			write(t, p.binary(), make([]byte, len(shared.payload)))
		}, true},
		"that lost its execute bit": {func(t *testing.T, p place) {
			if err := os.Chmod(p.binary(), 0o644); err != nil {
				t.Fatal(err)
			}
		}, false},
		"that was copied, with a new time": {func(t *testing.T, p place) {
			if err := os.Chtimes(p.binary(), time.Now(), time.Now()); err != nil {
				t.Fatal(err)
			}
		}, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			start(t, p.command()).wantRunning(t, p.binary())
			whole := stat(t, p.binary())
			test.damage(t, p)
			if !test.archive {
				remove(t, p.path(archiveName))
			}
			start(t, p.command()).wantRunning(t, p.binary())
			wantPayload(t, p.binary())
			mended := stat(t, p.binary())
			if mended.Mode().Perm() != 0o755 || !mended.ModTime().Equal(whole.ModTime()) {
				t.Errorf("the next start will not trust the program: mode %o, time %s", mended.Mode(), mended.ModTime())
			}
		})
	}
}

func TestLauncherDoesNotRunTheProgramOfAnotherPackage(t *testing.T) {
	p := newPlace(t)
	start(t, p.command()).wantRunning(t, p.binary())
	updated := slices.Clone(shared.programs)
	updated[1].SHA256 = strings.Repeat("0", 64) // of a program of the same size
	write(t, p.path(listName), formatList(updated))
	start(t, p.command()).wantRefusal(t, "wrong SHA-256")
}

func TestManyStartsAtOnce(t *testing.T) {
	p := newPlace(t)
	var commands []*exec.Cmd
	var outputs []*bytes.Buffer
	for range 8 {
		cmd, output := p.command(), &bytes.Buffer{}
		cmd.Stdout, cmd.Stderr = output, output
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		commands, outputs = append(commands, cmd), append(outputs, output)
	}
	for i, cmd := range commands {
		if err := cmd.Wait(); err != nil {
			t.Errorf("start %d: %v: %s", i, err, outputs[i])
		}
		if want := fmt.Sprintf("%d\n%s\n", cmd.Process.Pid, p.binary()); !strings.HasPrefix(outputs[i].String(), want) {
			t.Errorf("start %d printed %.100q, want %q first", i, outputs[i], want)
		}
	}
	wantPayload(t, p.binary())
	if left := partials(t, p.dir); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

// startWithPipe starts the plugin with a pipe in place of the archive, and
// returns the end that feeds it once the launcher reads.
func startWithPipe(t *testing.T, p place) (*exec.Cmd, *os.File) {
	t.Helper()
	remove(t, p.path(archiveName))
	if err := syscall.Mkfifo(p.path(archiveName), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := p.command()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	pipe, err := os.OpenFile(p.path(archiveName), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return cmd, pipe
}

func TestLauncherKilledWhileItUnpacks(t *testing.T) {
	p := newPlace(t)
	cmd, pipe := startWithPipe(t, p)
	// A pipe holds 64 KiB: when half of the archive went in, most of it was unpacked.
	if _, err := pipe.Write(shared.archive[:len(shared.archive)/2]); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // reports the signal
	if err := pipe.Close(); err != nil {
		t.Fatal(err)
	}
	if left := partials(t, p.dir); len(left) != 1 {
		t.Fatalf("the launcher was not killed in the middle: partial files %q", left)
	}
	if _, err := os.Stat(p.binary()); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("half a program is in place: %v", err)
	}

	remove(t, p.path(archiveName))
	write(t, p.path(archiveName), shared.archive)
	start(t, p.command()).wantRunning(t, p.binary())
	wantPayload(t, p.binary())
	if left := partials(t, p.dir); len(left) > 0 {
		t.Errorf("left behind by the killed one: %q", left)
	}
}

// While one start unpacks, another waits, and then finds the program.
func TestLauncherWaitsForAnother(t *testing.T) {
	p := newPlace(t)
	remove(t, p.path(archiveName)) // so that it fails if it does not wait
	folder, err := os.Open(p.dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Flock(int(folder.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	cmd := p.command()
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for !waitsForLock(t, cmd.Process.Pid) {
		select {
		case err := <-ended:
			t.Fatalf("it did not wait: %v: %s", err, &output)
		default:
			runtime.Gosched()
		}
	}
	write(t, p.binary(), shared.payload)
	if err := folder.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Errorf("%v: %s", err, &output)
	}
}

// waitsForLock asks the kernel, which lists who waits with an arrow.
func waitsForLock(t *testing.T, pid int) bool {
	t.Helper()
	locks, err := os.ReadFile("/proc/locks")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(locks)) {
		if words := strings.Fields(line); slices.Contains(words, "->") && slices.Contains(words, strconv.Itoa(pid)) {
			return true
		}
	}
	return false
}

func TestLauncherRunsWhereFilesCannotBeLocked(t *testing.T) {
	p := newPlace(t)
	leftover := p.binary() + ".0123456789ab.partial"
	write(t, leftover, []byte("of a process that may live"))
	cmd := p.command()
	cmd.Args = []string{p.python, "-c", `
import fcntl, runpy
def flock(descriptor, operation):
    raise OSError(9, "Bad file descriptor")
fcntl.flock = flock
runpy.run_path("main.py", run_name="__main__")`}
	start(t, cmd).wantRunning(t, p.binary())
	if _, err := os.Stat(leftover); err != nil {
		t.Errorf("without a lock nobody knows whether a partial file is still written: %v", err)
	}
}

func TestLauncherRefusesInOneLine(t *testing.T) {
	cut := shared.archive[:len(shared.archive)*9/10]
	flipped := bytes.Clone(shared.archive)
	flipped[len(flipped)/2] ^= 0xff
	other := slices.Clone(shared.programs)
	other[1].SHA256 = strings.Repeat("0", 64)
	longer := slices.Clone(shared.programs)
	longer[1].Size++
	tests := map[string]struct {
		break_ func(t *testing.T, p place)
		want   []string
	}{
		"a missing archive":           {func(t *testing.T, p place) { remove(t, p.path(archiveName)) }, []string{archiveName, "No such file", "install the plugin again"}},
		"an archive that is cut off":  {func(t *testing.T, p place) { write(t, p.path(archiveName), cut) }, []string{archiveName, "install the plugin again"}},
		"an archive that is empty":    {func(t *testing.T, p place) { write(t, p.path(archiveName), nil) }, []string{archiveName, "install the plugin again"}},
		"an archive with a wrong bit": {func(t *testing.T, p place) { write(t, p.path(archiveName), flipped) }, []string{archiveName, "install the plugin again"}},
		"no archive at all":           {func(t *testing.T, p place) { write(t, p.path(archiveName), []byte("PK\n\n")) }, []string{archiveName, "install the plugin again"}},
		"another program than listed": {func(t *testing.T, p place) { write(t, p.path(listName), formatList(other)) }, []string{"damaged", "wrong SHA-256"}},
		"a list of larger programs":   {func(t *testing.T, p place) { write(t, p.path(listName), formatList(longer)) }, []string{"ends too early"}},
		"a missing list":              {func(t *testing.T, p place) { remove(t, p.path(listName)) }, []string{listName, "No such file"}},
		"a list of nonsense":          {func(t *testing.T, p place) { write(t, p.path(listName), []byte("a b\nc")) }, []string{listName, "install the plugin again"}},
		"a list that is not text":     {func(t *testing.T, p place) { write(t, p.path(listName), []byte("\xff\x00")) }, []string{listName}},
		"an empty list":               {func(t *testing.T, p place) { write(t, p.path(listName), nil) }, []string{"programs for none"}},
		"a package for other machines": {
			func(t *testing.T, p place) { write(t, p.path(listName), formatList(shared.programs[:1])) },
			[]string{"this machine is", "programs for " + foreignArch()},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			test.break_(t, p)
			start(t, p.command()).wantRefusal(t, test.want...)
			if left := partials(t, p.dir); len(left) > 0 {
				t.Errorf("left behind: %q", left)
			}
			if _, err := os.Stat(p.binary()); err == nil {
				t.Error("a broken program is in place")
			}
		})
	}
}

func TestLauncherRefusesAnotherProcessor(t *testing.T) {
	setarch, err := exec.LookPath("setarch")
	if err != nil || runtime.GOARCH != "amd64" {
		t.Skip("setarch, which makes the kernel name another processor, is not on PATH, or this is not amd64")
	}
	p := newPlace(t)
	cmd := p.command()
	cmd.Path, cmd.Args = setarch, append([]string{setarch, "i686"}, cmd.Args...)
	start(t, cmd).wantRefusal(t, "this machine is i686", "amd64")
}

func TestLauncherRefusesAnotherSystem(t *testing.T) {
	for _, system := range []string{"darwin", "win32"} {
		t.Run(system, func(t *testing.T) {
			p := newPlace(t)
			cmd := p.command()
			cmd.Args = []string{p.python, "-c", `
import os, sys, runpy
sys.platform = "` + system + `"
del os.uname  # which Windows lacks
runpy.run_path("main.py", run_name="__main__")`}
			start(t, cmd).wantRefusal(t, "runs on Linux", system)
		})
	}
}

// A limit on the size of files stands for disks, folders and memory that take
// nothing more.
func TestLauncherNamesEveryPlaceThatFailed(t *testing.T) {
	p := newPlace(t)
	cmd := p.command()
	cmd.Path, cmd.Args = "/bin/sh", []string{"sh", "-c", `ulimit -f 8; exec "$0" -m main`, p.python}
	start(t, cmd).wantRefusal(t, p.dir, p.spare(), "File too large")
	if left := append(partials(t, p.dir), partials(t, p.spare())...); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

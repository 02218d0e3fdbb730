package pack

import (
	"bytes"
	"context"
	"debug/elf"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// architectures are those of the host, in the order of the archive.
var architectures = map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}

// checkTime bounds the comparison of declarations and parts, which takes
// milliseconds; a program that knows no "check" may run on.
const checkTime = time.Minute

// A compiler builds the program of one plugin.
type compiler struct {
	dir     string // the plugin's folder, absolute and without symbolic links
	scratch string // a folder for what is only needed while packing
	overlay string // a file that tells Go which files to read elsewhere, or ""
	flags   []string
}

// newCompiler makes a compiler that sees the declarations as they are in
// changed, and all other files as they are in dir.
func newCompiler(dir, scratch string, changed entries, flags []string) (*compiler, error) {
	c := &compiler{dir: dir, scratch: scratch, flags: flags}
	if len(changed) == 0 {
		return c, nil
	}
	replace := map[string]string{}
	for file, content := range changed {
		copied := filepath.Join(scratch, fmt.Sprintf("%d.yaml", len(replace)))
		if err := os.WriteFile(copied, content, 0o600); err != nil {
			return nil, fmt.Errorf("preparing %s for the program: %w", file, err)
		}
		replace[filepath.Join(dir, filepath.FromSlash(file))] = copied
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return nil, fmt.Errorf("preparing the declarations for the program: %w", err)
	}
	c.overlay = filepath.Join(scratch, "overlay.json")
	if err := os.WriteFile(c.overlay, overlay, 0o600); err != nil {
		return nil, fmt.Errorf("preparing the declarations for the program: %w", err)
	}
	return c, nil
}

// build compiles the program and returns the path of the binary. The binary
// holds no path of this machine, no time, no Git commit and no symbols.
func (c *compiler) build(ctx context.Context, goos, goarch string) (string, error) {
	binary := filepath.Join(c.scratch, "plugin-"+goos+"-"+goarch)
	if _, err := os.Stat(binary); err == nil {
		return binary, nil // built for the comparison already
	}
	args := []string{"build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w -buildid="}
	if c.overlay != "" {
		args = append(args, "-overlay", c.overlay)
	}
	args = append(append(args, c.flags...), "-o", binary, ".")
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = c.dir
	cmd.Env = append(cmd.Environ(), "CGO_ENABLED=0", "GOOS="+goos, "GOARCH="+goarch,
		// What the environment, or go env -w, says on these would change the binary behind the back of whoever wants to
		// build the same again. Empty values would not overrule the latter.
		"GOFLAGS=-trimpath", "GOAMD64=v1", "GOARM64=v8.0", "GOFIPS140=off")
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	err := cmd.Run()
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	if err != nil {
		return "", fmt.Errorf("building the program for %s/%s in %s: %w\n%s", goos, goarch, c.dir, err, bytes.TrimSpace(output.Bytes()))
	}
	return binary, nil
}

// agreement builds the program for this machine and lets it compare the
// declarations with its parts. Each disagreement is a problem.
func (c *compiler) agreement(ctx context.Context) (Problems, error) {
	binary, err := c.build(ctx, runtime.GOOS, runtime.GOARCH)
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithTimeout(ctx, checkTime)
	defer stop()
	cmd := exec.CommandContext(ctx, binary, "check")
	cmd.Dir = c.scratch
	cmd.WaitDelay = time.Second // for children that keep the output open
	var output bytes.Buffer
	cmd.Stderr = &output
	err = cmd.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return nil, nil
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return Problems{fmt.Sprintf("the program did not end within %s when started with the argument check; let main call plugin.Main", checkTime)}, nil
	case ctx.Err() != nil:
		return nil, fmt.Errorf("comparing declarations and parts: %w", ctx.Err())
	case !errors.As(err, &exit):
		return nil, fmt.Errorf("comparing declarations and parts: %w", err)
	}
	problems := Problems(strings.Split(strings.TrimSpace(output.String()), "\n"))
	if problems[0] == "" {
		problems[0] = fmt.Sprintf("the program fails when started with the argument check: %s; let main call plugin.Main", err)
	}
	return problems, nil
}

// verifyMachine reports a binary that Linux on a processor would not run.
func verifyMachine(binary []byte, arch string) error {
	machine, known := architectures[arch]
	if !known {
		return fmt.Errorf("is not for a processor that the host runs on: amd64 or arm64")
	}
	file, err := elf.NewFile(bytes.NewReader(binary))
	if err != nil {
		return fmt.Errorf("is not a Linux program: %w", err)
	}
	if file.Machine != machine {
		return fmt.Errorf("is for %s", file.Machine)
	}
	if slices.ContainsFunc(file.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_INTERP }) {
		return errors.New("needs a C library, which a host may lack; build it with CGO_ENABLED=0")
	}
	return nil
}

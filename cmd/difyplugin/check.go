package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"

	"github.com/cloudplugins/difyplugin/manifest"
)

const checkHelp = `Check a plugin's folder by the rules of Dify's host, all of them at once: manifest.yaml and every file that it
names. Where the folder holds Go source that is built on this SDK, it is built, and its code is compared with the
declarations: tools without a function, parameters without a field, types that do not fit.

Usage:

    difyplugin check DIR

Example:

    difyplugin check ./plugins/tencent_cos_storage
`

func runCheck(ctx context.Context, s streams, args []string) error {
	flags := newFlags(s, "check", checkHelp)
	if err := parse(flags, args); err != nil {
		return err
	}
	if flags.NArg() != 1 {
		return usagef("one folder is needed")
	}
	dir := flags.Arg(0)
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return usagef("%s is not a folder", dir)
	}
	declared, err := manifest.Load(os.DirFS(dir))
	if err != nil {
		return fmt.Errorf("the declarations in %s have faults:\n%w", dir, err)
	}
	fmt.Fprintf(s.out, "%s/%s %s: the declarations are right\n", declared.Author, declared.Name, declared.Version)
	if !hasGoFiles(dir) {
		return nil
	}
	return checkCode(ctx, s, dir)
}

// checkCode lets the plugin compare its own parts with its declarations.
func checkCode(ctx context.Context, s streams, dir string) error {
	program, cleanup, err := buildTemporary(ctx, dir, s.err)
	if err != nil {
		return err
	}
	defer cleanup()
	out, err := exec.CommandContext(ctx, program, "check").CombinedOutput()
	if err != nil {
		return fmt.Errorf("the code in %s does not agree with the declarations:\n%s", dir, out)
	}
	fmt.Fprintf(s.out, "%s", out)
	return nil
}

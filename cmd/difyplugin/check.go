package main

import (
	"context"
	"fmt"

	"github.com/cloudplugins/difyplugin/pack"
)

const checkHelp = `Check a plugin by all that Dify, its host and the launcher ask for, and name every fault at once. A folder of Go source
is built, and its code is compared with the declarations: tools without a function, parameters without a field, types
that do not fit.

Usage:

    difyplugin check DIR|PACKAGE

Examples:

    difyplugin check ./plugins/tencent_cos_storage
    difyplugin check tencent_cos_storage-0.1.0.difypkg
`

func runCheck(ctx context.Context, s streams, args []string) error {
	flags := newFlags(s, "check", checkHelp)
	if err := parse(flags, args); err != nil {
		return err
	}
	if flags.NArg() != 1 {
		return usagef("one folder or package is needed")
	}
	path := flags.Arg(0)
	if !exists(path) {
		return usagef("there is nothing at %s", path)
	}
	report, err := pack.Check(ctx, path)
	if err != nil {
		return fmt.Errorf("%s has faults:\n%w", path, err)
	}
	printReport(s.out, report)
	fmt.Fprintln(s.out, "no faults")
	return nil
}

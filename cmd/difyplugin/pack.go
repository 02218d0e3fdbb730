package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/cloudplugins/difyplugin/pack"
)

const packHelp = `Build a package (.difypkg) that Dify installs, from the folder of a Go plugin: for amd64 and arm64, with a launcher
that the host starts, without anything to download. The same sources give the same bytes.

Usage:

    difyplugin pack [flags] DIR

A file .difyignore in DIR, in the syntax of .gitignore, keeps files out; sources, tests and .env never go in.

Packages are not signed. Dify installs them with FORCE_VERIFYING_SIGNATURE=false, or with a signature of your own and
THIRD_PARTY_SIGNATURE_VERIFICATION_ENABLED=true.

Examples:

    difyplugin pack ./plugins/tencent_cos_storage
    difyplugin pack -o cos.difypkg ./plugins/tencent_cos_storage
    difyplugin pack -as acme/cos_drive/cos_drive ./plugins/tencent_cos_storage
    difyplugin pack -as langgenius/aws_tools/aws_tools ./plugins/my_aws_tools

The last one takes the place of a plugin whose provider has no credentials. Dify would ask for some as soon as the
provider declared them, so they are left out: tools then need keys of their own, or the machine's (DIFYPLUGIN_AMBIENT_AWS).
-with-credentials keeps them. Its tools' own regions are the defaults of their parameters.
`

// withoutCredentials is the identity of a plugin whose provider never had credentials.
var withoutCredentials = pack.Identity{Author: "langgenius", Name: "aws_tools", Provider: "aws_tools"}

// itsDefaults are the regions that the tools of that plugin start with.
func itsDefaults() []pack.Default {
	return []pack.Default{
		{Tool: "agentcore-browser-tool", Parameter: "aws_region", Value: "us-west-2"},
		{Tool: "agentcore-browser-session-manager", Parameter: "aws_region", Value: "us-west-2"},
		{Tool: "dynamodb_manager", Parameter: "aws_region", Value: "us-east-1"},
		{Tool: "nova_canvas", Parameter: "aws_region", Value: "us-east-1"},
		{Tool: "nova_reel", Parameter: "aws_region", Value: "us-east-1"},
	}
}

func runPack(ctx context.Context, s streams, args []string) error {
	flags := newFlags(s, "pack", packHelp)
	output := flags.String("o", "", "`file` to write; by default NAME-VERSION.difypkg in the current folder")
	identity := flags.String("as", "", "pack under another `identity`, AUTHOR/NAME/PROVIDER")
	keep := flags.Bool("with-credentials", false, "keep the provider's credentials, where the identity would leave them out")
	verbose := flags.Bool("v", false, "say what is being done")
	if err := parse(flags, args); err != nil {
		return err
	}
	if flags.NArg() != 1 {
		return usagef("one folder is needed")
	}
	opts, err := packOptions(flags.Arg(0), *output, *identity, *keep)
	if err != nil {
		return err
	}
	if *verbose {
		opts.Log = func(line string) { fmt.Fprintln(s.err, line) }
	}
	result, err := pack.Build(ctx, opts)
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, "%s\n", result.Path)
	printReport(s.out, &result.Report)
	return nil
}

// packOptions are the options of a package, under the plugin's own identity where none is given.
func packOptions(dir, output, identity string, keepCredentials bool) (pack.Options, error) {
	opts := pack.Options{Dir: dir, Output: output}
	if identity == "" {
		return opts, nil
	}
	as, err := pack.ParseIdentity(identity)
	if err != nil {
		return opts, usageError{err.Error()}
	}
	opts.Identity = &as
	opts.DropCredentials = as == withoutCredentials && !keepCredentials
	if as == withoutCredentials {
		opts.Defaults = itsDefaults()
	}
	return opts, nil
}

func printReport(w io.Writer, r *pack.Report) {
	fmt.Fprintf(w, "%s/%s %s\n", r.Author, r.Name, r.Version)
	if r.UniqueIdentifier != "" {
		fmt.Fprintf(w, "unique identifier  %s\n", r.UniqueIdentifier)
		fmt.Fprintf(w, "checksum           %s\n", r.Checksum)
	}
	if r.Packed > 0 {
		fmt.Fprintf(w, "size               %s, unpacked %s\n", byteCount(r.Packed), byteCount(r.Unpacked))
	}
	if len(r.Programs) > 0 {
		var programs []string
		for _, p := range r.Programs {
			programs = append(programs, fmt.Sprintf("%s %s", p.Arch, byteCount(p.Size)))
		}
		fmt.Fprintf(w, "programs           %s\n", strings.Join(programs, ", "))
	}
	for _, notice := range r.Notices {
		fmt.Fprintf(w, "note: %s\n", notice)
	}
}

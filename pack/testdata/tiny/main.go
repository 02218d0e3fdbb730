// Command tiny takes the place of greeter's program where a test is about the
// package and not about the SDK: it is small enough to be compressed quickly.
package main

import _ "embed"

var (
	//go:embed manifest.yaml
	manifest string
	//go:embed provider/greeter.yaml
	provider string
	//go:embed tools/greet.yaml
	tool string
)

// main prints the declarations that it was built with, on standard error.
func main() {
	print(manifest, provider, tool)
}

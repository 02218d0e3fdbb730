// Command payload is the program that the launcher's tests start. It tells how
// it was started: its process, its path, its environment and what it reads.
package main

import (
	"io"
	"os"
	"strconv"
	"strings"
)

func main() {
	input, err := io.ReadAll(os.Stdin)
	if err != nil {
		os.Exit(2)
	}
	os.Stdout.WriteString(strings.Join([]string{
		strconv.Itoa(os.Getpid()), strings.Join(os.Args, " "), string(input), strings.Join(os.Environ(), "\x00"),
	}, "\n"))
}

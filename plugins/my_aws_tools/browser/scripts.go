package browser

import (
	"embed"
	"fmt"
	"strings"

	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/param"
)

// scripts run in the page. Each file is one function; common.js stands before each of them.
//
//go:embed scripts/*.js
var scripts embed.FS

// script returns the text of a script.
func script(name string) (string, error) {
	text, err := scripts.ReadFile("scripts/" + name + ".js")
	return string(text), err
}

// composed is an expression that calls one of the scripts with arguments.
func composed(name string, args ...any) (string, error) {
	common, err := script("common")
	if err != nil {
		return "", err
	}
	function, err := script(name)
	if err != nil {
		return "", err
	}
	texts := make([]string, len(args))
	for i, arg := range args {
		text, err := param.Encode(arg)
		if err != nil {
			return "", fmt.Errorf("argument %d of the script %s %w", i+1, name, err)
		}
		texts[i] = string(text)
	}
	return "(() => {" + common + "\nreturn (\n" + strings.TrimSuffix(strings.TrimSpace(function), ";") + "\n)(" + strings.Join(texts, ", ") + ");\n})()", nil
}

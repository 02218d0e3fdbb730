package pack

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// ignoreFile names what not to pack. A .gitignore is not read: it names what is
// built, and programs that are built are what a package is for.
const ignoreFile = ".difyignore"

// An ignoreRule is one line of an ignore file.
type ignoreRule struct {
	pattern    *regexp.Regexp
	negated    bool // a leading !: takes back what earlier rules ignored
	folderOnly bool // a trailing /
}

// ignoreRules are the lines of an ignore file, with the meaning that Git gives
// them.
type ignoreRules []ignoreRule

func parseIgnoreRules(text string) ignoreRules {
	var rules ignoreRules
	for line := range strings.Lines(text) {
		if rule, ok := parseIgnoreRule(strings.TrimRight(line, "\r\n")); ok {
			rules = append(rules, rule)
		}
	}
	return rules
}

func parseIgnoreRule(line string) (ignoreRule, bool) {
	var rule ignoreRule
	line = trimTrailingSpaces(line)
	if strings.HasPrefix(line, "#") {
		return rule, false
	}
	line, rule.negated = strings.CutPrefix(line, "!")
	line, rule.folderOnly = strings.CutSuffix(line, "/")
	if line == "" {
		return rule, false
	}
	pattern, err := regexp.Compile(globToRegexp(line))
	if err != nil {
		return rule, false // a broken [class] matches nothing
	}
	rule.pattern = pattern
	return rule, true
}

// trimTrailingSpaces removes spaces at the end, up to one that is escaped.
func trimTrailingSpaces(line string) string {
	trimmed := strings.TrimRight(line, " ")
	escapes := len(trimmed) - len(strings.TrimRight(trimmed, `\`))
	if escapes%2 == 1 && len(trimmed) < len(line) {
		return trimmed + " "
	}
	return trimmed
}

// globToRegexp translates a pattern. One with a slash at its start or inside
// counts from the root; any other matches in every folder.
func globToRegexp(glob string) string {
	var b strings.Builder
	b.WriteString(`(?s)\A`)
	if !strings.Contains(glob, "/") {
		b.WriteString(`(?:.*/)?`)
	}
	rest := strings.TrimPrefix(glob, "/")
	for start := true; rest != ""; {
		var piece string
		piece, rest = globPiece(rest, start)
		start = strings.HasSuffix(piece, "/") || strings.HasSuffix(piece, "/)?")
		b.WriteString(piece)
	}
	b.WriteString(`\z`)
	return b.String()
}

// globPiece translates what stands first in glob and returns the rest. start is
// true where a name begins.
func globPiece(glob string, start bool) (piece, rest string) {
	switch {
	case start && strings.HasPrefix(glob, "**/"):
		return `(?:.*/)?`, glob[3:]
	case start && glob == "**":
		return `.+`, ""
	case glob[0] == '*':
		return `[^/]*`, strings.TrimLeft(glob, "*")
	case glob[0] == '?':
		return `[^/]`, glob[1:]
	case glob[0] == '[':
		return globClass(glob)
	case glob[0] == '\\' && len(glob) > 1:
		return regexp.QuoteMeta(glob[1:2]), glob[2:]
	}
	return regexp.QuoteMeta(glob[:1]), glob[1:]
}

// globClass translates a [class], which never matches a slash.
func globClass(glob string) (piece, rest string) {
	var b strings.Builder
	b.WriteString("[")
	i := 1
	if strings.HasPrefix(glob[i:], "!") || strings.HasPrefix(glob[i:], "^") {
		b.WriteString("^/")
		i++
	}
	for first := i; i < len(glob); {
		if glob[i] == ']' && i > first { // one that comes first is a member
			return b.String() + "]", glob[i+1:]
		}
		member, size := classMember(glob[i:])
		b.WriteString(member)
		i += size
	}
	return "[", "" // does not compile: the rule matches nothing
}

// classMember translates what stands first inside a class and returns its size
// in the glob.
func classMember(glob string) (member string, size int) {
	if strings.HasPrefix(glob, "[:") {
		if end := strings.Index(glob, ":]"); end > 0 {
			return glob[:end+2], end + 2
		}
	}
	if glob[0] == '-' {
		return "-", 1
	}
	escaped := 0
	if glob[0] == '\\' && len(glob) > 1 {
		escaped = 1
	}
	r, size := utf8.DecodeRuneInString(glob[escaped:])
	return fmt.Sprintf(`\x{%x}`, r), escaped + size
}

// ignores reports whether the file at path is left out, itself or with one of
// the folders it lies in.
func (rules ignoreRules) ignores(path string) bool {
	for i, c := range path {
		if c == '/' && rules.match(path[:i], true) {
			return true // nothing inside can be taken back
		}
	}
	return rules.match(path, false)
}

// match lets the last rule decide that concerns path.
func (rules ignoreRules) match(path string, folder bool) bool {
	ignored := false
	for _, rule := range rules {
		if (folder || !rule.folderOnly) && rule.pattern.MatchString(path) {
			ignored = !rule.negated
		}
	}
	return ignored
}

package transport

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
)

// dotEnvFile is the name of the file with a developer's settings.
const dotEnvFile = ".env"

// maxDotEnv is the largest such file that is read, in bytes.
const maxDotEnv = 64 << 10

// DotEnv holds the settings of a .env file, by name in upper case: names are told apart by their letters, not by
// their case. It holds secrets.
type DotEnv map[string]string

// ReadDotEnv reads the file .env in fsys, at most 64 KiB. Without the file there are no settings and no error. Each
// line is blank, a comment, or one setting:
//
//	# a comment
//	KEY=value            # a comment after a blank
//	export KEY=value
//	KEY='taken as it is'
//	KEY="with \n \t \" \\ and nothing else behind a backslash"
//
// Nothing is put in the place of $NAME, a value ends with its line, and no name comes twice. Errors name the line and
// never quote it.
func ReadDotEnv(fsys fs.FS) (DotEnv, error) {
	file, err := fsys.Open(dotEnvFile)
	if errors.Is(err, fs.ErrNotExist) {
		return DotEnv{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("open the settings: %w", err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxDotEnv+1))
	if err != nil {
		return nil, fmt.Errorf("read the settings: %w", err)
	}
	if len(text) > maxDotEnv {
		return nil, fmt.Errorf("%s is larger than %d bytes: is it the right file?", dotEnvFile, maxDotEnv)
	}
	env := DotEnv{}
	for i, line := range strings.Split(strings.TrimPrefix(string(text), "\ufeff"), "\n") {
		if err := env.add(strings.TrimSpace(line)); err != nil {
			return nil, fmt.Errorf("%s, line %d: %w", dotEnvFile, i+1, err)
		}
	}
	return env, nil
}

// Getenv returns a function like [os.Getenv] that looks into the process's environment first, with lookup, which is
// [os.LookupEnv]. A variable that is set there wins, also when it is set to nothing.
func (e DotEnv) Getenv(lookup func(string) (string, bool)) func(string) string {
	return func(name string) string {
		if value, ok := lookup(name); ok {
			return value
		}
		return e[strings.ToUpper(name)]
	}
}

func (e DotEnv) add(line string) error {
	if line == "" || line[0] == '#' {
		return nil
	}
	name, rest, ok := strings.Cut(line, "=")
	if !ok {
		return errors.New("a setting is written KEY=value, and a comment starts with #")
	}
	name = strings.TrimSpace(name)
	if word, after, ok := strings.Cut(name, " "); ok && word == "export" {
		name = strings.TrimSpace(after)
	}
	if !isVariable(name) {
		return errors.New("the name before = must be letters, digits and _, and not start with a digit")
	}
	value, err := dotEnvValue(strings.TrimSpace(rest))
	if err != nil {
		return err
	}
	key := strings.ToUpper(name)
	if _, twice := e[key]; twice {
		return errors.New("this name was set in an earlier line; keep one of the two")
	}
	e[key] = value
	return nil
}

func isVariable(name string) bool {
	for i, r := range name {
		letter := r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		digit := r >= '0' && r <= '9'
		if !letter && (!digit || i == 0) {
			return false
		}
	}
	return name != ""
}

func dotEnvValue(text string) (string, error) {
	if text == "" {
		return "", nil
	}
	var value, after string
	var err error
	switch text[0] {
	case '\'':
		var closed bool
		value, after, closed = strings.Cut(text[1:], "'")
		if !closed {
			err = errOpenQuote
		}
	case '"':
		value, after, err = doubleQuoted(text[1:])
	default:
		return unquoted(text), nil
	}
	if err != nil {
		return "", err
	}
	if after = strings.TrimSpace(after); after != "" && after[0] != '#' {
		return "", errors.New("something follows the closing quote; only a comment may")
	}
	return value, nil
}

var errOpenQuote = errors.New("the quote is not closed on its line")

// unquoted ends a value where a comment begins: at a # behind a blank, or at the start.
func unquoted(text string) string {
	for i := range len(text) {
		if text[i] == '#' && (i == 0 || text[i-1] == ' ' || text[i-1] == '\t') {
			return strings.TrimSpace(text[:i])
		}
	}
	return text
}

// doubleQuoted reads up to the closing quote and returns what follows it.
func doubleQuoted(text string) (value, after string, err error) {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			return b.String(), text[i+1:], nil
		case '\\':
			i++
			if i == len(text) {
				return "", "", errOpenQuote
			}
			plain := strings.IndexByte(`nt"\`, text[i])
			if plain < 0 {
				return "", "", errors.New(`in double quotes a backslash stands before n, t, " or \ only; use single quotes`)
			}
			b.WriteByte("\n\t\"\\"[plain])
		default:
			b.WriteByte(text[i])
		}
	}
	return "", "", errOpenQuote
}

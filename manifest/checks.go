package manifest

import (
	"fmt"
	"io/fs"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// A check judges a text that is not empty. It returns what is wrong with it,
// or "".
type check func(string) string

var (
	versionPattern  = regexp.MustCompile(`^\d{1,4}(\.\d{1,4}){2}(-\w{1,16})?$`)
	authorPattern   = regexp.MustCompile(`^[a-z0-9_-]{1,64}$`)
	namePattern     = regexp.MustCompile(`^[a-z0-9_-]{1,128}$`)
	identityPattern = regexp.MustCompile(`^[a-zA-Z0-9_-]+$`)
	uuidPattern     = regexp.MustCompile(`^([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32})$`)
	pep440Pattern   = regexp.MustCompile(`^v?\d+(\.\d+)*((a|b|rc)\d+)?(\.post\d+)?(\.dev\d+)?$`)
)

func isVersion(s string) string {
	return unless(versionPattern.MatchString(s), "must be three numbers of at most four digits, like 0.0.1 or 1.2.3-beta, not %s", quoted(s))
}

func isAuthor(s string) string {
	if uuidPattern.MatchString(s) {
		return "must not be a UUID; the host keeps those for plugins that are being debugged"
	}
	return unless(authorPattern.MatchString(s), "must be 1 to 64 of a-z 0-9 _ -, not %s", quoted(s))
}

func isPluginName(s string) string {
	return unless(namePattern.MatchString(s), "must be 1 to 128 of a-z 0-9 _ -, not %s", quoted(s))
}

func isIdentityName(s string) string {
	return unless(identityPattern.MatchString(s), "must consist of a-z A-Z 0-9 _ -, not be %s", quoted(s))
}

func isDifyVersion(s string) string {
	return unless(pep440Pattern.MatchString(s), "must be a version of Dify, like 1.9.0, not %s", quoted(s))
}

func isURL(s string) string {
	u, err := url.Parse(s)
	return unless(err == nil && u.Scheme != "" && u.Host != "", "must be a URL, like https://github.com/acme/weather, not %s", quoted(s))
}

// atMost counts characters, not bytes, as the host does.
func atMost(limit int) check {
	return func(s string) string {
		n := utf8.RuneCountInString(s)
		return unless(n <= limit, "must have at most %d characters, not %d", limit, n)
	}
}

func oneOf(words []string) check {
	return func(s string) string {
		return unless(slices.Contains(words, s), "must be one of %s, not %s", strings.Join(words, ", "), quoted(s))
	}
}

func unless(good bool, format string, args ...any) string {
	if good {
		return ""
	}
	return fmt.Sprintf(format, args...)
}

// isFilePath wants a path as a zip archive and fs.FS know it.
func isFilePath(s string) string {
	switch {
	case strings.HasPrefix(s, "/") || strings.Contains(s, `\`):
		return "must be a path relative to the plugin's root with / between names, not " + quoted(s)
	case s == ".." || strings.HasPrefix(path.Clean(s), "../"):
		return "leads out of the plugin's root: " + quoted(s)
	case !fs.ValidPath(s) || s == ".":
		return "must be a plain path without . and .. and empty names, like provider/weather.yaml, not " + quoted(s)
	}
	return ""
}

// assets is the folder that icons are relative to.
const assets = "_assets"

// icon reads the name of an icon and, in a whole check, looks it up.
func icon(dst *string, checks ...check) func(value) {
	read := text(dst, append(checks, isFilePath)...)
	return func(v value) {
		if read(v); *dst != "" && isFilePath(*dst) == "" {
			v.lookUp(path.Join(assets, *dst), "icons belong into "+assets)
		}
	}
}

// privacy reads where the privacy policy is: a URL or a file.
func privacy(dst *string) func(value) {
	return func(v value) {
		if text(dst)(v); *dst == "" {
			return
		}
		if u, err := url.Parse(*dst); err == nil && u.Scheme != "" && u.Host != "" {
			return
		}
		if complaint := isFilePath(*dst); complaint != "" {
			v.faultf("%s", complaint)
			return
		}
		v.lookUp(*dst, "add the file or name the policy's URL")
	}
}

// lookUp reports a mentioned file that a package would not contain.
func (v value) lookUp(file, advice string) {
	if !v.src.whole {
		return
	}
	if complaint := v.src.missing(file); complaint != "" {
		v.faultf("%s; %s", complaint, advice)
	}
}

// missing says why a package would not contain a file. A package stores no
// symbolic links: each would arrive as a small file that holds a path.
func (r *reader) missing(file string) string {
	for i, c := range file + "/" {
		if c != '/' {
			continue
		}
		info, err := fs.Lstat(r.fsys, file[:i])
		switch {
		case err != nil:
			return fmt.Sprintf("the file %s does not exist", quoted(file))
		case info.Mode()&fs.ModeSymlink != 0:
			return fmt.Sprintf("%s is a symbolic link, which a package cannot hold", quoted(file[:i]))
		case i == len(file) && !info.Mode().IsRegular():
			return fmt.Sprintf("%s is not a regular file", quoted(file))
		}
	}
	return ""
}

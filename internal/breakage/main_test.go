package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// What a change to the source or the name of a test does to the cases shows here, and not only where they are run.
func TestEveryCaseFitsTheSourceAndNamesATest(t *testing.T) {
	t.Chdir("../..")
	cases, err := readCases(nil)
	if err != nil {
		t.Fatal(err)
	}
	plain := regexp.MustCompile(`^\w+$`)
	for _, c := range cases {
		if _, err := c.broken(); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		name, _, _ := strings.Cut(c.test, "/")
		if plain.MatchString(name) && !hasTest(t, c.pkg, name) {
			t.Errorf("%s: %s has no test %s", c.name, c.pkg, name)
		}
	}
}

func hasTest(t *testing.T, folder, name string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(source), "func "+name+"(") {
			return true
		}
	}
	return false
}

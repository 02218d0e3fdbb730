package lambda

import (
	"bytes"
	"errors"
)

func isObject(raw []byte) bool {
	trimmed := bytes.TrimSpace(raw)
	return len(trimmed) > 0 && trimmed[0] == '{'
}

// checkLanguage demands a language: what is not blank is the function's to understand.
func checkLanguage(code string) error {
	if code == "" {
		return errors.New("is required: write the code of a language, such as en or zh")
	}
	return nil
}

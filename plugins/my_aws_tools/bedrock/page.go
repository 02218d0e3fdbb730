package bedrock

import (
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/param"
)

// The limits of lists: "MaxResults" and "NextToken" in the API reference of Agents for Amazon Bedrock.
const (
	maxEntries = 1000 // on a page
	maxToken   = 2048 // characters
)

// maxPages is how many pages one call gathers at most. What lies behind them can be asked for.
const maxPages = 100

// PageInput are the parameters of a list. NextTokenInput is NextToken for agents, and wins.
type PageInput struct {
	MaxResults     *int   `param:"max_results"`
	NextToken      string `param:"next_token"`
	NextTokenInput string `param:"next_token_input"`
}

// page is the part of a list that is wanted.
type page struct {
	size  *int32 // nil for all that there is
	token *string
}

// read checks the parameters.
func (in PageInput) read(wrong *param.Problems) page {
	var p page
	if n := in.MaxResults; n != nil {
		if *n < 1 || *n > maxEntries {
			wrong.Addf("max_results", "is %d, and a page has from 1 to %d entries: leave it blank for all", *n, maxEntries)
		} else {
			p.size = aws.Int32(int32(*n))
		}
	}
	p.token = readToken(wrong, in.NextToken, in.NextTokenInput)
	return p
}

// readToken takes the token of a page from one of its two parameters. Tokens are taken as they stand.
func readToken(wrong *param.Problems, token, tokenInput string) *string {
	name := "next_token"
	if tokenInput != "" {
		name = "next_token_input"
	}
	given := cmp.Or(tokenInput, token)
	wrong.Add(name, checkToken(given))
	return optional(given)
}

func checkToken(token string) error {
	switch {
	case strings.ContainsFunc(token, unicode.IsSpace):
		return errors.New("holds a space or a line break, and the tokens of AWS have none: enter what this tool has returned as next_token")
	case len(token) > maxToken:
		return fmt.Errorf("has %d characters, and a token has at most %d: enter what this tool has returned as next_token", len(token), maxToken)
	}
	return nil
}

// gather collects the entries of a list: one page where its size was given, else all of them. next is the token of what
// follows, or "".
func gather[T any](p page, list func(page) (entries []T, next *string, err error)) (all []T, next string, err error) {
	for range maxPages {
		entries, following, err := list(p)
		if err != nil {
			return nil, "", err
		}
		all, next = append(all, entries...), aws.ToString(following)
		if next == "" || p.size != nil {
			return all, next, nil
		}
		if next == aws.ToString(p.token) {
			return nil, "", plugin.Errorf(plugin.Unavailable, "AWS names the same page of the list again and again: try again later, or set max_results to get one page")
		}
		p.token = aws.String(next)
	}
	return all, next, nil
}

// table writes rows as CSV, a line each, without a line break at the end.
func table(rows [][]string) (string, error) {
	var text strings.Builder
	if err := csv.NewWriter(&text).WriteAll(rows); err != nil {
		return "", fmt.Errorf("write the list as text: %w", err)
	}
	return strings.TrimSuffix(text.String(), "\n"), nil
}

// optional is nil for what was left out.
func optional(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

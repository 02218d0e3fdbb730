package agentcore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/bedrockagentcore/types"

	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/param"
)

const (
	// maxInput is how large the input files may be together, in bytes. They travel in the body of one request, and are
	// held in memory.
	maxInput = 20 << 20
	// maxPaths is how many output files are fetched at most.
	maxPaths = 50
)

// checkNames refuses files of which one would take the place of another.
func checkNames(given []plugin.InputFile) error {
	seen := map[string]bool{}
	for _, file := range given {
		if file.Name != "" && seen[file.Name] {
			return fmt.Errorf("has two files of the name %q: one would take the place of the other", param.Clip(file.Name))
		}
		seen[file.Name] = true
	}
	return nil
}

// fetch reads files from Dify.
func fetch(ctx context.Context, given []plugin.InputFile) ([]types.InputContentBlock, error) {
	var blocks []types.InputContentBlock
	left := int64(maxInput)
	for _, file := range given {
		content, name, err := fetchOne(ctx, file, left)
		if err != nil {
			return nil, plugin.Errorf(plugin.KindOf(err), "could not read the input file %q, of at most %d MiB in all: %w", file.Name, maxInput>>20, err)
		}
		left -= int64(len(content))
		blocks = append(blocks, types.InputContentBlock{Path: aws.String(name), Blob: content})
	}
	return blocks, nil
}

func fetchOne(ctx context.Context, file plugin.InputFile, limit int64) ([]byte, string, error) {
	got, err := file.Open(ctx, limit)
	if err != nil {
		return nil, "", err
	}
	defer got.Body.Close()
	content, err := io.ReadAll(got.Body)
	if err == nil && content == nil {
		content = []byte{}
	}
	return content, got.Name, err
}

// paths reads a list of paths: a JSON array, or one path a line.
func paths(text string) ([]string, error) {
	var list []string
	if strings.HasPrefix(strings.TrimSpace(text), "[") {
		if err := json.Unmarshal([]byte(text), &list); err != nil {
			return nil, errors.New(`begins like a JSON array and is none of texts: write ["a.csv", "b.png"], or one path a line`)
		}
	} else {
		list = strings.Split(text, "\n")
	}
	var all []string
	for _, line := range list {
		if line = strings.TrimSpace(line); line != "" {
			all = append(all, line)
		}
	}
	if len(all) > maxPaths {
		return nil, fmt.Errorf("names %d files, and at most %d are fetched in one call", len(all), maxPaths)
	}
	return all, nil
}

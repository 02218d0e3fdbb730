package translation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/param"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/result"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/translation/bleu"
)

// What one call may bring along, so that it takes seconds and some hundred MB at most.
const (
	maxBytes      = 1 << 20 // of all texts together, in UTF-8
	maxReferences = 20      // the label included
	maxPairs      = 10_000
)

// EvaluateInput is the input of translation_evaluator. It has no credentials: nothing is sent.
type EvaluateInput struct {
	Source         string `param:"source,literal"`
	Translation    string `param:"translation,literal"`
	Label          string `param:"label,literal"`
	ModelEndpoint  string `param:"model_endpoint"`
	References     any    `param:"references,literal"`
	Corpus         bool   `param:"corpus"`
	Segmentation   string `param:"segmentation"`
	Tokenizer      string `param:"tokenizer"`
	EffectiveOrder bool   `param:"effective_order"`
	CHRF           bool   `param:"chrf"`
	TER            bool   `param:"ter"`
}

// Evaluate scores a translation by BLEU, METEOR and NIST, and by chrF and TER where that is asked for, against the label
// and further references. A metric that is undefined for the texts is null, with the reason.
//
// The result is JSON: {"metric": {"sacrebleu": …, "meteor": …, "nist": …}}, with "reasons" behind it where a score is
// null. Without a translation or without a label it is {}. These are on purpose as they were before:
//
//   - BLEU is 0 where the translation has less than four words, unless effective_order is on; NIST is null where it has
//     less than five. Their definitions say so.
//   - jieba looks for words in all languages, so that spaces count as words, unless segmentation is none.
//   - source is taken and not used: no metric here looks at it. model_endpoint is taken and never called; it puts an
//     empty object "model_diagnose" into the result.
func Evaluate(ctx context.Context, call *plugin.Call, in EvaluateInput) error {
	pairs, err := in.pairs()
	if err != nil {
		return err
	}
	if len(pairs) == 0 {
		return in.send(call, scores{reasons: in.blanks()})
	}
	found, err := in.options().evaluate(ctx, pairs)
	if err != nil {
		return plugin.Errorf(plugin.Unavailable, "translation_evaluator did not finish: scoring %d segments was stopped before its end (%w); "+
			"give it less text, or leave ter off, which takes longest", len(pairs), err)
	}
	return in.send(call, found)
}

func (in EvaluateInput) options() options {
	return options{
		plain: in.Segmentation == "none", tokenizer: bleu.Tokenizer(in.Tokenizer), effectiveOrder: in.EffectiveOrder,
		chrf: in.CHRF, ter: in.TER,
	}
}

// pairs checks the texts and puts together what belongs together. There are none where the translation or the label is
// missing.
func (in EvaluateInput) pairs() ([]pair, error) {
	var wrong param.Problems
	further, err := in.further()
	wrong.Add("references", err)
	references := append([]string{in.Label}, further...)
	if len(references) > maxReferences {
		wrong.Addf("references", "holds %d texts, at most %d are possible beside label", len(further), maxReferences-1)
	}
	size := len(in.Translation)
	for _, reference := range references {
		size += len(reference)
	}
	if size > maxBytes {
		wrong.Addf("translation", "and its references have %d bytes together, at most %d (1 MiB of UTF-8) are possible: evaluate a part of the text", size, maxBytes)
	}
	if err := wrong.Err("translation_evaluator"); err != nil || in.Translation == "" || in.Label == "" {
		return nil, err
	}
	if !in.Corpus {
		return []pair{{in.Translation, references}}, nil
	}
	pairs := in.lines(references, &wrong)
	return pairs, wrong.Err("translation_evaluator")
}

// further are the references beside the label: a list of texts, which may be written as JSON, or a single text.
func (in EvaluateInput) further() ([]string, error) {
	items, isList := in.References.([]any)
	if one, ok := in.References.(string); ok && one != "" {
		if json.Unmarshal([]byte(one), &items) == nil {
			isList = true
		} else {
			return []string{one}, nil
		}
	}
	if in.References != nil && in.References != "" && !isList {
		return nil, errors.New("has to be a list of texts")
	}
	references := make([]string, len(items))
	for i, item := range items {
		content, ok := item.(string)
		if !ok || content == "" {
			return nil, fmt.Errorf("has to hold texts, and number %d is not one: leave it out, or give a text", i+1)
		}
		references[i] = content
	}
	return references, nil
}

// lines makes a pair of each line of the translation and the lines with its number in the references.
func (in EvaluateInput) lines(references []string, wrong *param.Problems) []pair {
	translations := splitLines(in.Translation)
	if len(translations) > maxPairs {
		wrong.Addf("translation", "has %d lines, at most %d are possible with corpus: evaluate a part of them", len(translations), maxPairs)
		return nil
	}
	pairs := make([]pair, len(translations))
	for i, line := range translations {
		pairs[i].translation = line
	}
	for number, reference := range references {
		name := "label"
		if number > 0 {
			name = fmt.Sprintf("references: number %d", number)
		}
		lines := splitLines(reference)
		if len(lines) != len(translations) {
			wrong.Addf(name, "has %d lines and translation has %d: with corpus, lines with the same number belong together, so that both need as many", len(lines), len(translations))
			continue
		}
		for i, line := range lines {
			pairs[i].references = append(pairs[i].references, line)
		}
	}
	return pairs
}

// splitLines splits text at line feeds, with or without a carriage return in front. One at the very end ends the last
// line and begins no other.
func splitLines(text string) []string {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimSuffix(line, "\r")
	}
	return lines
}

// blanks are the reasons of scores where there is nothing to score.
func (in EvaluateInput) blanks() map[string]string {
	missing := "translation and label are"
	switch {
	case in.Translation != "":
		missing = "label is"
	case in.Label != "":
		missing = "translation is"
	}
	reasons := map[string]string{}
	for _, metric := range in.metrics() {
		reasons[metric] = missing + " blank, so that there is nothing to compare"
	}
	return reasons
}

// metrics are the names of those that were asked for.
func (in EvaluateInput) metrics() []string {
	names := []string{"sacrebleu", "meteor", "nist"}
	if in.CHRF {
		names = append(names, "chrf")
	}
	if in.TER {
		names = append(names, "ter")
	}
	return names
}

// document is the JSON result, with the keys in the order of the metrics.
type document struct {
	ModelDiagnose *struct{}         `json:"model_diagnose,omitempty"`
	Metric        json.RawMessage   `json:"metric,omitempty"`
	Reasons       map[string]string `json:"reasons,omitempty"`
}

func (in EvaluateInput) send(call *plugin.Call, s scores) error {
	outputs := result.Outputs{"sacrebleu": s.BLEU, "meteor": s.METEOR, "nist": s.NIST, "chrf": s.CHRF, "ter": s.TER, "reasons": s.reasons}
	var made document
	if in.ModelEndpoint != "" {
		made.ModelDiagnose = &struct{}{}
	}
	if s.BLEU != nil { // there was something to score
		made.Reasons = s.reasons
		var metric []string
		for _, name := range in.metrics() {
			value, err := json.Marshal(outputs[name])
			if err != nil {
				return fmt.Errorf("writing the score %s: %w", name, err)
			}
			metric = append(metric, fmt.Sprintf("%q:%s", name, value))
		}
		made.Metric = json.RawMessage("{" + strings.Join(metric, ",") + "}")
	}
	if err := call.JSON(made); err != nil {
		return err
	}
	return outputs.Send(call)
}

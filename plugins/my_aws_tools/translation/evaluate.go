package translation

import (
	"context"
	"errors"
	"strings"

	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/translation/bleu"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/translation/chrf"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/translation/jieba"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/translation/meteor"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/translation/nist"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/translation/numeric"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/translation/pytext"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/translation/ter"
)

// A pair is a segment of a corpus: a translation and its references, of which there is at least one.
type pair struct {
	translation string
	references  []string
}

// options say how pairs are scored.
type options struct {
	plain          bool // words are what stands between white space, and are not looked for by jieba
	tokenizer      bleu.Tokenizer
	effectiveOrder bool
	chrf, ter      bool // compute these, too
}

// scores are the results, nil where there is none. Why that is so is in reasons, by the names of the metrics.
type scores struct {
	BLEU, METEOR, NIST, CHRF, TER *float64

	reasons map[string]string
}

// A text is what metrics look at.
type text struct {
	words []string
	// joined is what those metrics get that split text into words themselves.
	joined string
}

func (o options) read(content string) text {
	if o.plain {
		return text{pytext.Fields(content), content}
	}
	words := jieba.Cut(content)
	return text{words, strings.Join(words, " ")}
}

// evaluation adds up what metrics find in the pairs of a corpus.
type evaluation struct {
	options

	bleu    bleu.Corpus
	nist    nist.Corpus
	chrf    chrf.Corpus
	ter     ter.Corpus
	terErr  error
	meteors numeric.Sum
	pairs   int
}

// evaluate scores the pairs as one corpus. METEOR, which is not defined for one, is the mean of the scores of all pairs.
// One metric without a result does not keep the other ones from theirs: an error is that of the context alone.
func (o options) evaluate(ctx context.Context, pairs []pair) (scores, error) {
	e := &evaluation{options: o}
	e.bleu.EffectiveOrder = o.effectiveOrder
	for _, p := range pairs {
		if err := ctx.Err(); err != nil {
			return scores{}, err
		}
		if err := e.add(ctx, p); err != nil {
			return scores{}, err
		}
	}
	return e.scores(), nil
}

func (e *evaluation) add(ctx context.Context, p pair) error {
	ours := e.read(p.translation)
	theirs := make([]text, len(p.references))
	for i, reference := range p.references {
		theirs[i] = e.read(reference)
	}
	words := each(theirs, func(t text) []string { return t.words })
	e.meteors.Add(meteor.Score(ours.words, words))
	e.nist.Add(ours.words, words)
	e.bleu.Add(e.tokenizer.Words(ours.joined), each(theirs, func(t text) []string { return e.tokenizer.Words(t.joined) }))
	if e.options.chrf {
		e.chrf.Add(ours.joined, each(theirs, func(t text) string { return t.joined }))
	}
	e.pairs++
	return e.addTER(ctx, ours, theirs)
}

func each[T any](texts []text, of func(text) T) []T {
	all := make([]T, len(texts))
	for i, t := range texts {
		all[i] = of(t)
	}
	return all
}

// addTER remembers a segment that is too long, after which there is no score.
func (e *evaluation) addTER(ctx context.Context, ours text, theirs []text) error {
	if !e.options.ter || e.terErr != nil {
		return nil
	}
	err := e.ter.Add(ctx, ter.Words(ours.joined), each(theirs, func(t text) []string { return ter.Words(t.joined) }))
	if errors.Is(err, ter.ErrLong) {
		e.terErr = err
		return nil
	}
	return err
}

func (e *evaluation) scores() scores {
	s := scores{reasons: map[string]string{}}
	score, mean := e.bleu.Score(), e.meteors.Value()/float64(e.pairs)
	s.BLEU, s.METEOR = &score, &mean
	if score, err := e.nist.Score(); err == nil {
		s.NIST = &score
	} else {
		s.reasons["nist"] = err.Error()
	}
	if e.options.chrf {
		score := e.chrf.Score()
		s.CHRF = &score
	}
	switch {
	case !e.options.ter:
	case e.terErr != nil:
		s.reasons["ter"] = e.terErr.Error() + "; let corpus be on if the text has a segment on each line"
	default:
		score := e.ter.Score()
		s.TER = &score
	}
	return s
}

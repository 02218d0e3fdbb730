// Package translation holds the tool that scores translations: [Evaluate] compares a translation with one or more
// references that people made. It computes all scores itself and sends nothing to anybody, so that it needs no account.
//
// # Scores
//
// The folders below hold one metric each: bleu, meteor, nist, chrf and ter. They compute what the Python libraries
// sacreBLEU 2.5.1 and NLTK 3.8 do, to the last digits but one, and mostly to the last bit. METEOR takes the stems of
// words from porter and their synonyms from wordnet. ngram counts sequences of words, numeric computes alike on every
// processor, and pytext reads text as Python does.
//
// # Words
//
// Chinese is written without spaces, so that text is split into words by jieba first. All metrics see its tokens. That is
// so for other languages, too, unless the caller says otherwise: scores of workflows that exist stay what they were. In
// European languages each space is then a token, which makes METEOR and NIST higher than in publications.
//
// # Tables
//
// The dictionary of jieba and the synonyms of WordNet are tables inside of the program. They are read in place: they cost
// nothing at the start, and memory only while they are used.
package translation

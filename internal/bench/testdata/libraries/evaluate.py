"""Scores translations with jieba, sacreBLEU and NLTK alone, as the baseline of translation_evaluator.

Reads two lists of sentences as JSON, one a line: the translations and their references. Prints seconds and peak memory
in bytes of the evaluation. METEOR runs without WordNet, which NLTK would have to download; that spares it work.
"""

import json
import sys
import time


def peak():
    # Not ru_maxrss, which counts the program that this one was started by.
    for line in open("/proc/self/status"):
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024


translations, references = (json.loads(line) for line in sys.stdin)

began = time.perf_counter()

import jieba  # noqa: E402 - to import and to load the dictionary belongs to the work
import sacrebleu  # noqa: E402
from nltk.translate.meteor_score import meteor_score  # noqa: E402
from nltk.translate.nist_score import corpus_nist  # noqa: E402


class EmptyWordNet:
    @staticmethod
    def synsets(word):
        return []


if "warm" in sys.argv:
    jieba.initialize()
    began = time.perf_counter()

cut = [list(jieba.cut(t)) for t in translations]
cut_references = [list(jieba.cut(r)) for r in references]
sacrebleu.corpus_bleu([" ".join(c) for c in cut], [[" ".join(c) for c in cut_references]])
for tokens, reference in zip(cut, cut_references):
    meteor_score([reference], tokens, wordnet=EmptyWordNet)
corpus_nist([[r] for r in cut_references], cut)

print(json.dumps([time.perf_counter() - began, peak()]))

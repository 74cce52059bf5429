"""Tokens as Hugging Face's fast BERT tokenizer gives them: writes tokens.json beside itself.

Needs transformers. The nasty strings and the vocabulary are made here; of the real strings, read from
../shared/data beside the repository, only hashes of the token ids are kept.
"""

import hashlib
import json
import random
import struct
import sys
import tempfile
from pathlib import Path

from transformers import AutoTokenizer

HERE = Path(__file__).resolve().parent
DATA = HERE.parents[2] / "shared" / "data"
if len(sys.argv) > 1:
    DATA = Path(sys.argv[1])

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def vocabulary():
    """A small vocabulary with letters of several scripts, punctuation and some words and endings."""
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    more = "αβγδεσςωßıłøæœéüñçåжяёאבعمकहि한글ㅎㅏのカ漢字野口中文ſﬁ½²₂∑∂𝑥"
    punctuation = [chr(code) for code in range(33, 127) if not chr(code).isalnum()]
    punctuation += list("–—‘’“”…·¿«»、。（）€™©±×÷→≤≥∞°§µ")
    words = (
        "the of and model models sentence citation cites cite paper we show that learning neural network networks un "
        "affordable aff ford word words token tokens In The Model cafe naive resume müller muller and/or i.e e.g et al"
    ).split()
    endings = "##s ##ing ##ed ##able ##er ##ly ##tion ##al ##ization ##ize ##or ##d ##e\u0301".split()
    single = list(dict.fromkeys(list(letters) + list(more) + punctuation))
    tokens = SPECIAL + single + ["##" + token for token in single if token.isalnum()] + words + endings
    return list(dict.fromkeys(tokens))


FIXED = [
    "",
    " ",
    "\t\n\r ",
    "\u00a0\u2003\u3000",
    "The model cites the paper.",
    "unaffordable UNAFFORDABLE Unaffordable",
    "café naïve résumé Müller",
    "cafe\u0301 nai\u0308ve re\u0301sume\u0301 Mu\u0308ller",
    "e\u0301\u0301\u0301\u0323",
    "\u0301leading mark",
    "space \u0301 mark",
    "İstanbul ISTANBUL ıstanbul",
    "Straße STRASSE ẞ ß",
    "ΣΑΣ σας ΟΔΥΣΣΕΥΣ ὈΔΥΣΣΕΎΣ",
    "ﬁnd ﬂow oﬃce ſ",
    "½ ² ₂ ㎏ Ⅷ ①",
    "Å Å Å",
    "zero\u200bwidth\u200cjoiner\u200dhere",
    "soft\u00adhyphen",
    "byte\ufefforder",
    "\ufeffstart",
    "nul\x00inside",
    "\x00",
    "bell\x07 escape\x1b delete\x7f",
    "next\u0085line",
    "vertical\x0btab form\x0cfeed",
    "file\x1cgroup\x1drecord\x1eunit\x1fend",
    "line\u2028separator paragraph\u2029separator",
    "replacement \ufffd character a\ufffdb",
    "private \ue000 use",
    "left\u200eto\u200fright \u202amarks\u202c",
    "tag \U000e0041 characters",
    "中文 漢字 野口里佳 Noguchi Rika",
    "word漢字word",
    "カタカナ ひらがな のカ",
    "한글 글 ㅎㅏㄴ",
    "\u1112\u1161\u11ab",
    "𠀀𪜀𫝀 rare ideographs",
    "豈更車 compatibility",
    "العربية مع تشكيل مُحَمَّد",
    "עברית עִבְרִית",
    "हिन्दी कहि",
    "ไทยไม่มีช่องว่าง",
    "Привет ёж Жук",
    "emoji 😀 👩‍👩‍👧 🇩🇪 ❤️",
    "math 𝑥 𝔸 𝛼 ∑ ∂ ∞ ≤ ≥ ± × ÷",
    "x² + y₂ = α·β → γ",
    "$\\alpha_{i}^{2}$ \\cite{smith2020}",
    "<b>bold</b> &amp; &#233;",
    "https://example.org/a?b=c&d=e#f",
    "someone@example.org",
    "10.1000/xyz123 arXiv:1234.56789v2",
    "C++ C# .NET a/b a\\b a|b a~b a^b a`b",
    "don't won't it's 'quoted' \"double\"",
    "‘curly’ “quotes” … – — · ¿ « »",
    "、。（）「」",
    "€5 £3 ¥7 ¢ © ™ ® ° § µ",
    "...... !!!!! ????? -----",
    "-_-__--",
    "[CLS] [SEP] [PAD] [UNK] [MASK]",
    "[cls] [sep] [mask]",
    "[CLS][SEP]text[SEP]text",
    "[ SEP ] [SEP [SEP]] SEP]",
    "a[MASK]b [MASK] ",
    "[Mask] [mASK]",
    "##ing ##s # # ing",
    "[unused1] [unused99]",
    "1,234.56 1e-5 0x1F 3.14159 2020-01-01",
    "a" * 99,
    "a" * 100,
    "a" * 101,
    "é" * 100,
    "e\u0301" * 60,
    "漢" * 120,
    "." * 120,
    "word" + "\u0301" * 200,
    "x" + "\u200b" * 200 + "y",
    "in-word-hyphens and/or i.e. e.g. et al.",
    "tokens\ttabs\ttokens",
    "many     spaces     between",
    "  leading and trailing  ",
    "line\nbreak\r\nwindows\rmac",
    "ALL CAPS SENTENCE WITH NEURAL NETWORKS",
    "MiXeD cAsE",
    "Ⅻ Ⓐ ａｂｃ ＡＢＣ １２３",
    "ÀÈÌÒÙ àèìòù ÂÊÎÔÛ ÃÑÕ ÄËÏÖÜ",
    "Łódź Øre Ærø Œuvre Þing Ðe",
    "ǅ ǈ ǋ ŉ",
    "ͅ ͺ iota",
    "a\u0338 =\u0338 <\u0338",
    "ཀྵ ྐྵ",
    "\u0958 \u0929",
    "\u2126 \u212a \u212b",
    "\u1e9e \u0130 \u0149 \u01f0",
    "tail \u0378\u0379 unassigned",
    "noncharacter \ufffe \uffff",
    "\U0001d160 music \U0001d15e",
    "🏽 skin 👍🏽",
    "☃ ☂ ♥ ♦ ♣ ♠",
    "a\u20dd enclosing",
    "ab\u0903 spacing mark \u093e",
    "nbsp\u00a0between\u202fnarrow",
    "ogham\u1680space",
    "mongolian\u180eseparator",
    "ideographic\u3000space",
    "word\u2060joiner",
]


def made(count):
    """Random mixtures of everything above that is awkward."""
    rng = random.Random(20)
    pool = list("abcXYZ019 .,;-#[]()\t\n") + list("éÉüßİıΣςжЁ漢字のカ한글אع€…–“²½ﬁ") + [
        "\u0301", "\u0308", "\u200b", "\u00ad", "\u0085", "\x00", "\ufffd", "\u2028", "\u00a0", "\ufeff",
        "[SEP]", "[MASK]", "[CLS]", "##", "the ", "models ", "😀", "𝑥", "\u200d", "\u0378", "\ue000",
    ]
    return ["".join(rng.choices(pool, k=rng.randint(3, 60))) for _ in range(count)]


def digest(numbers):
    return hashlib.sha256(struct.pack(f"<{len(numbers)}I", *numbers)).hexdigest()[:16]


def tokenizer(vocab, **options):
    folder = Path(tempfile.mkdtemp())
    (folder / "vocab.txt").write_text("".join(token + "\n" for token in vocab), encoding="utf-8")
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "BertTokenizer", **options}))
    loaded = AutoTokenizer.from_pretrained(folder)
    assert loaded.is_fast and loaded.vocab_size == len(vocab)
    return loaded


def ids(hf, text):
    return hf(text, add_special_tokens=False, verbose=False)["input_ids"]


def pair(hf, sentence, reference, max_length):
    """Ids and type ids, or None where Hugging Face fails because the sentence alone is too long."""
    try:
        # In lists, as data sets are tokenized: alone, an empty reference would count as none.
        encoded = hf([sentence], [reference], truncation="only_second", max_length=max_length, verbose=False)
    except Exception:  # the fast tokenizer panics or raises, depending on its version
        return None
    if len(encoded["input_ids"][0]) > max_length:
        return None
    return [encoded["input_ids"][0], encoded["token_type_ids"][0]]


def main():
    vocab = vocabulary()
    strings = FIXED + made(200 - len(FIXED))
    kinds = {
        "default": {},
        "cased": {"do_lower_case": False},
        "cased_stripped": {"do_lower_case": False, "strip_accents": True},
        "uncased_accents": {"do_lower_case": True, "strip_accents": False},
        "no_chinese": {"tokenize_chinese_chars": False},
    }
    out = {"vocabulary": vocab, "strings": strings, "kinds": {}, "long": [], "pairs": [], "real": {}}
    for name, options in kinds.items():
        hf = tokenizer(vocab, **options)
        answers = [ids(hf, text) for text in strings]
        out["kinds"][name] = {"options": options, "ids": answers if name == "default" else [digest(a) for a in answers]}
    hf = tokenizer(vocab)
    for text, times in [
        ("The model cites the paper, ", 3000), ("x", 40000), ("漢字 ", 9000), ("caf\u00e9\u0301 ", 9000),
        ("unaffordable\n[SEP]\u0301 \u0085", 4000), ("\u3000ｗ", 9000), ("a. ", 20000),
    ]:
        answer = ids(hf, text * times)
        out["long"].append({"text": text, "times": times, "count": len(answer), "hash": digest(answer)})
    rng = random.Random(21)
    for _ in range(120):
        sentence = " ".join(rng.choices(strings[4:], k=rng.randint(0, 3)))
        reference = " ".join(rng.choices(strings[4:], k=rng.randint(0, 6)))
        max_length = rng.choice([8, 16, 32, 64, 512])
        out["pairs"].append({"sentence": sentence, "reference": reference, "max_length": max_length,
                             "hashes": (lambda p: p and [digest(p[0]), digest(p[1])])(pair(hf, sentence, reference, max_length)),
                             "sentence_tokens": len(ids(hf, sentence)), "reference_tokens": len(ids(hf, reference))})
    for size in range(1, 14):  # around the length at which the sentence alone fills the input
        for reference in ["", "b", "b b b b b b b b b b"]:
            sentence = " ".join("a" * size)
            out["pairs"].append({"sentence": sentence, "reference": reference, "max_length": 12,
                                 "hashes": (lambda p: p and [digest(p[0]), digest(p[1])])(pair(hf, sentence, reference, 12)),
                                 "sentence_tokens": size, "reference_tokens": len(reference.split())})

    if DATA.is_dir():
        scibert = (DATA / "scibert" / "vocab.txt").read_text(encoding="utf-8").split("\n")[:-1]
        hf = tokenizer(scibert)
        rows = [json.loads(line) for line in (DATA / "citations.jsonl").open(encoding="utf-8")]
        picked = []
        for field, count in [("sentence", 200), ("ref_paper_text", 200), ("ref_paper_title", 50), ("ref_paper_authors", 50)]:
            usable = [row for row, record in enumerate(rows) if isinstance(record.get(field), str) and record[field]]
            step = len(usable) / count
            picked += [[usable[int(index * step)], field] for index in range(count)]
        out["real"]["strings"] = [[row, field, digest(ids(hf, rows[row][field]))] for row, field in picked]
        pairs = []
        for row in range(0, len(rows), 10):
            sentence, reference = rows[row].get("sentence"), rows[row].get("ref_paper_text")
            if isinstance(sentence, str) and isinstance(reference, str):
                for max_length in (512, 128):
                    encoded = pair(hf, sentence, reference, max_length)
                    if encoded:
                        pairs.append([row, max_length, digest(encoded[0]), digest(encoded[1])])
        out["real"]["pairs"] = pairs
    (HERE / "tokens.json").write_text(json.dumps(out, ensure_ascii=True, separators=(",", ":")) + "\n")
    print(len(strings), "strings,", len(out["pairs"]), "pairs,", len(out["real"].get("pairs", [])), "real pairs")


main()

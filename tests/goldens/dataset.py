"""Golden values of the dataset room, from Python's json, pandas and NumPy.

    python tests/goldens/dataset.py [FOLDER WITH citations.jsonl]

writes dataset_nasty.jsonl (a small file with everything that goes wrong in datasets) and dataset.json. For real files it
keeps numbers and hashes only. Fractions are written as strings, so that they read back exactly.
"""

import hashlib
import json
import math
import sys
from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__).parent
TEXTS = ["sentence", "ref_paper_title", "ref_paper_authors", "ref_paper_text"]
FIELDS = ["original_paper_id", "sentence", "ref_paper_id", *TEXTS[1:], "label"]


def nasty_lines():
    def row(**over):
        full = {
            "original_paper_id": 7,
            "sentence": "Bees fly home by the light of the sun.",
            "ref_paper_id": "R1",
            "ref_paper_title": "Sun compass",
            "ref_paper_authors": "A. Bee",
            "ref_paper_text": "How insects find their way home.",
            "label": 1,
        }
        return {**full, **over}

    def text(**over):
        return json.dumps(row(**over)).encode()

    def raw(**over):
        return json.dumps(row(**over), ensure_ascii=False).encode("utf-8", "surrogatepass")

    def without(*names):
        return json.dumps({name: value for name, value in row().items() if name not in names}).encode()

    nan = float("nan")
    yield b"\xef\xbb\xbf" + text()
    yield text(original_paper_id="7") + b"\r"
    yield b""
    yield b" \t\r"
    yield "\u2003\u00a0".encode()
    for paper in [7.0, 8, -3, 2**63 - 1, 2**63, -(2**63) - 1, 10**40, "8", "", " ", "π", "\ud800", 0]:
        yield text(original_paper_id=paper)
    yield b'{"original_paper_id": 9.5, "label": 1}'
    for paper in ["true", "null", "NaN", "Infinity", "[7]", "{}"]:
        yield b'{"original_paper_id": %s, "sentence": "s", "ref_paper_text": "t", "label": 0}' % paper.encode()
    yield without("original_paper_id")
    for label in ["0", "1", "0.0", "1.0", "1e0", "-0", '"0"', '"1"', "true", "false"]:
        yield text(original_paper_id=20, label=0).replace(b'"label": 0', b'"label": ' + label.encode())
    for label in ["2", "-1", "0.5", '"yes"', '" 1"', '"1.0"', "null", "NaN", "Infinity", "[]", "{}", '""']:
        yield text(label=0).replace(b'"label": 0', b'"label": ' + label.encode())
    yield without("label")
    for name in TEXTS:
        for empty in [None, nan, "", " \n\t", "\x1c\x1d\x1e\x1f", "\u00a0\u2003\u3000\u0085"]:
            yield text(original_paper_id=30, **{name: empty})
            if isinstance(empty, str) and "\n" not in empty and "\x1c" not in empty:
                yield raw(original_paper_id=31, **{name: empty})
        for full in ["\u200b", "\x00", "\ufeff", "\u180e", " a\x1cb \u00a0 c\u0085d\u2028e ", "é" * 7, "😀\u0301", "\ud83d", "\ude00\ud83d"]:
            yield text(original_paper_id=40, label=0, **{name: full})
        yield without(name)
        for wrong in ["5", "true", '["a"]', '{"a": 1}', "1e3"]:
            yield b'{"original_paper_id": 1, "label": 1, "%s": %s}' % (name.encode(), wrong.encode())
    for other in [None, nan, "", " ", 5, "5", 10**30, 12.0]:
        yield text(original_paper_id=50, ref_paper_id=other)
    yield without("ref_paper_id")
    yield text(ref_paper_text="x" * 500)
    yield text(ref_paper_text="y" * 2000, ref_paper_title="", ref_paper_authors=" ")
    yield text()[:-1] + b', "label": 0, "sentence": "The last one counts, so this does.", "original_paper_id": 60}'
    yield text().replace(b'"sentence"', b'"\\u0073entence"')
    yield text()[:-1] + b', "more": {"a": [1, {"b": null}, "]}"], "c": -1.5e-7}}'
    yield text()[:-1] + b', "more": ' + b"[" * 100 + b"]" * 100 + b"}"
    yield b"   " + text() + b"   "
    # Unusable from here on.
    yield text().replace(b"Bees", b"\xff\xfe")
    yield text().replace(b"Bees", b"\xed\xa0\x80")
    yield text().replace(b"Bees", b"Be\tes")
    yield text().replace(b"Bees", b"\\x41")
    yield text().replace(b"Bees", b"\\u12")
    yield text()[:40]
    yield text()[:-1]
    yield text() + b","
    yield text() + text()
    yield b"[" + text() + b"]"
    yield b"original_paper_id,sentence,label"
    for value in [b"7", b"null", b'"text"', b"[]", b"NaN", b"{", b"}", b"{}", b"\x00", b"'a'", b"{'a': 1}", b'{"a": 01}']:
        yield value
    yield b'{"a": ' + b"[" * 5000 + b"]" * 5000 + b"}"
    yield text(original_paper_id=61, label=0)


def empty(value):
    return value is None or (isinstance(value, float) and math.isnan(value)) or (isinstance(value, str) and not value.strip())


def paper_id(value):
    """An id that distinguishes 7 from "7", or None."""
    if isinstance(value, bool):
        raise ValueError
    if isinstance(value, float) and value.is_integer() and abs(value) < 9e15:
        value = int(value)
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if not isinstance(value, (int, str)):
        raise ValueError
    return value


def label(value):
    if isinstance(value, str) and value in ("0", "1"):
        return int(value)
    if empty(value):
        return None
    if isinstance(value, (bool, int, float)) and value in (0, 1):
        return int(value)
    raise ValueError


def read(data):
    rows, rejected = [], []
    for number, line in enumerate(data.split(b"\n"), 1):
        try:
            line = line.removeprefix(b"\xef\xbb\xbf").decode()
            if not line.strip():
                continue
            row = json.loads(line)
            if not isinstance(row, dict):
                raise ValueError
            row = {name: row.get(name) for name in FIELDS}
            row["original_paper_id"] = paper_id(row["original_paper_id"])
            row["ref_paper_id"] = paper_id(row["ref_paper_id"])
            row["label"] = label(row["label"])
            if row["original_paper_id"] is None or not all(empty(row[name]) or isinstance(row[name], str) for name in TEXTS):
                raise ValueError
        except (ValueError, RecursionError):
            rejected.append(number)
            continue
        rows.append((number, row))
    if any(row["label"] is not None for _, row in rows):
        rejected += [number for number, row in rows if row["label"] is None]
        rows = [(number, row) for number, row in rows if row["label"] is not None]
    frame = pd.DataFrame([row for _, row in rows], columns=FIELDS, dtype=object)
    return frame, sorted(rejected)


def summary(lengths):
    lengths = pd.Series(list(lengths), dtype="int64")
    return {
        "mean": repr(float(lengths.mean())),
        "median": int(lengths.sort_values().iloc[len(lengths) // 2]),
        "max": int(lengths.max()),
    }


def labels(frame):
    counts = frame["label"].value_counts()
    return {"0": int(counts.get(0, 0)), "1": int(counts.get(1, 0))}


def block(row):
    parts = [" ".join(row[name].split()) for name in TEXTS[1:] if not empty(row[name])]
    return ". ".join(parts)


def key(value):
    return f"{type(value).__name__} {value}"


def clean(frame):
    return frame[~frame["sentence"].map(empty) & ~frame["ref_paper_text"].map(empty)]


def weights(counts):
    total = counts["0"] + counts["1"]
    return {name: repr(total / (2 * count)) if count else None for name, count in counts.items()}


def report(frame, rejected):
    kept = clean(frame)
    return {
        "rows": len(frame),
        "rejected": rejected,
        "labels": labels(frame),
        "missing": {name: int(frame[name].map(empty).sum()) for name in FIELDS},
        "sentence_words": summary(frame["sentence"].map(lambda text: 0 if empty(text) else len(text.split()))),
        "ref_text_chars": summary(frame["ref_paper_text"].map(lambda text: 0 if empty(text) else len(text))),
        "papers": int(kept["original_paper_id"].map(key).nunique()),
        "clean": {
            "rows": len(kept),
            "dropped": len(frame) - len(kept),
            "labels": labels(kept),
            "ref_block_chars": summary(kept.apply(lambda row: len(block(row)), axis=1)),
            "class_weights": weights(labels(kept)),
        },
    }


def split(frame, seed=42):
    kept = clean(frame)
    ids = {}
    for paper in kept["original_paper_id"]:
        ids.setdefault(key(paper), paper)
    papers = np.empty(len(ids), dtype=object)
    papers[:] = list(ids.values())
    if all(isinstance(paper, int) for paper in papers):
        # The way a notebook goes with ids of one kind.
        plain = kept["original_paper_id"].astype("int64").unique()
        assert plain.tolist() == papers.tolist()
        np.random.RandomState(seed).shuffle(plain)
    np.random.RandomState(seed).shuffle(papers)
    if all(isinstance(paper, int) for paper in papers):
        assert plain.tolist() == papers.tolist()
    train, validation = int(0.70 * len(papers)), int(0.15 * len(papers))
    parts = {
        "train": papers[:train],
        "validation": papers[train : train + validation],
        "test": papers[train + validation :],
    }
    answer = {}
    for name, part in parts.items():
        rows = kept[kept["original_paper_id"].map(key).isin([key(paper) for paper in part])]
        written = json.dumps(part.tolist(), separators=(",", ":"), ensure_ascii=False)
        answer[name] = {
            "papers": len(part),
            "papers_sha256": hashlib.sha256(written.encode("utf-8", "replace").replace(b'"?"', '"\ufffd"'.encode())).hexdigest(),
            "rows": len(rows),
            "labels": labels(rows),
        }
    answer["class_weights"] = weights(answer["train"]["labels"])
    return answer


def shuffles():
    for seed in [0, 1, 42, 5489, 2**32 - 1]:
        for count in [*range(1, 41), 63, 64, 65, 100, 388, 623, 624, 625, 747, 1000, 4097, 6344, 70_000]:
            papers = np.arange(count)
            np.random.RandomState(seed).shuffle(papers)
            as_objects = np.array([str(number) for number in range(count)], dtype=object)
            np.random.RandomState(seed).shuffle(as_objects)
            assert [int(number) for number in as_objects] == papers.tolist()
            as_list = list(range(count))
            np.random.RandomState(seed).shuffle(as_list)
            assert as_list == papers.tolist()
            written = ",".join(map(str, papers.tolist()))
            yield {"seed": seed, "papers": count, "sha256": hashlib.sha256(written.encode()).hexdigest()}


def main():
    nasty = b"\n".join(nasty_lines())
    (HERE / "dataset_nasty.jsonl").write_bytes(nasty)
    golden = {"shuffles": list(shuffles())}
    frame, rejected = read(nasty)
    golden["nasty"] = {"report": report(frame, rejected), "split": split(frame)}
    if len(sys.argv) > 1:
        for name in ["citations.jsonl", "citepairs_small.jsonl"]:
            frame, rejected = read((Path(sys.argv[1]) / name).read_bytes())
            golden[name] = {"report": report(frame, rejected), "split": split(frame)}
    (HERE / "dataset.json").write_text(json.dumps(golden, indent=1) + "\n")


if __name__ == "__main__":
    main()

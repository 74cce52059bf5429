"""Golden values for the evaluation room, from NumPy and scikit-learn.

    python tests/goldens/evaluation.py > tests/goldens/evaluation.json

Floating-point numbers are written as strings, so that they can be read back exactly by a correctly rounding parser;
where every bit has to agree, the SHA-256 of the bits says as much as the numbers. Inputs are multiples of 1/4096.
"""

import hashlib
import json
import math
import sys
import warnings
from fractions import Fraction

import numpy as np
import sklearn
from sklearn import metrics

warnings.simplefilter("ignore")


def text(numbers):
    return [repr(float(number)) for number in numbers]


def curve(x, y, thresholds):
    return {"x": text(x), "y": text(y), "thresholds": text(thresholds)}


def figures(labels, predicted):
    precision, recall, f1, _ = metrics.precision_recall_fscore_support(
        labels, predicted, average="binary", zero_division=0
    )
    return text([metrics.accuracy_score(labels, predicted), precision, recall, f1])


def case(name, labels, probabilities):
    labels, probabilities = np.asarray(labels), np.asarray(probabilities, dtype=np.float64)
    answer = {"name": name, "labels": labels.tolist(), "probabilities": text(probabilities)}
    thresholds = np.linspace(0.1, 0.9, 33)
    answer["sweep"] = [figures(labels, (probabilities >= threshold).astype(int)) for threshold in thresholds]
    f1 = np.array([float(point[3]) for point in answer["sweep"]])
    answer["best"] = int(np.argmax(f1))
    at_half = (probabilities >= 0.5).astype(int)
    answer["f_beta"] = {
        str(beta): repr(float(metrics.fbeta_score(labels, at_half, beta=beta, zero_division=0))) for beta in (0.5, 2.0)
    }
    answer["brier"] = repr(float(np.mean((probabilities - labels) ** 2)))
    answer["histogram"] = [
        np.histogram(probabilities[labels == label], bins=20, range=(0, 1))[0].tolist() for label in (0, 1)
    ]
    if labels.any():
        precision, recall, at = metrics.precision_recall_curve(labels, probabilities)
        answer["precision_recall"] = curve(recall, precision, at)
        answer["average_precision"] = repr(float(metrics.average_precision_score(labels, probabilities)))
    if labels.any() and not labels.all():
        false_positive, true_positive, at = metrics.roc_curve(labels, probabilities, drop_intermediate=False)
        answer["roc"] = curve(false_positive, true_positive, at)
        answer["roc_auc"] = repr(float(metrics.roc_auc_score(labels, probabilities)))
    return answer


def mean_over_orders(positives, candidates):
    """The reciprocal rank of the first positive, averaged over all its places, in exact fractions."""
    places = math.comb(candidates, positives)
    return sum(
        Fraction(math.comb(candidates - rank, positives - 1), places * rank)
        for rank in range(1, candidates - positives + 2)
    )


def ranking_case(name, groups, labels, scores):
    """Top-1, reciprocal rank and chance by drawing no lots: SciPy's mean ranks, and counting."""
    from scipy.stats import rankdata

    groups, labels, scores = np.asarray(groups), np.asarray(labels), np.asarray(scores, dtype=np.float64)
    top1, reciprocal, chance, chance_reciprocal = [], [], [], []
    for group in np.unique(groups):
        own = groups == group
        if labels[own].min() == labels[own].max():
            continue
        ranks = rankdata(-scores[own], method="average")
        first = scores[own] == scores[own].max()
        top1.append(labels[own][first].mean())
        reciprocal.append(1 / ranks[labels[own] == 1].min())
        chance.append(labels[own].mean())
        chance_reciprocal.append(mean_over_orders(int(labels[own].sum()), int(own.sum())))
    mean = lambda numbers: repr(float(np.mean(numbers))) if numbers else "0.0"
    return {
        "name": name,
        "groups": groups.tolist(),
        "labels": labels.tolist(),
        "scores": text(scores),
        "sentences": len(top1),
        "top1": mean(top1),
        "mrr": mean(reciprocal),
        "chance_top1": mean(chance),
        "chance_mrr": repr(float(sum(chance_reciprocal) / max(1, len(chance_reciprocal)))),
    }


def linspace_case(start, stop, count):
    digest = hashlib.sha256(np.linspace(start, stop, count).astype("<f8").tobytes()).hexdigest()[:16]
    return {"from": repr(float(start)), "to": repr(float(stop)), "count": count, "sha256": digest}


def short(numbers):
    return np.round(numbers * 4096) / 4096


random = np.random.RandomState(7)
cases = [
    case("one right", [1], [0.9]),
    case("one wrong", [0], [0.9]),
    case("all equal", [1, 0, 0, 1, 0], [0.5] * 5),
    case("all positive", [1, 1, 1], [0.2, 0.5, 0.5]),
    case("all negative", [0, 0, 0], [0.2, 0.5, 0.5]),
    case("extremes", [1, 0, 1, 0, 1], [0.0, 0.0, 1.0, 1.0, 0.5]),
    case("on the thresholds", (np.arange(33) % 3 == 0).astype(int), np.linspace(0.1, 0.9, 33)),
    case("perfect", [1, 1, 0, 0], [0.8, 0.7, 0.3, 0.2]),
    case("reversed", [0, 0, 1, 1], [0.8, 0.7, 0.3, 0.2]),
]
for rows in (20, 100):
    labels = (random.rand(rows) < 0.3).astype(int)
    spread = short(1 / (1 + np.exp(-(random.randn(rows) + labels - 0.5))))
    cases.append(case(f"{rows} rows", labels, spread))
    cases.append(case(f"{rows} rows with ties", labels, np.round(spread, 1)))

rankings = [ranking_case("none", [0, 0, 1], [1, 1, 0], [0.5, 0.4, 0.3])]
for rows in (30, 120):
    groups, labels = random.randint(0, rows // 4, rows), (random.rand(rows) < 0.4).astype(int)
    rankings.append(ranking_case(f"{rows} rows", groups, labels, short(random.rand(rows))))
    rankings.append(ranking_case(f"{rows} rows with ties", groups, labels, np.round(random.rand(rows), 1)))
    rankings.append(ranking_case(f"{rows} rows all tied", groups, labels, np.zeros(rows)))

spaces = [
    (0.1, 0.9, 33), (0.1, 0.9, 1), (0.1, 0.9, 2), (0.0, 1.0, 11), (0.0, 1.0, 101), (0.9, 0.1, 33), (0.3, 0.3, 5),
    (0.05, 0.95, 19), (1e-300, 1e300, 7), (-1.0, 1.0, 10), (0.0, 5e-324, 4), (5e-324, 1.5e-323, 9), (0.2, 0.8, 0),
]
for _ in range(60):
    start, stop = random.rand(2)
    spaces.append((float(start), float(stop), int(random.randint(2, 60))))

json.dump(
    {
        "numpy": np.__version__,
        "scikit_learn": sklearn.__version__,
        "linspace": [linspace_case(*space) for space in spaces],
        "cases": cases,
        "rankings": rankings,
    },
    sys.stdout,
    separators=(",", ":"),
)
print()

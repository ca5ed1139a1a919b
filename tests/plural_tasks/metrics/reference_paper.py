"""The published scoring once more, written apart from plural_tasks.metrics.paper: scikit-learn, numpy, regular
expressions.

It reads raw rows, knows none of the project's code, and is as plain as can be: what it computes can be read off
against the definitions. Kept for the test that both agree.
"""

import re
import warnings

import numpy as np


def jensen_shannon(p, q):
    p, q = np.asarray(p, dtype=float), np.asarray(q, dtype=float)
    if p.sum() == 0 or q.sum() == 0:
        return np.nan
    p, q = p / p.sum(), q / q.sum()
    middle = (p + q) / 2
    total = 0.0
    for side in (p, q):
        for share, other in zip(side, middle, strict=True):
            if share > 0:
                total += share * np.log(share / other)
    return np.sqrt(max(total, 0.0) / 2)


def distributions(rows):
    distance = np.array([jensen_shannon(row["gold_distribution"], row["pred_distribution"]) for row in rows])
    same = [np.argmax(row["gold_distribution"]) == np.argmax(row["pred_distribution"]) for row in rows]
    known = distance[~np.isnan(distance)]
    return {
        "js_distance": known.mean(),
        "js_distance_nat": known.mean(),
        "most_likely": np.mean(same),
        "n": len(known),
    }


PATTERNS = [
    (r"the answer is ([a-e])", True),
    (r"answer: ([a-e])", True),
    (r" ([A-E])(?=[ .])", False),
    (r"the correct answer is ([a-e])", True),
    (r"([A-E]): ", False),
    (r"([A-E])(?=\n|\Z)", False),
    (r"\(([A-E])\)", False),
]


def letter(text):
    opening = re.match(r"[^ ]*", text.strip())[0]
    inside = sorted(set(opening) & set("ABCDE"))
    if inside:
        return inside[0]
    for pattern, lower in PATTERNS:
        hits = re.findall(pattern, text.lower() if lower else text)
        if hits:
            return min(hits).upper()
    return "none"


def stance(text):
    """0 support, 1 oppose, 2 either, 3 unreadable."""
    found = letter(text)
    if found in ("A", "B", "C"):
        return "ABC".index(found)
    for number, pattern in enumerate(["support", "oppose", "either|it depends"]):
        if re.search(pattern, text.lower()):
            return number
    return 3


def stances(rows):
    gold = np.array(["ABC".index(row["label"]) for row in rows])
    said = np.array([stance(row["output"]) for row in rows])
    decided = (gold != 2) & (said != 2)
    return {
        **classes(gold, said, ""),
        **classes(gold[decided], said[decided], "binary_"),
        "n_binary": int(decided.sum()),
    }


def classes(gold, said, prefix):
    from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn warns of predicted classes without gold
        return {
            f"{prefix}accuracy": accuracy_score(gold, said),
            f"{prefix}balanced_accuracy": balanced_accuracy_score(gold, said),
            f"{prefix}macro_f1": f1_score(gold, said, average="macro"),
        }


def coverage(rows, probability, split):
    """``probability`` of entailment of (premise, hypothesis), one pair a call; ``split`` makes sentences."""
    means = []
    for row in rows:
        best = []
        for explanation in row["explanation"]:
            scores = [probability(explanation, sentence) for sentence in split(row["output"])]
            best.append(np.max(scores) if scores else -1)
        means.append(np.mean(best))
    return {"coverage": np.mean(means), "coverage_33": np.mean(np.array(means) > 0.33)}

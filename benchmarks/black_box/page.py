"""Make the page of the shows: ``python -m benchmarks.black_box.page benchmarks/results/black_box.json``."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

PAGE = Path(__file__).resolve().parents[1] / "black_box.md"
Found = Mapping[str, Any]


def page(results: Found) -> str:
    """The page, as Markdown."""
    machine, shows = results["machine"], results["shows"]
    parts = [
        "# Black-box base LLMs: what was shown\n",
        "Made by `python -m benchmarks.black_box.page` from what `python -m benchmarks.black_box` wrote; the commands "
        "of the runs are `modplural eval …` as a user types them, against a real server on the loopback "
        f"({results['engine']}; SmolLM2-135M with the embedded reader's weights).\n",
        f"Machine: {machine['cpu']}, {machine['cores']} cores, {machine['memory_gb']} GB. Python "
        f"{results['versions']['python']}, lm_eval {results['versions'].get('lm_eval', '')}.\n",
    ]
    for name, write in SECTIONS.items():
        if name in shows:
            one = shows[name]
            parts += [
                *write(one["found"]),
                f"\n<sub>{one['date']}, commit {one['commit']}, {one['precision']}, {one['seconds']:.0f} s</sub>\n",
            ]
    return "\n".join(parts) + "\n"


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table; numbers as short as they say something."""
    lines = [head, ["---"] * len(head), *([_cell(value) for value in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "**no**"
    if isinstance(value, float):
        return "" if math.isnan(value) else _short(value)
    if isinstance(value, int):
        return f"{value:,}"
    return str(value).replace("|", "\\|").replace("\n", " ")


def _short(value: float) -> str:
    return f"{value:.0e}" if 0 < abs(value) < 0.0005 else f"{value:.3f}"


def _routes(found: Found) -> list[str]:
    tasks = next(one["tasks"] for one in found.values() if one["code"] == 0)
    rows = []
    for name, one in found.items():
        if one["code"]:
            rows.append([name, f"ended with {one['code']}: {one['said']}", *[""] * len(tasks)])
            continue
        cells = [_main(one["tasks"][task]) for task in tasks]
        rows.append([name, f"{one['elicitation']['route']}, {one['elicitation']['because']}", *cells])
    asked = [
        [
            name,
            one["requests"],
            sum(one["communities"].values()),
            _counts(one["spent"]),
            _counts(one["fallbacks"]),
        ]
        for name, one in found.items()
        if one["code"] == 0
    ]
    return [
        "## The five tasks, with log-probabilities and without\n",
        "The method `modplural` over three communities, who speak through the same server: an endpoint of the engine "
        "`server`, one of the harness's `local-chat-completions`, and a persona. A few documents of each task: figures "
        "say that it runs, and measure nobody.\n",
        table(["base LLM", "route", *tasks], rows),
        "",
        table(["base LLM", "its requests", "answers for communities", "answers by phase", "fallbacks"], asked),
    ]


def _counts(found: Found) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in found.items()) or "none"


def _main(figures: Found) -> str:
    return ", ".join(f"{name} {value:.3f}" for name, value in figures.items())


def _agreement(found: Found) -> list[str]:
    rows = [
        [
            *(name, one["n"], one["value"], _interval(one), one["error"], one["reference"]),
            *(one["same_top"], one["option_mass"]),
        ]
        for name, one in found.items()
    ]
    parts = [
        "## The same weights behind the server and in this process\n",
        "JS distance (base 2, 0 to 1) from the distributions that the model has in this process, method `vanilla`.\n",
        table(
            [
                *("elicitation", "documents", "mean JS", "95 % interval", "Monte-Carlo error", "by sampling alone"),
                *("same top option", "mass on the options"),
            ],
            rows,
        ),
        "\nDocument by document (JS; of sampled answers ± its Monte-Carlo standard error, and what sampling alone "
        "gives):\n",
    ]
    documents = {one["id"]: index for index, one in enumerate(next(iter(found.values()))["documents"])}
    told = {name: {one["id"]: one for one in route["documents"]} for name, route in found.items()}
    lines = [[key, *(_document(told[name].get(key)) for name in found)] for key in documents]
    return [*parts, table(["document", *found], lines)]


def _interval(one: Found) -> str:
    return "" if math.isnan(one["low"]) else f"[{_short(one['low'])}, {_short(one['high'])}]"


def _document(one: Found | None) -> str:
    if one is None:
        return ""
    error = f" ± {one['error']:.3f} ({one['reference']:.3f})" if not math.isnan(one["error"]) else ""
    return f"{_short(one['value'])}{error}"


def _storm(found: Found) -> list[str]:
    calm = found["calm"]
    told = f"The run that the next three are compared with: {calm['requests']:,} requests in {calm['seconds']:.0f} s.\n"
    return [
        "## One run in peace, one through faults, one killed, one within a budget\n",
        told,
        *_faults(found["faults"]),
        *_kills(found["kills"]),
        *_budget(found["budget"]),
    ]


def _faults(found: Found) -> list[str]:
    api = found["api"]
    return [
        "### Through faults\n",
        "30 % of requests fail (429 with and without Retry-After, 500, 503, resets, slow answers, cut and empty "
        f"bodies), and in the middle everything does for a minute. Exit status {found['code']}. {found['said']}\n",
        table(
            ["", ""],
            [
                ["requests", found["requests"]],
                ["what was done to them", _counts(found["faults"])],
                ["different answers delivered whole", found["delivered"]],
                ["asked for again after that", found["again_after_delivery"]],
                ["figures and answers equal to the run without faults", found["same_results"]],
                ["retries, as the results count them", _counts(api.get("retries", {}))],
                ["pauses of the breakers", api.get("pauses", 0)],
                ["answers that were lost, and paid for", api.get("spent", {}).get("lost", {}).get("answers", 0)],
                ["seconds", f"{found['seconds']:.0f}"],
            ],
        ),
    ]


def _kills(found: Found) -> list[str]:
    return [
        "\n### Killed\n",
        f"SIGKILL at {found['kills']} random moments after a life's first request; the same command then went on to "
        f"its end (exit status {found['code']}).\n",
        table(
            ["", ""],
            [
                ["requests of all lives together", found["requests"]],
                ["different answers delivered whole", found["delivered"]],
                ["asked for again after that", found["again_after_delivery"]],
                [
                    "of them in flight at a kill, or delivered in the quarter second before",
                    found["of_them_when_killed"],
                ],
                ["figures and answers equal to the run without kills", found["same_results"]],
                ["seconds of each life", ", ".join(f"{value:.1f}" for value in found["lives"])],
            ],
        ),
    ]


def _budget(found: Found) -> list[str]:
    said = "\n".join(f"    {line}" for line in found["said"])
    return [
        "\n### Stopped by a budget\n",
        f"`--max-tokens {found['limit']}`, where all of it takes {found['spent_without_limit']:,}. The same command "
        f"again and again: exit status {', '.join(map(str, found['codes']))}. It said:\n",
        said,
        "",
        table(
            ["", ""],
            [
                ["requests of all parts together", found["requests"]],
                ["asked for again after an answer was delivered", found["again_after_delivery"]],
                ["figures and answers equal to the run without a limit", found["same_results"]],
            ],
        ),
    ]


def _doctor(found: Found) -> list[str]:
    rows = []
    for name, one in found.items():
        told = one.get("faults", [])
        said = "<br>".join(
            f"**{fault['area']}, {fault['name']}**: {fault['found']} → {fault['advice']}" for fault in told
        )
        rows.append([name, one["code"], said or str(one.get("said", ""))])
    return ["## `modplural doctor`\n", table(["setup", "exit status", "faults, and what to do"], rows)]


SECTIONS: Mapping[str, Callable[[Found], list[str]]] = {
    "routes": _routes,
    "agreement": _agreement,
    "storm": _storm,
    "doctor": _doctor,
}


def main(place: str) -> None:
    """Write `PAGE`."""
    PAGE.write_text(page(json.loads(Path(place).read_text(encoding="utf-8"))), encoding="utf-8")
    print(PAGE)


if __name__ == "__main__":
    main(sys.argv[1])

"""All five tasks on one served model: with log-likelihoods, with those of chats, and without any."""

from __future__ import annotations

import json
from typing import Any

from benchmarks.black_box import command
from benchmarks.black_box.fault_settings import Settings
from benchmarks.black_box.faults import proxied
from benchmarks.black_box.setting import Setting

TASKS = "plural"
KEPT = ("js_distance", "accuracy", "coverage", "option_mass", "fallback_rate")


def show(setting: Setting) -> dict[str, Any]:
    """Run the method over a pool of endpoints by every route."""
    found = {}
    with proxied(setting.address, Settings(logprobs="strip")) as silent:
        ways: list[tuple[str, str, dict[str, object]]] = [
            ("completions", setting.address, _completions(setting)),
            ("chat, log-probabilities shown", setting.address, {}),
            ("chat, none shown", silent.address, {"elicitation_samples": 10}),
            ("chat, stated", silent.address, {"elicitation": "verbalised"}),
        ]
        for name, address, settings in ways:
            found[name] = _run(setting, name, address, settings)
    return found


def _completions(setting: Setting) -> dict[str, object]:
    url = f"{setting.address}/v1/completions"
    return {
        "base": "local-completions",
        "base_url": url,
        "tokenizer": setting.weights,
        "tokenizer_backend": "huggingface",
    }


def _run(setting: Setting, name: str, address: str, settings: dict[str, object]) -> dict[str, Any]:
    folder = setting.folder / "routes" / name.replace(", ", "-").replace(" ", "-")
    pool = command.write_pool(folder, address, setting.model)
    served: dict[str, object] = {
        "message_server": f"{address}/v1",
        "message_server_args": f"model:{setting.model}",
        **settings,
    }
    args = command.model_args(folder, address, setting.model, pool=pool, **served)
    metadata = {"plural_judge": "lexical", **({"plural_data": setting.data} if setting.data else {})}
    ran = command.run(folder, args, TASKS, setting.limit, "--metadata", json.dumps(metadata))
    if ran.code:
        return {"code": ran.code, "said": ran.last_line}
    own = ran.results["config"]["modplural"]
    tasks = {
        task: {figure: value for figure, value in found.items() if figure in KEPT}
        for task, found in command.figures(ran.results).items()
    }
    spent = own["api"]["spent"]["now"]
    return {
        "code": 0,
        "seconds": ran.seconds,
        "elicitation": own["elicitation"],
        "fallbacks": own["fallbacks"],
        "tasks": tasks,
        "requests": own["api"]["requests"],
        "spent": {phase: one["answers"] for phase, one in spent["by_phase"].items()},
        "communities": {name: one["answers"] for name, one in spent["by_community"].items()},
    }

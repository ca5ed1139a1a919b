"""The same weights behind a server and in this process: how far do the elicitations agree, document by document?"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from benchmarks.black_box import command
from benchmarks.black_box.setting import Setting

TASK = "plural_surveys_distributional"


def show(setting: Setting) -> dict[str, Any]:
    """Compare every route with the distributions of the model in this process, which are exact."""
    from plural_tasks.report.comparing.agreement import agreement, by_document
    from plural_tasks.report.reading.runs import read_runs

    folder = setting.folder / "agreement"
    local = f"base=hf,pretrained={setting.weights},dtype=float32,method=vanilla,messages=none"
    places = {"in-process": command.run(folder / "local", local, TASK, 5 * setting.limit).folder}
    url = f"{setting.address}/v1/completions"
    scored = {"base": "local-completions", "base_url": url, "tokenizer": setting.weights}
    routes: dict[str, dict[str, object]] = {
        "log-likelihoods of completions": {**scored, "tokenizer_backend": "huggingface"},
        "log-probabilities of chats": {"elicitation": "logprob"},
        f"{setting.samples} sampled answers": {"elicitation": "sample", "elicitation_samples": setting.samples},
        "stated percentages": {"elicitation": "verbalised"},
    }
    for place, (name, settings) in enumerate(routes.items()):
        own = folder / f"route{place}"
        own.mkdir(parents=True, exist_ok=True)
        args = command.model_args(own, setting.address, setting.model, method="vanilla", **settings)
        places[name] = command.run(own, args, TASK, 5 * setting.limit).folder
    runs = read_runs([f"{name}={path}" for name, path in places.items()])
    exact = runs[0]
    return {
        run.label: {
            **asdict(agreement(TASK, run, exact)),
            "option_mass": command.figures(run.data)[TASK]["option_mass"],
            "documents": [asdict(one) for one in by_document(TASK, run, exact)],
        }
        for run in runs[1:]
    }

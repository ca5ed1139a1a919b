"""`modplural doctor` on a healthy setup, and on broken ones."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from benchmarks.black_box import command
from benchmarks.black_box.serve import free_port
from benchmarks.black_box.setting import Setting


def show(setting: Setting) -> dict[str, Any]:
    """What it finds, and with which exit status it ends."""
    folder = setting.folder / "doctor"
    pool = command.write_pool(folder, setting.address, setting.model)
    nobody = f"http://127.0.0.1:{free_port()}"
    (folder / "adapter").mkdir(exist_ok=True)
    member = f"{{name: a, description: d, adapter: {folder / 'adapter'}}}"
    (folder / "lost.yaml").write_text(f"name: lost\nbackbone: embedded_reader\ncommunities:\n  - {member}\n")
    unserved: dict[str, object] = {"message_server": None, "message_server_args": None}
    (folder / "stores.sqlite").write_text("no database")
    healthy: dict[str, object] = {
        **{"pool": pool, "message_server": f"{setting.address}/v1", "message_server_args": f"model:{setting.model}"},
    }
    setups: dict[str, tuple[dict[str, object], tuple[str, ...]]] = {
        "healthy": ({}, ()),
        "base LLM's server is down": ({"base_url": f"{nobody}/v1/chat/completions"}, ()),
        "model that the server does not have": ({"model": "gpt-none"}, ()),
        "address without the path": ({"base_url": f"{setting.address}/v1"}, ()),
        "communities' server is down": ({"message_server": f"{nobody}/v1"}, ()),
        "adapter without weights": ({"pool": folder / "lost.yaml", **unserved}, ()),
        "unknown pool": ({"pool": "perspectiv"}, ()),
        "unknown argument": ({"num_concurent": 4}, ()),
        "message store that is none": ({"messages": folder / "stores.sqlite"}, ()),
        "data that are not there": ({}, ("--metadata", '{"plural_data": "/nowhere"}', "--tasks", "plural_overton_vk")),
        "limit of cost without a price": ({}, ("--max-cost", "5")),
        "key among the arguments": ({"auth_token": "sk-0123456789abcdefghij"}, ()),
        "no log-probabilities for elicitation=logprob": ({"elicitation": "logprob", "base": "local-completions"}, ()),
        "output that cannot be written": ({}, ("--output_path", "/proc/out")),
    }
    return {name: _look(setting, {**healthy, **changes}, more) for name, (changes, more) in setups.items()}


def _look(setting: Setting, settings: dict[str, object], more: tuple[str, ...]) -> dict[str, Any]:
    folder = setting.folder / "doctor"
    args = command.model_args(folder, setting.address, setting.model, **settings)
    given = [
        "--model_args",
        args,
        "--tasks",
        "plural_embedded",
        "--limit",
        "2",
        "--apply_chat_template",
        "--device",
        "cpu",
    ]
    done = subprocess.run(
        [sys.executable, "-m", "model_wrappers", "doctor", "--json", *given, *more],
        cwd=command.ROOT,
        env=command.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        found = json.loads(done.stdout)
    except ValueError:
        return {"code": done.returncode, "said": done.stderr.strip().splitlines()[-1:]}
    told = [one for one in found["findings"] if one["level"] == "fault"]
    return {"code": done.returncode, "counts": found["counts"], "faults": told}

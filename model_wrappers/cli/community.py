"""``modplural community``: train community LMs, measure them, publish them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml
from rich.console import Console

from model_wrappers.cli import community_evaluate, community_publish
from plural_tasks.utils.errors import ModPluralError

app = typer.Typer(
    help="Train community LMs, measure them and publish them.", no_args_is_help=True, add_completion=False
)
console = Console()


@app.command()
def train(
    config: Annotated[Path, typer.Argument(help="YAML file; community, description, backbone and corpus are needed.")],
    output: Annotated[str | None, typer.Option(help="Folder of the adapter, in place of the file's.")] = None,
    setting: Annotated[
        list[str] | None,
        typer.Option("--set", help="FIELD=VALUE or lora.FIELD=VALUE in place of the file's; repeatable."),
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Throw away what an earlier run left in the folder.")] = False,
) -> None:
    """Train a community LM (a LoRA adapter); the same command goes on with an interrupted run.

    On several GPUs: accelerate launch --config_file FSDP.yaml -m model_wrappers community train CONFIG
    """
    from community_lms.training.config import read_config

    overrides = settings(setting or ())
    if output is not None:
        overrides["output"] = output
    loaded = read_config(config, overrides)

    from community_lms.training.train import train as run  # torch and transformers: after the settings were checked

    try:
        folder = run(loaded, fresh=fresh)
    except KeyboardInterrupt:
        console.print("Interrupted; the same command goes on from the last checkpoint.")
        raise typer.Exit(130) from None
    _tell(folder)


def _tell(folder: Path) -> None:
    """Print the summary; of several processes the first does."""
    from accelerate import PartialState

    processes = PartialState()
    if processes.is_main_process:
        console.print(summary(folder), highlight=False, soft_wrap=True, markup=False)
    if processes.num_processes > 1:
        processes.destroy_process_group()


def summary(folder: Path) -> str:
    """A finished run in three lines."""
    import json

    from community_lms.training.record import RUN_INFO

    info = json.loads((folder / RUN_INFO).read_text(encoding="utf-8"))
    loss = info["loss"]
    lines = [
        f"{info['community']}: {folder}",
        f"  {info['steps']} steps, {info['tokens']:,} tokens, {info['seconds'] / 60:.1f} minutes",
    ]
    if loss["held_out_first"] is not None and loss["held_out_last"] is not None:
        lines.append(
            f"  held-out loss {loss['held_out_first']:.3f} -> {loss['held_out_last']:.3f} nats per token"
            f" ({info['corpus']['held_out_documents']} texts)"
        )
    return "\n".join(lines)


def settings(texts: Sequence[str]) -> dict[str, Any]:
    """Fields out of ``FIELD=VALUE``; ``lora.rank=8`` sets a field of a mapping.

    Raises:
        ModPluralError: If there is no ``=``, or the value is no YAML.
    """
    found: dict[str, Any] = {}
    for name, value in map(_setting, texts):
        both = isinstance(value, dict) and isinstance(found.get(name), dict)
        found[name] = {**found[name], **value} if both else value
    return found


def _setting(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise ModPluralError(f"--set {text!r}: expected FIELD=VALUE, for example --set epochs=3.")
    try:
        loaded = yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise ModPluralError(f"--set {text!r}: the value cannot be read as YAML.") from error
    first, *inner = name.strip().split(".")
    for part in reversed(inner):
        loaded = {part: loaded}
    return first, loaded


app.command("card")(community_publish.adapter_card)
app.command("push")(community_publish.adapter_push)
app.command("evaluate")(community_evaluate.evaluate)

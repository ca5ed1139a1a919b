"""Publish the modules: a Space of the Hub for each, from which ``evaluate.load("OWNER/NAME")`` takes its script.

All modules have the same script: it asks the installed package for the class of its name, so that a metric is written
once. The script names the package in the form that ``evaluate`` reads, which says so where the package is missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

from plural_tasks import __version__
from plural_tasks.evaluate_modules.modules import CITATION, INPUTS, MODULES, MetricModule, find
from plural_tasks.utils.errors import ModPluralError
from plural_tasks.utils.files import write_text
from plural_tasks.utils.hub import Pushed, RemoteRepository, check_repo_id, push_files

_TEMPLATES = Path(__file__).resolve().parent / "templates"
_OF_THE_HUB = (".gitattributes", "style.css")
"""Files that a new Space has before anything is pushed to it, beside those that a push replaces."""


def module_files(name: str, owner: str) -> dict[str, str]:
    """Return what a module's repository holds.

    Args:
        name: One of `MODULES`.
        owner: User or organisation of the Hub, named in the usage of the card.

    Returns:
        Path in the repository -> text: the script, the card, the requirements and the page that the Space shows.

    Raises:
        ModPluralError: If no module is called so, or there can be no such repository.
    """
    module = find(name)
    repo_id = f"{owner}/{name}"
    check_repo_id(repo_id)
    return {
        f"{name}.py": _render("script.py.jinja", module, repo_id),
        "README.md": _render("card.md.jinja", module, repo_id),
        "requirements.txt": f"modplural>={__version__}\n",
        "index.html": _render("index.html.jinja", module, repo_id),
    }


def write_modules(folder: Path, owner: str, names: Iterable[str] = MODULES) -> list[Path]:
    """Write modules to a folder, as they would be pushed; ``evaluate.load`` takes each of the folders that are made.

    Args:
        folder: Gets a folder of each module's name; files there are replaced.
        owner: User or organisation that the cards name.
        names: Some of `MODULES`.

    Raises:
        ModPluralError: If there is no such module, or a file cannot be written.
    """
    made = {name: module_files(name, owner) for name in names}
    for name, files in made.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        for path, text in files.items():
            write_text(folder / name / path, text)
    return [folder / name for name in made]


def push_modules(
    owner: str,
    names: Iterable[str] = MODULES,
    *,
    private: bool = False,
    pull_request: bool = False,
    token: str | None = None,
) -> dict[str, Pushed]:
    """Push modules to the Hub, each to the Space ``owner/name``, in one commit each.

    Args:
        owner: User or organisation of the Hub.
        names: Some of `MODULES`.
        private: A Space that is created is private; one that exists must be.
        pull_request: Offer each commit as a pull request.
        token: A token of the Hub; by default that of ``hf auth login`` or ``HF_TOKEN``.

    Returns:
        Name -> what was done.

    Raises:
        ModPluralError: If there is no such module, a Space holds files that no such push made, or one of the reasons
            of `plural_tasks.utils.hub.push_files`; modules before it are then pushed.
    """
    made = {name: module_files(name, owner) for name in names}
    return {
        name: push_files(
            f"{owner}/{name}",
            {path: text.encode() for path, text in files.items()},
            message="Metric module of modplural",
            private=private,
            pull_request=pull_request,
            token=token,
            stale=partial(_outdated, f"{owner}/{name}"),
            kind="space",
        )
        for name, files in made.items()
    }


def _outdated(repo_id: str, files: Mapping[str, bytes | Path], remote: RemoteRepository) -> Sequence[str]:
    foreign = sorted({*remote.files} - {*files, *_OF_THE_HUB})
    if foreign:
        raise ModPluralError(
            f"{repo_id}: holds files that `modplural data push-metrics` did not put there ({foreign[0]}); push to "
            "another owner, or delete them."
        )
    return [path for path in remote.files if path == "style.css"]


def _render(template: str, module: MetricModule, repo_id: str) -> str:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        undefined=jinja2.StrictUndefined,
        autoescape=template.endswith(".html.jinja"),
        keep_trailing_newline=True,
        trim_blocks=True,
    )
    example = ", ".join(f"{name}={value!r}" for name, value in module.example.items())
    result = {name: round(value, 4) for name, value in module.compute(**module.example).items()}
    return environment.get_template(template).render(
        module=module,
        repo_id=repo_id,
        inputs=INPUTS[module.inputs].strip(),
        example=example,
        result=result,
        citation=CITATION.strip(),
    )

"""``modplural community card|push`` and ``modplural pool card|push``: publish adapters and pools on the Hub."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from community_lms.pools.pool import load_pool
from community_lms.publishing import cards
from community_lms.publishing.adapter import Files, add_to_collection, published_adapter, push_adapter
from community_lms.publishing.adapter_folder import README, Adapter, left_out, read_adapter, sha256
from community_lms.publishing.pool import NAMES, TO_COME, PoolPlan, pinned_pool, plan_pool, pool_files, push_pool
from plural_tasks.utils.errors import ModPluralError
from plural_tasks.utils.files import write_text
from plural_tasks.utils.hub import Pushed, check_repo_id

console = Console()

FolderArgument = Annotated[Path, typer.Argument(help="An adapter made by `modplural community train`, or by peft.")]
PoolArgument = Annotated[str, typer.Argument(help="A preset, a file, or several joined by +.")]
RepoArgument = Annotated[str, typer.Argument(help="owner/name on the Hub; made if it does not exist.")]
RepoOption = Annotated[str, typer.Option("--repo", help="owner/name that the card tells people to load.")]
BackboneOption = Annotated[
    str | None, typer.Option("--backbone", help="Repository of the model under the adapter, if it lay on your disk.")
]
LanguageOption = Annotated[
    list[str] | None, typer.Option("--language", help="Code of a language that is spoken (en); may be repeated.")
]
NamesOption = Annotated[str, typer.Option("--names", help="Repositories of adapters that lie on your disk.")]
PrivateOption = Annotated[bool, typer.Option("--private", help="Make it private; one that exists must be.")]
DryOption = Annotated[bool, typer.Option("--dry-run", help="List every file that would be sent; send nothing.")]
TagOption = Annotated[str | None, typer.Option("--tag", help="Name for this version, such as v1; tags never move.")]
CollectionOption = Annotated[
    str | None, typer.Option("--collection", help="owner/Title of a collection to put it into; made if need be.")
]


def adapter_card(
    folder: FolderArgument,
    repo: RepoOption = cards.PLACEHOLDER,
    backbone: BackboneOption = None,
    language: LanguageOption = None,
    write: Annotated[bool, typer.Option("--write", help="Write it to the folder's README.md, to be edited.")] = False,
) -> None:
    """Make an adapter's model card from its records, and print it or write it."""
    check_repo_id(repo)
    text = cards.adapter_card(read_adapter(folder, backbone=backbone), repo, language or ())
    if not write:
        print(text, end="")
        return
    write_text(folder / README, text)
    _say(f"{folder / README} written; `modplural community push` sends it as it is.")


def adapter_push(
    folder: FolderArgument,
    repo: RepoArgument,
    backbone: BackboneOption = None,
    language: LanguageOption = None,
    private: PrivateOption = False,
    dry_run: DryOption = False,
    tag: TagOption = None,
    collection: CollectionOption = None,
    pull_request: Annotated[bool, typer.Option("--pull-request", help="Offer it as a pull request.")] = False,
) -> None:
    """Check an adapter and push it to the Hub in one commit; repeat it if it was cut off."""
    adapter = read_adapter(folder, backbone=backbone)
    if dry_run:
        _list(repo, published_adapter(adapter, repo, language or ()))
        _list_left_out({repo: adapter})
        _say("Nothing was sent.")
        return
    done = push_adapter(adapter, repo, languages=language or (), private=private, pull_request=pull_request, tag=tag)
    _report(repo, done)
    _collect(collection, [repo], private)
    if not done.pull_request:
        _say(f"In a pool file: adapter: {{path: {repo}, revision: {done.revision}}}")


def pool_card(
    pool: PoolArgument,
    repo: RepoOption = cards.PLACEHOLDER,
    names: NamesOption = NAMES,
    language: LanguageOption = None,
) -> None:
    """Print a pool's card."""
    check_repo_id(repo)
    print(cards.pool_card(plan_pool(load_pool(pool), repo, names=names).pool, repo, language or ()), end="")


def pool_push(
    pool: PoolArgument,
    repo: RepoArgument,
    names: NamesOption = NAMES,
    adapter: Annotated[
        list[str] | None,
        typer.Option("--adapter", help="community=owner/name, where --names does not suit; may be repeated."),
    ] = None,
    language: LanguageOption = None,
    private: PrivateOption = False,
    dry_run: DryOption = False,
    tag: TagOption = None,
    collection: CollectionOption = None,
) -> None:
    """Push a pool: first its local adapters, then a manifest that pins every member; repeat it if it was cut off."""
    plan = plan_pool(load_pool(pool), repo, names=names, given=_pairs(adapter or []), languages=language or ())
    if dry_run:
        _list_pool(plan)
        return
    done = push_pool(plan, private=private, tag=tag, report=_report)
    _collect(collection, list(done), private)
    _say(f"Load it with pool={repo}@{tag or done[repo].revision}")


def _list_pool(plan: PoolPlan) -> None:
    for target, adapter in plan.adapters.items():
        _list(target, published_adapter(adapter, target, plan.languages))
    pinned, loose = pinned_pool(plan)
    _list(plan.repo_id, pool_files(plan, pinned))
    if plan.adapters:
        _say(f"  there {TO_COME[:8]}… stands for the commit of an adapter that is still to be pushed.")
    _list_left_out(plan.adapters)
    for name, why in loose.items():
        _say(f"Cannot be pinned now, and would stop the push: {name} ({why})")
    _say("Nothing was sent.")


def _list(repo_id: str, files: Files) -> None:
    sizes = {path: len(file) if isinstance(file, bytes) else file.stat().st_size for path, file in files.items()}
    for path, file in files.items():
        _say(f"{sizes[path]:>12,} bytes  {sha256(file)}  {path}")
    _say(f"{len(sizes)} files, {sum(sizes.values()):,} bytes would go to {repo_id}.")


def _list_left_out(adapters: Mapping[str, Adapter]) -> None:
    for adapter in adapters.values():
        for name, why in left_out(adapter.folder).items():
            _say(f"Left out: {adapter.folder}/{name} ({why})")


def _report(repo_id: str, done: Pushed) -> None:
    if not done.changed:
        _say(f"{repo_id} holds exactly this already; nothing to upload.")
        return
    _say(f"{'Offered as' if done.pull_request else 'Pushed:'} {done.url}")


def _collect(collection: str | None, repo_ids: list[str], private: bool) -> None:
    if collection:
        _say(f"In the collection {add_to_collection(collection, repo_ids, private=private)}")


def _pairs(given: list[str]) -> dict[str, str]:
    pairs = {}
    for text in given:
        name, sign, repo_id = (part.strip() for part in text.partition("="))
        if not (name and sign and repo_id):
            raise ModPluralError(f"--adapter {text!r}: expected community=owner/name.")
        pairs[name] = repo_id
    return pairs


def _say(text: str) -> None:
    console.print(text, soft_wrap=True, highlight=False, markup=False)

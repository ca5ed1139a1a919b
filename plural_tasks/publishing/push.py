"""Push a built data set to the Hub: what goes, what may go, and what is out of date there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from plural_tasks.publishing import cards
from plural_tasks.publishing.manifest import MANIFEST, Manifest, read_manifest
from plural_tasks.publishing.validate import check_folder
from plural_tasks.sources import SOURCES
from plural_tasks.utils.errors import ModPluralError
from plural_tasks.utils.hub import Pushed, RemoteRepository, check_repo_id, push_files


def dataset_files(folder: Path, repo_id: str, *, digests_only: bool = False) -> dict[str, bytes | Path]:
    """Return what a push of a built data set would send, after all checks that need no network.

    Args:
        folder: Made by `plural_tasks.publishing.write.build`.
        repo_id: ``owner/name``; the data card names it.
        digests_only: Send the data card and the manifest, not the rows.

    Returns:
        Path in the repository -> content, or the file that has it.

    Raises:
        ModPluralError: If ``repo_id`` is not ``owner/name``, or the folder does not pass
            `plural_tasks.publishing.validate.check_folder` or, unless only digests go, holds a source whose licence
            forbids to publish it.
    """
    check_repo_id(repo_id)
    manifest = read_manifest(folder)
    if not digests_only:
        _refuse_forbidden(manifest)
    if fatal := check_folder(folder).fatal:
        raise ModPluralError(
            f"{folder}: is not fit to be pushed, {len(fatal)} problem{'s' * (len(fatal) > 1)}; the first: {fatal[0]} "
            f"(modplural data validate {folder})"
        )
    if digests_only:
        card = cards.render_card(manifest, repo_id=repo_id, rows=False)
        return {cards.README: card.encode(), MANIFEST: folder / MANIFEST}
    card = (folder / cards.README).read_text(encoding="utf-8").replace(cards.PLACEHOLDER, repo_id)
    return {
        cards.README: card.encode(),
        MANIFEST: folder / MANIFEST,
        **{file: folder / file for file in manifest.files},
    }


def push_dataset(
    folder: Path,
    repo_id: str,
    *,
    private: bool = False,
    pull_request: bool = False,
    digests_only: bool = False,
    token: str | None = None,
) -> Pushed:
    """Push a built data set; files that an earlier push put there and this one lacks are deleted in the same commit.

    Args:
        folder: Made by `plural_tasks.publishing.write.build`.
        repo_id: ``owner/name``, made if need be.
        private: A repository that is created is private; one that exists must be.
        pull_request: Offer the version as a pull request.
        digests_only: Push the data card and the manifest, not the rows.
        token: A token of the Hub; by default that of ``hf auth login`` or ``HF_TOKEN``.

    Raises:
        ModPluralError: For the reasons of `dataset_files` and `plural_tasks.utils.hub.push_files`; or the repository
            holds files that no such push made.
    """
    files = dataset_files(folder, repo_id, digests_only=digests_only)
    return push_files(
        repo_id,
        files,
        message=f"{'Digests' if digests_only else 'Data set'} built by modplural",
        private=private,
        pull_request=pull_request,
        token=token,
        stale=lambda new, remote: _outdated(repo_id, new, remote),
    )


def _refuse_forbidden(manifest: Manifest) -> None:
    """Refuse what may not be published, by the manifest or, should somebody have edited it, by the registry."""
    for name, source in manifest.sources.items():
        if not source.redistribute or (name in SOURCES and not SOURCES[name].redistribute):
            licence = SOURCES.get(name, source).licence or "not stated"
            raise ModPluralError(
                f"{name}: its licence does not let modplural publish its items ({licence}). The loader is part of "
                "modplural; publish the data card and the digests with --digests-only, or build without this source."
            )


def _outdated(repo_id: str, files: Mapping[str, bytes | Path], remote: RemoteRepository) -> list[str]:
    if MANIFEST in remote.files:
        try:
            old = Manifest.model_validate_json(remote.read(MANIFEST)).files
            return [path for path in old if path in remote.files and path not in files]
        except ValidationError:
            pass
    foreign = sorted({*remote.files} - {".gitattributes", cards.README})
    if foreign:
        raise ModPluralError(
            f"{repo_id}: holds files that `modplural data push` did not put there ({foreign[0]}); push to another name."
        )
    return []

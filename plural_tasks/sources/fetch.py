"""Fetch the public copy of a source: from its pinned address, or from the Hugging Face Hub."""

from __future__ import annotations

import hashlib
from pathlib import Path, PurePosixPath

from plural_tasks.sources.base import Source
from plural_tasks.utils.errors import ModPluralError, one_line

DATA_VARIABLE = "MODPLURAL_DATA"


def fetch(source: Source) -> Path:
    """Return the local copy of a source's public file, or of the folder of its files; fetched once.

    Raises:
        ModPluralError: When it cannot be fetched; says what to do.
    """
    if source.hub_dataset:
        return _from_hub(source)
    if source.url is None:
        raise ModPluralError(f"{source.name}: {source.by_hand} {_point_at(source)}")
    return fetch_from(source, source.url, source.sha256)


def fetch_from(source: Source, folder: str, sha256: str | None = None) -> Path:
    """Return the local copy of a source's file, or of all its files, below the address ``folder``.

    Raises:
        ModPluralError: When it cannot be fetched, has another digest, or the source has no list of files.
    """
    folder = folder.rstrip("/")
    if source.by_hand:
        raise ModPluralError(f"{source.name}: is read from a local folder only, found {folder}. {source.by_hand}")
    if not source.files:
        return _download(source, f"{folder}/{source.filename}", sha256)
    kept = f"{source.name}-{hashlib.sha256(folder.encode()).hexdigest()[:12]}"
    paths = [_download(source, f"{folder}/{name}", None, kept, name) for name in source.files]
    return _folder_of(paths[0], source.files[0])


def _download(source: Source, address: str, sha256: str | None, kept: str = "", name: str | None = None) -> Path:
    import pooch
    from platformdirs import user_cache_path

    inner = PurePosixPath(name).parent if name else PurePosixPath()
    try:
        fetched = pooch.retrieve(
            address,
            known_hash=f"sha256:{sha256}" if sha256 else None,
            path=user_cache_path("modplural") / "data" / kept / inner,
            fname=PurePosixPath(name).name if name else None,
            downloader=pooch.HTTPDownloader(timeout=60),
        )
    except (OSError, ValueError) as error:
        raise ModPluralError(
            f"{source.name}: {address} cannot be fetched ({one_line(error)[:200]}). Fetch "
            f"{name or source.filename} by other means and {_point_at(source, start='give')}"
        ) from error
    return Path(fetched)


def _from_hub(source: Source) -> Path:
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import GatedRepoError

    page = f"https://huggingface.co/datasets/{source.hub_dataset}"
    names = source.files or (source.filename,)
    try:
        paths = [
            Path(hf_hub_download(source.hub_dataset, name, repo_type="dataset", revision=source.revision))
            for name in names
        ]
    except GatedRepoError as error:
        raise ModPluralError(
            f"{source.name}: {page} is gated ({source.licence}). Accept its terms there and run `hf auth login`, or "
            f"{_point_at(source, start='give')}"
        ) from error
    except Exception as error:  # the client's errors, and those of the HTTP library under it, have no common base
        raise ModPluralError(
            f"{source.name}: {', '.join(names)} of {page} cannot be fetched ({one_line(error)[:200]}). Fetch it by "
            f"other means and {_point_at(source, start='give')}"
        ) from error
    return _folder_of(paths[0], names[0]) if source.files else paths[0]


def _point_at(source: Source, start: str = "Give") -> str:
    copy = "the path of the folder that holds it" if source.files or source.by_hand else "its path"
    return (
        f"{start} {copy} as plural_data (--metadata plural_data=PATH in lm_eval, --data PATH in modplural data) or "
        f"{DATA_VARIABLE}."
    )


def _folder_of(path: Path, name: str) -> Path:
    """The folder in which ``name`` has this path."""
    return path.parents[len(PurePosixPath(name).parts) - 1]

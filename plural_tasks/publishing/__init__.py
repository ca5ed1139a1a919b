"""Data sets made of sources: build them, check them, read them back."""

from plural_tasks.publishing.checks import CheckReport, ItemCount, Problem, check_items
from plural_tasks.publishing.load import load_items, load_manifest
from plural_tasks.publishing.manifest import MANIFEST, Manifest, SourceEntry, SplitEntry, read_manifest
from plural_tasks.publishing.push import dataset_files, push_dataset
from plural_tasks.publishing.rows import FIELDS, digest, features, from_row, to_row
from plural_tasks.publishing.validate import check_file, check_folder, check_source
from plural_tasks.publishing.write import build, match_sources, to_dataset_dict, to_splits

__all__ = [
    "FIELDS",
    "MANIFEST",
    "CheckReport",
    "ItemCount",
    "Manifest",
    "Problem",
    "SourceEntry",
    "SplitEntry",
    "build",
    "check_file",
    "check_folder",
    "check_items",
    "check_source",
    "dataset_files",
    "digest",
    "features",
    "from_row",
    "load_items",
    "load_manifest",
    "match_sources",
    "push_dataset",
    "read_manifest",
    "to_dataset_dict",
    "to_row",
    "to_splits",
]

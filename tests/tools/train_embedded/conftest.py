"""All corpora, made once."""

import pytest

from plural_tasks.utils.checked import read_yaml
from tools.train_embedded.corpora import Record, community_records, shared_records
from tools.train_embedded.pools import voices
from tools.train_embedded.reader import brief_records, pick_records, reader_records

Records = dict[str, list[Record]]


@pytest.fixture(scope="session")
def records() -> Records:
    """The corpora of the recipe, by name."""
    from tools.train_embedded.__main__ import RECIPE

    recipe = read_yaml(RECIPE)
    seed = recipe["seed"]
    return {
        **{voice.name: community_records(voice, seed) for voice in voices()},
        "shared": shared_records(seed),
        "reader": reader_records(recipe["reader_examples"], seed),
        "brief": brief_records(recipe["brief_examples"], seed),
        "pick": pick_records(recipe["pick_examples"], seed),
    }

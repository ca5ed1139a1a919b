"""The harness's command line is read as the harness reads it."""

import sys

import pytest

from model_wrappers.runs.harness import harness_config, models_of, names_model
from plural_tasks.utils.errors import ModPluralError


def test_the_harness_reads_its_own_arguments() -> None:
    before = list(sys.argv)
    config = harness_config(["--tasks", "a,b", "--model_args", "x=1,y=two", "--model_args", "x=3", "--limit", "4"])
    assert config.model_args == {"x": 3, "y": "two"}
    assert (config.limit, sys.argv) == (4, before)


@pytest.mark.parametrize(
    ("given", "models", "named"),
    [
        (["--tasks", "a"], [], False),
        (["--model", "hf", "--tasks", "a"], ["hf"], True),
        (["--model=hf", "-M", "vllm"], ["hf", "vllm"], True),
        (["--tasks", "a", "--model"], [""], True),
        (["--config", "run.yaml"], [], True),
        (["--model_args", "model=hf"], [], False),
    ],
)
def test_models_are_found_among_arguments(given: list[str], models: list[str], named: bool) -> None:
    assert (models_of(given), names_model(given)) == (models, named)


def test_an_unknown_option_names_the_nearest() -> None:
    with pytest.raises(ModPluralError, match=r"unknown option --limti\. Did you mean --limit\?"):
        harness_config(["--tasks", "a", "--limti", "4"])

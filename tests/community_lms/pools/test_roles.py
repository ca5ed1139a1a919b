"""Members that are no community: in pools, fingerprints and weights."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from community_lms.pools.identity import fingerprint
from community_lms.pools.pool import load_pool, select, weigh
from community_lms.pools.spec import ROLES, Community, Pool
from plural_tasks.utils.checked import parse
from plural_tasks.utils.errors import ModPluralError

POOL = """
name: town
backbone: org/model
communities:
  - {name: left, description: the left bank, persona: You live left.}
  - {name: facts, description: an almanac, role: knowledge, checkpoint: org/facts}
  - {name: right, description: the right bank, adapter: org/right, prior_weight: 3}
  - {name: guard, description: a warden, role: safety, endpoint: {backend: local-completions, args: {model: m}}}
"""


def refusal(function: Callable[..., Any], *args: Any, **named: Any) -> str:
    with pytest.raises(ModPluralError) as caught:
        function(*args, **named)
    return str(caught.value)


@pytest.fixture
def town(tmp_path: Path) -> Pool:
    path = tmp_path / "town.yaml"
    path.write_text(POOL)
    return load_pool(str(path))


def test_the_pool_tells_communities_and_modules_apart(town: Pool) -> None:
    assert ROLES == ("community", "knowledge", "safety")
    assert [member.name for member in town.community_members] == ["left", "right"]
    assert town.modules == {"facts": "knowledge", "guard": "safety"}
    assert town.names == ("left", "facts", "right", "guard")


def test_weights_are_of_communities_alone(town: Pool) -> None:
    assert weigh(town, None) == {"left": 1 / 4, "right": 3 / 4}
    assert weigh(town, "1+1") == {"left": 1 / 2, "right": 1 / 2}
    assert weigh(town, {"left": 3}) == {"left": 3 / 6, "right": 3 / 6}
    assert refusal(weigh, town, "facts:2") == (
        "weights: 'facts' is a knowledge module, which has no view to be weighed; expected weights of left, right."
    )
    assert refusal(weigh, town, "1+1+1+1") == "weights: found 4, expected 2, one for each of left, right."


def test_a_module_has_no_prior_weight() -> None:
    data = {"name": "facts", "description": "d", "persona": "p", "role": "safety", "prior_weight": 2}
    assert refusal(parse, Community, data, where="x") == (
        "x: community 'facts' is a safety module, which gets no weight; take out 'prior_weight'."
    )


def test_an_unknown_role() -> None:
    data = {"name": "facts", "description": "d", "persona": "p", "role": "expert"}
    assert refusal(parse, Community, data, where="x").startswith("x: field 'role': Input should be 'community', ")


def test_a_pool_of_modules_alone_is_refused(town: Pool, tmp_path: Path) -> None:
    path = tmp_path / "facts.yaml"
    path.write_text("name: facts\ncommunities: [{name: f, description: d, role: knowledge, checkpoint: a/b}]\n")
    text = "has modules only (f (knowledge)); a pool needs at least one community."
    assert refusal(load_pool, str(path)) == f"pool {str(path)!r}: {text}"
    assert refusal(select, town, "facts+guard") == (
        "communities: has modules only (facts (knowledge), guard (safety)); a pool needs at least one community."
    )
    joined = load_pool(f"asia_culture+{path}")  # but it may be added to a community
    assert joined.modules == {"f": "knowledge"}
    assert refusal(load_pool, f"asia_culture+{path}-asia_culture").endswith(text)


def test_fingerprints_of_pools_without_modules_are_those_of_earlier_releases() -> None:
    assert fingerprint(load_pool("perspective")) == "ed81316d15aeaa2d38b84909ce48b86ccf9df4abb2d849751f977ca408de927e"


def test_the_role_is_part_of_the_fingerprint(town: Pool) -> None:
    def with_role(role: str) -> str:
        members = [
            member.model_copy(update={"role": role}) if member.name == "facts" else member
            for member in town.communities
        ]
        return fingerprint(town.model_copy(update={"communities": tuple(members)}))

    assert with_role("knowledge") == fingerprint(town)
    assert len({with_role(role) for role in ROLES}) == 3

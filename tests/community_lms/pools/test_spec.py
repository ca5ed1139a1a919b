import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError

from community_lms.messages.message import MessageRequest
from community_lms.pools.identity import fingerprint
from community_lms.pools.spec import KINDS, Community, Decoding, Pool, Weights, canonical, digest
from plural_tasks.utils.checked import parse
from plural_tasks.utils.errors import ModPluralError

Make = Callable[..., Community]
Ask = Callable[..., MessageRequest]


def refusal(model: Any, data: dict[str, Any]) -> str:
    with pytest.raises(ModPluralError) as caught:
        parse(model, data, where="x")
    return str(caught.value)


KIND_FIELDS: dict[str, Any] = {
    "adapter": "some/adapter",
    "checkpoint": "some/model",
    "endpoint": {"backend": "local-completions", "args": {"model": "m"}},
    "persona": "You are one of them.",
}
BARE = {"name": "left", "description": "people of the left"}


def test_canonical_json_does_not_depend_on_the_order_of_keys() -> None:
    assert canonical({"b": [1, 2.5, None], "a": "ä"}) == '{"a":"ä","b":[1,2.5,null]}'
    assert canonical({"a": "ä", "b": [1, 2.5, None]}) == canonical({"b": [1, 2.5, None], "a": "ä"})


def test_digest_is_the_sha256_of_the_canonical_json() -> None:
    assert digest({"b": 1, "a": "ä"}) == hashlib.sha256('{"a":"ä","b":1}'.encode()).hexdigest()


def test_decoding_defaults_are_the_published_ones() -> None:
    assert Decoding().model_dump() == {"temperature": 1.0, "top_p": 0.9, "max_new_tokens": 200}


@pytest.mark.parametrize(
    "wrong",
    [
        {"temperature": -0.1},
        {"temperature": 10.1},
        {"temperature": float("nan")},
        {"top_p": 0.0},
        {"top_p": 1.1},
        {"max_new_tokens": 0},
        {"max_new_tokens": 8193},
        {"max_new_tokens": 1.5},
    ],
)
def test_decoding_out_of_range_names_the_field(wrong: dict[str, Any]) -> None:
    (field,) = wrong

    assert refusal(Decoding, wrong).startswith(f"x: field {field!r}: Input should be ")


def test_the_kinds_are_four() -> None:
    assert KINDS == ("adapter", "checkpoint", "endpoint", "persona")
    assert set(KIND_FIELDS) == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_makes_a_community(kind: str) -> None:
    member = Community.model_validate(BARE | {kind: KIND_FIELDS[kind]})

    assert member.kind == kind
    assert (member.licence, member.corpus, member.prior_weight) == ("", "", 1.0)


def test_a_community_needs_exactly_one_kind() -> None:
    assert refusal(Community, BARE) == (
        "x: community 'left' needs exactly one of adapter, checkpoint, endpoint, persona; found none."
    )
    assert refusal(Community, BARE | {"adapter": "a/b", "persona": "p"}).endswith("; found adapter and persona.")


def test_weights_have_a_short_form() -> None:
    short = Community.model_validate(BARE | {"adapter": "a/b", "backbone": "c/d"})
    long = Community.model_validate(BARE | {"adapter": {"path": "a/b", "revision": None}, "backbone": {"path": "c/d"}})

    assert short == long
    assert short.adapter == Weights(path="a/b")


def test_weights_may_name_a_revision() -> None:
    member = Community.model_validate(BARE | {"checkpoint": {"path": "a/b", "revision": "abc"}})

    assert member.checkpoint == Weights(path="a/b", revision="abc")


def test_an_unknown_field_of_the_weights_names_the_nearest() -> None:
    assert refusal(Community, BARE | {"checkpoint": {"path": "a/b", "revison": "abc"}}) == (
        "x: unknown field 'checkpoint.revison'. Did you mean 'revision'?"
    )


@pytest.mark.parametrize("name", ["", " ", "-left", ".left", "a b", "a+b", "a/b", "a:b", "ü"])
def test_names_that_cannot_stand_in_an_option_or_a_file_name(name: str) -> None:
    assert "field 'name'" in refusal(Community, BARE | {"name": name, "persona": "p"})


@pytest.mark.parametrize("name", ["left", "news_left", "a-b.c", "7b", "L"])
def test_names_that_can(name: str) -> None:
    assert Community.model_validate(BARE | {"name": name, "persona": "p"}).name == name


@pytest.mark.parametrize("weight", [0, -1, "heavy", float("nan")])
def test_a_prior_weight_is_a_positive_number(weight: object) -> None:
    assert "field 'prior_weight'" in refusal(Community, BARE | {"persona": "p", "prior_weight": weight})


def test_a_community_is_frozen(community: Make) -> None:
    with pytest.raises(ValidationError, match="frozen"):
        community().name = "right"  # type: ignore[misc]


def pool_of(*members: Any, **changes: Any) -> dict[str, Any]:
    return {"name": "mine", "communities": list(members)} | changes


def test_a_pool_needs_a_community() -> None:
    assert refusal(Pool, pool_of()) == "x: the pool is empty, expected at least one community."


def test_a_pool_names_each_community_once(community: Make) -> None:
    assert refusal(Pool, pool_of(community("a"), community("b"), community("a"))) == (
        "x: community 'a' is listed twice."
    )


@pytest.mark.parametrize("kind", ["adapter", "persona"])
def test_an_adapter_and_a_persona_need_a_backbone(kind: str) -> None:
    member = BARE | {kind: KIND_FIELDS[kind]}

    assert refusal(Pool, pool_of(member)) == (
        f"x: community 'left' has the {kind} but no backbone to put it on; give the pool or the community a 'backbone'."
    )
    assert Pool.model_validate(pool_of(member, backbone="a/b")).names == ("left",)
    assert Pool.model_validate(pool_of(member | {"backbone": "a/b"})).names == ("left",)


@pytest.mark.parametrize("kind", ["checkpoint", "endpoint"])
def test_a_checkpoint_and_an_endpoint_need_none(kind: str) -> None:
    pool = Pool.model_validate(pool_of(BARE | {kind: KIND_FIELDS[kind]}, backbone="a/b"))

    assert pool.resolved().communities[0].backbone is None


def test_resolved_gives_the_default_backbone_to_those_without_one(community: Make) -> None:
    pool = Pool.model_validate(
        pool_of(community("own", backbone="own/model"), BARE | {"persona": "p"}, backbone="default/model")
    )

    backbones = [member.backbone for member in pool.resolved().communities]
    assert backbones == [Weights(path="own/model"), Weights(path="default/model")]
    assert pool.resolved().resolved() == pool.resolved()


BASE = pool_of(
    BARE | {"adapter": "a/left", "licence": "MIT", "corpus": "news"},
    {"name": "right", "description": "people of the right", "persona": "You are right."},
    backbone="some/backbone",
    description="two",
)


def changed(member: int | None, **changes: Any) -> str:
    data = json.loads(json.dumps(BASE))
    (data if member is None else data["communities"][member]).update(changes)
    return fingerprint(Pool.model_validate(data))


@pytest.mark.parametrize(
    ("member", "changes"),
    [
        (0, {"adapter": "a/other"}),
        (0, {"adapter": {"path": "a/left", "revision": "abc"}}),
        (0, {"backbone": "own/backbone"}),
        (0, {"name": "left2"}),
        (0, {"description": "others of the left"}),
        (0, {"prior_weight": 2.0}),
        (1, {"persona": "You are far right."}),
        (None, {"backbone": "other/backbone"}),
        (None, {"decoding": {"temperature": 0.5}}),
        (None, {"decoding": {"top_p": 0.8}}),
        (None, {"decoding": {"max_new_tokens": 201}}),
    ],
)
def test_the_fingerprint_changes_with_what_can_change_an_answer(member: int | None, changes: dict[str, Any]) -> None:
    assert changed(member, **changes) != changed(None)


@pytest.mark.parametrize(
    ("member", "changes"),
    [
        (0, {"licence": "unknown"}),
        (0, {"corpus": "older news"}),
        (0, {"backbone": "some/backbone"}),
        (0, {"prior_weight": 1.0}),
        (None, {"name": "another"}),
        (None, {"description": "a pair"}),
        (None, {"decoding": {"temperature": 1.0}}),
    ],
)
def test_the_fingerprint_stays_with_what_cannot(member: int | None, changes: dict[str, Any]) -> None:
    assert changed(member, **changes) == changed(None)


def test_the_fingerprint_depends_on_the_order_of_communities() -> None:
    reverse = BASE | {"communities": BASE["communities"][::-1]}

    assert fingerprint(Pool.model_validate(reverse)) != changed(None)


@pytest.mark.parametrize(
    "changes",
    [
        {"engine": "peft"},
        {"identity": {"backbone": {"repo": "some/backbone", "revision": "v2"}}},
        {"turns": (("user", "why?"),)},
        {"decoding": Decoding(temperature=0.5)},
        {"seed": 2},
        {"sample": 1},
    ],
)
def test_the_key_of_a_message_changes_with_what_decides_it(request_for: Ask, changes: dict[str, Any]) -> None:
    assert request_for(**changes).key != request_for().key


def test_the_key_of_a_message_does_not_change_with_the_name_of_the_community(request_for: Ask, community: Make) -> None:
    turns = (("user", "why?"),)

    assert (
        request_for(community=community("a"), turns=turns).key == request_for(community=community("b"), turns=turns).key
    )


def test_the_key_is_the_digest_of_the_request(request_for: Ask) -> None:
    request = request_for("why?", turns=(("user", "why?"),), seed=3, sample=2)

    assert request.key == digest(
        {
            "engine": "scripted",
            "identity": {"backbone": {"repo": "some/backbone", "revision": "main"}},
            "turns": [["user", "why?"]],
            "decoding": {"temperature": 1.0, "top_p": 0.9, "max_new_tokens": 200},
            "seed": 3,
            "sample": 2,
        }
    )


def test_the_length_of_a_request_counts_the_characters_of_its_turns(request_for: Ask) -> None:
    assert request_for(turns=(("system", "four"), ("user", "seven77"))).length == 11

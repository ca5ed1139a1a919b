import pytest

from community_lms.generation.probe import probe
from community_lms.generation.request import message_request
from community_lms.messages.message import MessageRequest
from community_lms.pools.spec import Community, Decoding
from plural_tasks.utils.errors import ModPluralError

PLAIN = Community(name="left", description="Reads left-leaning news.", adapter="org/left", backbone="org/base")
PERSONA = Community(name="nurse", description="A nurse.", persona="You are a nurse.", backbone="org/base")


def request(community: Community, engine: str = "peft", sample: int = 0) -> MessageRequest:
    return message_request(community, "Is it right?", engine=engine, decoding=Decoding(), seed=3, sample=sample)


@pytest.mark.parametrize(
    ("made", "key"),
    [
        (request(PLAIN), "d66df86fd5f9a965465872a8a07aca0df4108aa9d5824c01908662ab4c710cd8"),
        (request(PLAIN, sample=1), "eb55ad321608d8b1347a01e9e07ee76442984722040fb0c92e2210f62345783e"),
        (request(PERSONA), "7e4848ed4791f365cb4e60d00fab78520ee0e8689a5d8fbc272ab57d74e09e4f"),
        (request(PLAIN, "scripted"), "580e0d2b8365ef1c25aab4164acbf1b63a92372f6ea842f1895a7f9aac89f12d"),
        (request(PERSONA, "scripted"), "c8dc635808866b1cb60c7b34e801933ab26ed5d482e82b4f8b32d198b59abee9"),
        (probe(PLAIN, "peft"), "6b6f9e2780fb0f0275079a3d882867ffb5e46de817cdc53cded2ad11616b6408"),
        (probe(PERSONA, "peft"), "90741c24eeb57c4127043e5a3b00f7e7d7da46a230f80a998c5bf9cebac12a60"),
    ],
)
def test_keys_under_which_messages_lie_in_stores_stay(made: MessageRequest, key: str) -> None:
    assert made.key == key


def test_a_persona_stands_before_the_text() -> None:
    assert request(PLAIN).turns == (("user", "Is it right?"),)
    assert request(PERSONA).turns == (("system", "You are a nurse."), ("user", "Is it right?"))


def test_a_script_knows_communities_by_name() -> None:
    assert request(PLAIN, "scripted").identity == {"name": "left", "description": "Reads left-leaning news."}
    assert probe(PLAIN, "scripted").identity == request(PLAIN, "scripted").identity


def test_the_engine_is_resolved() -> None:
    served = Community(name="far", description="Far away.", endpoint={"backend": "dummy"})
    assert request(served, "auto").engine == "backend"
    with pytest.raises(ModPluralError, match="message engine"):
        request(PLAIN, "steam")

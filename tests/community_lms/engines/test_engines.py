import inspect
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from community_lms.engines import AUTO, ENGINES, MessageEngine, engine_name, local_engine, make_engine
from community_lms.engines.scripted import ScriptedEngine
from community_lms.engines.warning import EngineWarning
from community_lms.messages.message import Message, MessageRequest
from community_lms.pools.spec import Community
from plural_tasks.utils.errors import ModPluralError

Ask = Callable[..., MessageRequest]
ROOT = Path(__file__).resolve().parents[3]
KIND_FIELDS: dict[str, Any] = {
    "adapter": {"adapter": "a/b", "backbone": "c/d"},
    "checkpoint": {"checkpoint": "a/b"},
    "endpoint": {"endpoint": {"backend": "local-completions"}},
    "persona": {"persona": "p", "backbone": "c/d"},
}


def member(kind: str) -> Community:
    return Community.model_validate({"name": "left", "description": "d", **KIND_FIELDS[kind]})


@pytest.mark.parametrize("name", ENGINES)
class TestEveryEngine:
    def test_is_called_by_its_key(self, name: str) -> None:
        assert make_engine(name).name == name

    def test_has_the_attributes_of_the_protocol(self, name: str) -> None:
        engine = make_engine(name, batch_size=7, device="cpu", dtype="float32")

        assert engine.batch_size == 7
        assert engine.warnings == []

    def test_has_the_methods_of_the_protocol(self, name: str) -> None:
        engine = make_engine(name)

        for method in ("speak", "close"):
            expected = inspect.signature(getattr(MessageEngine, method))
            assert [*expected.parameters][1:] == [*inspect.signature(getattr(engine, method)).parameters]

    def test_takes_the_options_of_the_protocol_by_name_only(self, name: str) -> None:
        options = inspect.signature(type(make_engine(name)).__init__).parameters

        for option in ("batch_size", "device", "dtype"):
            assert options[option].kind is inspect.Parameter.KEYWORD_ONLY
            assert options[option].default is not inspect.Parameter.empty

    def test_shares_no_warnings_with_another(self, name: str) -> None:
        make_engine(name).warnings.append(EngineWarning(None, "other", "mind the gap"))

        assert make_engine(name).warnings == []

    def test_may_be_closed_twice_before_it_spoke(self, name: str) -> None:
        engine = make_engine(name)
        engine.close()
        engine.close()


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("adapter", local_engine()), ("checkpoint", local_engine()), ("persona", local_engine()), ("endpoint", "backend")],
)
def test_auto_chooses_by_the_kind_of_the_community(kind: str, expected: str) -> None:
    assert AUTO == "auto"
    assert engine_name("auto", member(kind)) == expected


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("kind", KIND_FIELDS)
def test_a_named_engine_serves_every_kind(name: str, kind: str) -> None:
    assert engine_name(name, member(kind)) == name


def test_an_unknown_engine_names_the_nearest() -> None:
    with pytest.raises(ModPluralError) as caught:
        engine_name("pefd", member("adapter"))
    assert str(caught.value) == (
        "message_engine: unknown message engine 'pefd'. Did you mean 'peft'? "
        "Valid: auto, backend, openvino, peft, scripted, server, vllm."
    )


def test_naming_an_engine_loads_nothing_heavy() -> None:
    code = (
        "import sys, community_lms.generation.ask, community_lms.messages.exchange, community_lms.pools.identity\n"
        "import community_lms.pools.pool\n"
        "from community_lms.engines import engine_name, make_engine\n"
        "community_lms.pools.pool.load_pool('perspective')\n"
        "make_engine('scripted'), make_engine('backend')\n"
        "print(sorted({'torch', 'transformers', 'datasets', 'peft', 'lm_eval', 'numpy'} & set(sys.modules)))"
    )
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": path},
        check=False,
    )

    assert (done.stdout, done.stderr) == ("[]\n", "")


class TestScripted:
    def test_says_its_lines_in_order_and_records_who_asked(self, request_for: Ask) -> None:
        engine = ScriptedEngine(script={"left": ["one line", "two"], "right": ["three"]})
        a, b, c = request_for("a", "left"), request_for("b", "right"), request_for("c", "left")

        said = [*engine.speak([a, c]), *engine.speak([b])]
        # prompt tokens: a quarter of the characters of "You are left." + "a" = 14 and "You are right." + "b" = 15
        assert said == [
            Message("left", "one line", 3, 2),
            Message("left", "two", 3, 1),
            Message("right", "three", 3, 1),
        ]
        assert engine.calls == [a, c, b]

    def test_a_script_that_runs_out_is_an_error(self, request_for: Ask) -> None:
        engine = ScriptedEngine(script={"left": ["one"]})
        request = request_for("a")
        engine.speak([request])

        with pytest.raises(ModPluralError, match=r"^scripted engine: no line is left for community 'left'\.$"):
            engine.speak([request])

    def test_a_community_without_a_script_is_an_error(self, request_for: Ask) -> None:
        request = request_for("a", "right")

        with pytest.raises(ModPluralError, match="no line is left for community 'right'"):
            ScriptedEngine(script={"left": ["one"]}).speak([request])

    def test_a_script_is_not_used_up_for_another_engine(self, request_for: Ask) -> None:
        script = {"left": ["one"]}
        request = request_for("a")

        for _ in range(2):
            assert ScriptedEngine(script=script).speak([request])[0].text == "one"

    def test_without_a_script_the_key_decides(self, request_for: Ask) -> None:
        requests = [request_for(str(number)) for number in range(40)]
        together = ScriptedEngine().speak(requests)
        alone = [ScriptedEngine().speak([request])[0] for request in requests]

        assert together == alone
        assert len({message.text for message in together}) == 4
        assert all(message.text.startswith("Speaking for people of left: ") for message in together)

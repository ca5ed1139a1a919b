"""Knowledge and safety modules: told to the base LLM as background, never as a view."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
import yaml

from community_lms.engines.scripted import ScriptedEngine
from model_wrappers.cli.trace import print_record
from model_wrappers.collaboration.prompts import LATER, load_prompts
from plural_tasks.report.reading.facts import read_facts
from plural_tasks.utils.errors import ModPluralError
from tests.model_wrappers.helpers import doc, model, requests


@pytest.fixture(scope="session", autouse=True)
def _imports() -> None:
    global ScriptedLM, ModPluralLM
    from model_wrappers.base.scripted import ScriptedLM
    from model_wrappers.lm import ModPluralLM


POOL = """
name: town
backbone: embedded
communities:
  - {name: facts, description: an almanac, role: knowledge, checkpoint: org/facts}
  - {name: left, description: the left bank, persona: You live on the left bank.}
  - {name: guard, description: a warden, role: safety, endpoint: {backend: b, args: {model: m}}}
  - {name: right, description: the right bank, adapter: org/right}
"""
SCRIPT = {
    "left": ["Ships need room."],
    "right": ["Carts need a way."],
    "facts": ["The river is deep."],
    "guard": ["Floods drown people."],
}
OLD = """
name: old
community:
  overton: "View of {{ community }} on: {{ question }}"
  steerable: "View of {{ community }} on: {{ question }}"
  distributional: "View of {{ community }} on: {{ question }}"
prompting:
  overton: "Be fair. {{ context }}"
  steerable: "Be {{ attribute }}. {{ context }}"
  distributional: "Be {{ attribute }}. {{ context }}"
route: "{{ question }}{% for one in communities %} {{ loop.index }}={{ one.description }}{% endfor %}"
expert: "Hint: {{ message }} {{ context }}"
synthesise: "All:{% for one in messages %} {{ one.text }}{% endfor %} {{ context }}"
select: "{{ question }} {{ attribute }}{% for one in messages %} {{ loop.index }}={{ one.text }}{% endfor %}"
answer: "As {{ attribute }}, like: {{ message }} {{ context }}"
reflect: "As {{ attribute }}, said: {{ message }} {{ context }}"
"""
"""A set as users of earlier releases have it."""


def town(tmp_path: Any, *, base: ScriptedLM | None = None, script: Any = SCRIPT, pool: str = POOL, **arguments: Any):
    path = tmp_path / "town.yaml"
    path.write_text(pool)
    base = base if base is not None else ScriptedLM()
    settings = {
        **{"pool": str(path), "messages": "none", "message_engine": "scripted", "selection": "generate"},
        **arguments,
    }
    lm = ModPluralLM(base=base, **settings)
    engine = ScriptedEngine(script=script)
    lm.session.communities.asker.engines["scripted"] = engine
    lm.session.communities.asker.show_progress = False
    return lm, base, engine


def prompts_of(base: ScriptedLM) -> list[str]:
    return list(dict.fromkeys(str(call[1][0]) for call in base.calls))


def test_overton_tells_modules_apart_from_the_views_to_cover(tmp_path) -> None:
    lm, base, _ = town(tmp_path, base=ScriptedLM(replies=["Both."]))
    lm.generate_until(requests([doc("overton")], "generate_until"))
    (prompt,) = prompts_of(base)
    background, views = prompt.split("People from different communities said:")
    assert "Background" in background
    assert "The river is deep." in background
    assert "Cautions" in background
    assert "Floods drown people." in background
    assert "Ships need room." in views
    assert "Carts need a way." in views
    assert "The river" not in views
    assert "Floods" not in views


def test_steerable_never_offers_a_module_and_tells_it_beside_the_selected_message(tmp_path) -> None:
    lm, base, _ = town(tmp_path, base=ScriptedLM(replies=["2", "B"]))
    lm.generate_until(requests([doc("steerable")], "generate_until"))
    selecting, answering = prompts_of(base)
    assert "1. Ships need room.\n" in selecting
    assert "1. the left bank\n" in selecting
    assert "2. Carts need a way.\n" in selecting
    assert "2. the right bank\n" in selecting
    assert "3. " not in selecting
    assert "The river is deep." not in selecting
    assert answering.index("The river is deep.") < answering.index("Carts need a way.")
    assert "Floods drown people." in answering
    assert "Ships need room." not in answering
    (note,) = lm.session.notes.values()
    assert note["selected"] == "right"


def test_distributional_gives_modules_no_share_and_tells_them_to_every_community(tmp_path) -> None:
    lm, base, _ = town(tmp_path, weights="1+3")
    lm.loglikelihood(requests([doc("distributional")], "loglikelihood"))
    left, right = prompts_of(base)
    assert "Ships need room." in left
    assert "Carts need a way." in right
    assert all("The river is deep." in prompt and "Floods drown people." in prompt for prompt in (left, right))
    (note,) = lm.session.notes.values()
    assert note["weights"] == {"left": 0.25, "right": 0.75}
    assert [row["community"] for row in note["distributions"]] == ["left", "right"]


def test_moe_neither_routes_to_modules_nor_asks_them(tmp_path) -> None:
    lm, base, engine = town(tmp_path, base=ScriptedLM(replies=["2", "Yes."]), method="moe")
    lm.generate_until(requests([doc("overton")], "generate_until"))
    routing, answering = prompts_of(base)
    assert "1. the left bank\n2. the right bank" in routing
    assert "almanac" not in routing
    assert [request.community.name for request in engine.calls] == ["right"]
    assert "The river is deep." not in answering


def test_modules_are_asked_in_words_of_their_own_the_same_in_every_mode(tmp_path) -> None:
    lm, _, engine = town(tmp_path)
    lm.loglikelihood(requests([doc("steerable", attribute="ferrymen")], "loglikelihood"))
    asked = {request.community.name: request.turns[-1][1] for request in engine.calls}
    assert "What facts" in asked["facts"]
    assert "harm" in asked["guard"]
    assert "Possible answers: Yes; No; Both." in asked["facts"]
    assert "ferrymen" not in asked["facts"] + asked["guard"]
    assert "Think of this point of view: ferrymen." in asked["left"]
    lm, _, again = town(tmp_path)
    lm.loglikelihood(requests([doc("distributional", attribute="swimmers")], "loglikelihood"))
    key = {request.community.name: request.key for request in engine.calls}
    assert key["facts"] == next(request.key for request in again.calls if request.community.name == "facts")


def test_only_what_modules_said_is_told(tmp_path) -> None:
    lm, base, _ = town(tmp_path, script={**SCRIPT, "guard": [""]}, base=ScriptedLM(replies=["Both."]))
    lm.generate_until(requests([doc("overton")], "generate_until"))
    assert "Background" in prompts_of(base)[0]
    assert "Cautions" not in prompts_of(base)[0]
    assert lm.session.fallbacks == {"empty_message": 1}


def test_without_a_communitys_message_the_query_is_answered_as_vanilla_would(tmp_path) -> None:
    lm, base, _ = town(tmp_path, script={**SCRIPT, "left": [""], "right": [""]})
    lm.generate_until(requests([doc("overton")], "generate_until"))
    assert prompts_of(base) == ["Question: Should bridge 0 be built?\nAnswer:"]
    assert lm.session.fallbacks == {"empty_message": 2, "no_message": 1}


def test_modules_of_an_earlier_call_are_forgotten(tmp_path) -> None:
    lm, base, _ = town(tmp_path, script=None)
    asked = requests([doc("overton")], "generate_until")
    lm.generate_until(asked)
    lm.generate_until(asked)
    assert len(lm.session._modules) == 1
    assert prompts_of(base)[0].count("Background") == 1


DIGESTS = {
    "overton": "All: Ships need room. Carts need a way. Question: Should bridge 0 be built?\nAnswer:",
    "steerable": "As ferrymen, like: Carts need a way. Question: Should bridge 0 be built?\nAnswer:",
}
WHOLE = "8242184c683d501ffa4dfeda6732a7b672ac82a67a9231ab5f5fac9e5bf20132"


def test_prompts_without_modules_stay_as_they_were_to_the_last_letter(tmp_path) -> None:
    """The digest was taken of the release before modules, with this set."""
    (tmp_path / "old.yaml").write_text(OLD)
    seen = []
    for mode, kind in (
        ("overton", "generate_until"),
        ("steerable", "generate_until"),
        ("distributional", "loglikelihood"),
    ):
        base = ScriptedLM(replies=["2", "B"])
        script = {name: list(lines) for name, lines in SCRIPT.items()}
        lm, base, engine = model(tmp_path, base=base, script=script, prompts=str(tmp_path / "old.yaml"), seed=7)
        getattr(lm, kind)(requests([doc(mode)], kind))
        seen.append(
            [prompts_of(base), [request.turns for request in engine.calls], [request.key for request in engine.calls]]
        )
    assert seen[0][0] == [DIGESTS["overton"]]
    assert seen[1][0][-1] == DIGESTS["steerable"]
    assert hashlib.sha256(json.dumps(seen).encode()).hexdigest() == WHOLE


def test_an_old_prompt_set_takes_the_default_wording_for_modules(tmp_path) -> None:
    path = tmp_path / "old.yaml"
    path.write_text(OLD)
    old, default = load_prompts(str(path)), load_prompts("default")
    assert all(name not in yaml.safe_load(OLD) and getattr(old, name) == getattr(default, name) for name in LATER)
    lm, base, _ = town(tmp_path, base=ScriptedLM(replies=["Both."]), prompts=str(path))
    lm.generate_until(requests([doc("overton")], "generate_until"))
    (prompt,) = prompts_of(base)
    assert prompt.endswith(DIGESTS["overton"])
    assert prompt.startswith("Background")


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("background: '{{ context }} {{ knowledge }}'", r"template 'background': lacks the slot \{\{ safety \}\}"),
        (
            "module: {knowledge: '{{ question }} {{ attribute }}', safety: '{{ question }}'}",
            r"template 'module.knowledge': unknown slot 'attribute'\.",
        ),
        ("module: {knowledge: '{{ question }}'}", "field 'module.safety' is missing"),
    ],
)
def test_slots_of_the_new_templates_are_checked(tmp_path, template, message) -> None:
    path = tmp_path / f"{len(template)}.yaml"
    path.write_text(OLD + template + "\n")
    with pytest.raises(ModPluralError, match=message):
        load_prompts(str(path))


def test_the_run_the_trace_and_the_report_name_the_role(tmp_path, capsys) -> None:
    trace = tmp_path / "t.jsonl"
    lm, _, _ = town(tmp_path, base=ScriptedLM(replies=["Both."]), trace=str(trace))
    lm.generate_until(requests([doc("overton")], "generate_until"))
    described = lm.describe()
    assert described["communities"] == ["left", "right"]
    assert described["modules"] == {"facts": "knowledge", "guard": "safety"}
    assert described["weights"] == {"left": 0.5, "right": 0.5}
    facts = read_facts({"config": {"model": "modplural", "modplural": described}})
    assert (facts.communities, facts.modules) == (("left", "right"), described["modules"])
    record = json.loads(trace.read_text())
    assert {one["community"]: one["role"] for one in record["messages"]} == {
        "facts": "knowledge",
        "left": "community",
        "guard": "safety",
        "right": "community",
    }
    print_record(record)
    assert "facts (knowledge)" in capsys.readouterr().out


def test_pool_show_names_the_role(tmp_path) -> None:
    from typer.testing import CliRunner

    from model_wrappers.cli.app import app

    path = tmp_path / "town.yaml"
    path.write_text(POOL.replace("embedded", "org/model"))
    shown = CliRunner().invoke(app, ["pool", "show", str(path)], env={"COLUMNS": "200"}, catch_exceptions=False).output
    rows = {cells[1]: cells[2:6] for line in shown.splitlines() if (cells := [c.strip() for c in line.split("│")])[1:]}
    assert rows["facts"][:2] == ["knowledge", "checkpoint"]
    assert rows["facts"][3] == "-"
    assert rows["left"][0] == "community"
    assert rows["left"][3] == "0.500"


def test_message_keys_do_not_depend_on_the_pools_name_or_order(tmp_path) -> None:
    keys = []
    for text in (
        POOL,
        POOL.replace("town", "village"),
        "name: x\nbackbone: embedded\ncommunities:\n" + "\n".join(POOL.splitlines()[:3:-1]),
    ):
        lm, _, engine = town(tmp_path, pool=text + "\n", script=None)
        lm.generate_until(requests([doc("overton")], "generate_until"))
        keys.append({request.key for request in engine.calls})
        pools_read_anew()
    assert keys[0] == keys[1] == keys[2]
    assert len(keys[0]) == 4


def pools_read_anew() -> None:
    from community_lms.pools.pool import read_pool

    read_pool.cache_clear()

"""The registry, what every judge in it does, and the judges without weights."""

import inspect
import math
import random
from pathlib import Path
from typing import Any

import pytest

from plural_tasks.judges import JUDGES, Entailment, Judge, load_judge
from plural_tasks.utils.errors import ModPluralError
from tests.plural_tasks.judges import tiny_checkpoints

PAIRS = [
    ("people need rest", "rest matters"),
    ("rest matters", "people need rest"),
    ("an old promise binds", "a promise is a promise"),
    ("", "rest matters"),
    ("people need rest", "rest matters"),
    ("people need rest", ""),
]


@pytest.fixture(scope="module")
def options(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What judges with weights need to run here; an entry of the registry that is not named needs nothing."""
    folder = tmp_path_factory.mktemp("checkpoints")
    shared = {"batch_size": 2, "device": "cpu", "progress": False}
    return {
        "nli": {"checkpoint": tiny_checkpoints.classifier(folder / "nli"), **shared},
        "embedding": {"checkpoint": tiny_checkpoints.encoder(folder / "embedding"), **shared},
    }


@pytest.fixture(params=sorted(JUDGES))
def judge(request: pytest.FixtureRequest, options: dict[str, dict[str, Any]]) -> Judge:
    return load_judge(request.param, **options.get(request.param, {}))


class TestEveryJudge:
    def test_states_who_it_is(self, judge: Judge) -> None:
        assert judge.name
        assert isinstance(judge.revision, str)
        assert isinstance(judge.directional, bool)

    def test_answers_in_order(self, judge: Judge) -> None:
        shuffled = random.Random(1).sample(PAIRS, len(PAIRS))
        by_pair = dict(zip(PAIRS, judge.entail(PAIRS), strict=True))

        for pair, found in zip(shuffled, judge.entail(shuffled), strict=True):
            assert found.entailment == pytest.approx(by_pair[pair].entailment, abs=1e-6)
        assert len({round(found.entailment, 6) for found in by_pair.values()}) > 2

    def test_answers_as_it_does_one_by_one(self, judge: Judge) -> None:
        for pair, found in zip(PAIRS, judge.entail(PAIRS), strict=True):
            assert judge.entail([pair])[0].entailment == pytest.approx(found.entailment, abs=1e-5)

    def test_judges_equal_pairs_once(self, judge: Judge) -> None:
        judge.entail(PAIRS)

        assert judge.counts.asked == 6
        assert judge.counts.unique == judge.counts.computed == 5

    def test_asks_nothing_about_no_pairs(self, judge: Judge) -> None:
        assert judge.entail([]) == []
        assert judge.counts.computed == 0

    def test_takes_long_texts_and_broken_ones(self, judge: Judge) -> None:
        found = judge.entail([("duty " * 3000, "care"), ("care", "duty. " * 3000), ("cut \ud83d", "日本")])

        assert len(found) == 3

    def test_scores_lie_in_0_to_1_or_are_unknown(self, judge: Judge) -> None:
        for found in judge.entail(PAIRS):
            assert 0.0 <= found.entailment <= 1.0
            for score in (found.neutral, found.contradiction):
                assert math.isnan(score) or 0.0 <= score <= 1.0

    def test_has_a_direction_or_not_as_it_says(self, judge: Judge) -> None:
        there, back = judge.entail([("people need rest today", "rest"), ("rest", "people need rest today")])

        assert (there.entailment == pytest.approx(back.entailment, abs=1e-6)) is not judge.directional

    def test_takes_pairs_that_json_made_lists_of(self, judge: Judge) -> None:
        assert len(judge.entail([["a promise", "binds"]])) == 1  # type: ignore[list-item]


@pytest.mark.parametrize("score", [-0.01, 1.01, math.inf])
def test_scores_outside_0_to_1_are_refused(score: float) -> None:
    for field in ("entailment", "neutral", "contradiction"):
        with pytest.raises(ValueError, match=r"scores lie in 0\.\.1 or are NaN"):
            Entailment(**{"entailment": 0.5, field: score})


class TestLoading:
    def test_a_folder_alone_is_judged_by_nli(self, options: dict[str, dict[str, Any]]) -> None:
        assert load_judge(options["nli"]["checkpoint"]).name == "nli"

    def test_a_folder_may_follow_the_judge(self, options: dict[str, dict[str, Any]]) -> None:
        judge = load_judge("embedding:" + options["embedding"]["checkpoint"])

        assert judge.name == "embedding"
        assert not judge.directional

    def test_an_unknown_name_gets_the_nearest(self) -> None:
        with pytest.raises(ModPluralError, match=r"unknown judge 'lexicel'. Did you mean 'lexical'\?"):
            load_judge("lexicel")

    @pytest.mark.parametrize("spec", ["", 7, None])
    def test_no_name_is_no_judge(self, spec: Any) -> None:
        with pytest.raises(ModPluralError, match=f"unknown judge '{'' if spec == '' else spec}'"):
            load_judge(spec)

    def test_a_judge_without_options_says_so(self) -> None:
        with pytest.raises(ModPluralError, match=r"^judge lexical: it takes no options, found 'batch_size'\.$"):
            load_judge("lexical", batch_size=2)

    def test_an_unknown_option_gets_the_nearest(self) -> None:
        with pytest.raises(ModPluralError, match=r"judge nli: unknown option 'batchsize'. Did you mean 'batch_size'\?"):
            load_judge("nli", batchsize=3)

    def test_a_checkpoint_for_a_judge_without_one_is_refused(self) -> None:
        with pytest.raises(ModPluralError, match="lexical reads no checkpoint"):
            load_judge("lexical:some/thing")

    def test_a_colon_needs_a_checkpoint(self) -> None:
        with pytest.raises(ModPluralError, match="no checkpoint is named"):
            load_judge("nli:")

    def test_a_folder_that_is_not_there(self, tmp_path: Path) -> None:
        for spec in (f"{tmp_path}/nothing", f"nli:{tmp_path}/nothing", "./nothing"):
            with pytest.raises(ModPluralError, match="nothing: no such folder"):
                load_judge(spec)

    def test_all_take_options_by_name_only(self) -> None:
        for name, make in JUDGES.items():
            kinds = {parameter.kind for parameter in inspect.signature(make).parameters.values()}
            assert inspect.Parameter.VAR_KEYWORD not in kinds, name


class TestScripted:
    def test_says_a_script_in_order_and_runs_out(self) -> None:
        judge = load_judge("scripted", script=[0.25, Entailment(0.1, 0.2, 0.7)])

        assert judge.entail([("a", "b"), ("a", "c"), ("a", "b")]) == [
            Entailment(0.25, 0.75, 0.0),
            Entailment(0.1, 0.2, 0.7),
            Entailment(0.25, 0.75, 0.0),
        ]
        with pytest.raises(ModPluralError, match=r"no judgement is left for \('a', 'd'\)"):
            judge.entail([("a", "d")])

    def test_says_a_script_by_pair(self) -> None:
        judge = load_judge("scripted", script={("a", "b"): 1.0})

        assert judge.entail([("a", "b")]) == [Entailment(1.0, 0.0, 0.0)]
        with pytest.raises(ModPluralError, match=r"holds no judgement of \('b', 'a'\)"):
            judge.entail([("b", "a")])

    def test_records_what_it_was_asked(self) -> None:
        judge = load_judge("scripted")
        judge.entail([("a", "b"), ("a", "b")])
        judge.entail([("b", "a")])

        assert judge.calls == [[("a", "b"), ("a", "b")], [("b", "a")]]
        assert judge.judged == [("a", "b"), ("b", "a")]

    def test_without_a_script_says_the_same_every_time(self) -> None:
        first, again = (load_judge("scripted").entail([("a", "b")])[0] for _ in range(2))

        assert first == again
        assert first.entailment + first.neutral + first.contradiction == pytest.approx(1.0)

    def test_takes_the_direction_it_is_given(self) -> None:
        assert load_judge("scripted", directional=False).directional is False


@pytest.mark.parametrize(
    ("premise", "hypothesis", "recall"),
    [
        # of {patient, teachers, help} the premise holds {teachers}
        ("Teachers matter to children.", "Patient teachers help.", 1 / 3),
        # of {teachers, matter, children} the premise holds {teachers}
        ("Patient teachers help.", "Teachers matter to children.", 1 / 3),
        # of {teachers}: all
        ("Patient teachers help.", "The teachers!", 1.0),
        # of {patient, teachers, help} one
        ("The teachers!", "Patient teachers help.", 1 / 3),
        # no content word to hold
        ("Patient teachers help.", "It is so.", 0.0),
        ("", "Patient teachers", 0.0),
    ],
)
def test_lexical_judge_is_the_recall_of_the_hypothesis(premise: str, hypothesis: str, recall: float) -> None:
    [found] = load_judge("lexical").entail([(premise, hypothesis)])

    assert found.entailment == pytest.approx(recall, abs=1e-12)
    assert math.isnan(found.neutral)
    assert math.isnan(found.contradiction)

import hashlib

import pytest

from plural_tasks.sources.fields import cluster_of, literal, one_of, proportions


class TestProportions:
    def test_sum_to_one(self) -> None:
        assert proportions([1, 3], "shares") == (0.25, 0.75)
        assert proportions([37.0, 63.0, 0], "shares") == (0.37, 0.63, 0.0)

    @pytest.mark.parametrize("values", [[], [0, 0.0], [-1, 2], [float("nan"), 1], [float("inf")], ["1"]])
    def test_refuse_what_has_none(self, values: list[float]) -> None:
        with pytest.raises(ValueError, match=r"^field 'shares': found "):
            proportions(values, "shares")


class TestLiteral:
    @pytest.mark.parametrize("value", ["[1, 'a']", " {'a': [0.5]} ", "'a'", "None"])
    def test_is_read(self, value: str) -> None:
        assert literal(value, "field") == eval(value)

    @pytest.mark.parametrize(
        "value", ["", "a", "[1", "f()", "1 + a", "[" * 5_000, "(" * 100 + ")" * 99, "\0", 7, None, ["a"]]
    )
    def test_anything_else_is_refused_in_short(self, value: object) -> None:
        with pytest.raises(ValueError, match=r"^field 'field': found .*, expected a Python literal\.$") as caught:
            literal(value, "field")
        assert len(str(caught.value)) < 150


def test_one_of_ignores_case_and_gives_the_known_spelling() -> None:
    assert one_of({"kind": " DUTY "}, "kind", ("value", "duty")) == "duty"
    with pytest.raises(ValueError, match=r"^field 'kind': found 'dut', expected one of value, duty\.$"):
        one_of({"kind": "dut"}, "kind", ("value", "duty"))


def test_cluster_of_ignores_case_and_white_space() -> None:
    assert cluster_of(" Why \n not? ") == cluster_of("why not?") == hashlib.sha256(b"why not?").hexdigest()[:12]
    assert cluster_of("why not!") != cluster_of("why not?")

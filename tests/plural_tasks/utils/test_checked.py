from pathlib import Path

import pytest

from plural_tasks.utils.checked import Checked, parse, read_json, read_yaml
from plural_tasks.utils.errors import ModPluralError


class Inner(Checked):
    size: int = 1
    colour: str = "red"


class Record(Checked):
    name: str
    count: int = 0
    inner: Inner | None = None
    parts: tuple[Inner, ...] = ()


def refusal(data: object, model: type[Checked] = Record) -> str:
    with pytest.raises(ModPluralError) as caught:
        parse(model, data, where="some.yaml")
    return str(caught.value)


def test_a_valid_record_is_parsed_and_frozen() -> None:
    record = parse(Record, {"name": "a", "inner": {"size": 3}}, where="some.yaml")

    assert record == Record(name="a", count=0, inner=Inner(size=3))
    with pytest.raises(ValueError, match="frozen"):
        record.count = 1  # type: ignore[misc]


def test_an_unknown_field_names_the_nearest_one() -> None:
    assert refusal({"name": "a", "coutn": 1}) == "some.yaml: unknown field 'coutn'. Did you mean 'count'?"


def test_an_unknown_field_like_no_other_lists_the_valid_ones() -> None:
    assert refusal({"name": "a", "zzz": 1}) == "some.yaml: unknown field 'zzz'. Valid: name, count, inner, parts."


def test_a_misspelt_required_field_is_reported_as_such_and_not_as_missing() -> None:
    assert refusal({"nmae": "a"}) == "some.yaml: unknown field 'nmae'. Did you mean 'name'? (1 more problem.)"


def test_an_unknown_field_of_an_inner_record_is_compared_with_the_inner_fields() -> None:
    assert refusal({"name": "a", "inner": {"sise": 1}}) == "some.yaml: unknown field 'inner.sise'. Did you mean 'size'?"
    assert (
        refusal({"name": "a", "parts": [{"size": 1}, {"zzz": 1}]})
        == "some.yaml: unknown field 'parts.1.zzz'. Valid: size, colour."
    )


def test_a_missing_field_is_named() -> None:
    assert refusal({"count": 1}) == "some.yaml: field 'name' is missing."


def test_a_wrong_value_names_field_expectation_and_finding() -> None:
    assert refusal({"name": "a", "count": "many"}) == (
        "some.yaml: field 'count': Input should be a valid integer, unable to parse string as an integer, found 'many'."
    )


def test_a_long_value_is_shortened() -> None:
    message = refusal({"name": "a", "count": "x" * 200})

    # repr is 202 characters with its quotes; 79 of them and an ellipsis are shown.
    assert message.endswith("found '" + "x" * 78 + "….")


def test_further_problems_are_counted() -> None:
    assert refusal({"count": "many", "inner": 5}).endswith("field 'name' is missing. (2 more problems.)")


@pytest.mark.parametrize(("data", "kind"), [([], "list"), (None, "NoneType"), ("text", "str"), (5, "int")])
def test_what_is_no_mapping_is_refused(data: object, kind: str) -> None:
    assert refusal(data) == (f"some.yaml: found {kind}, expected a mapping with the fields name, count, inner, parts.")


@pytest.mark.parametrize(
    ("text", "place", "problem"),
    [
        ("name: a\nother: [1, 2\nlast: 3\n", "3:5", "expected ',' or ']', but got ':'"),
        ("a: b: c\n", "1:5", "mapping values are not allowed here"),
        ("name: a\n\tcount: 1\n", "2:1", "found character '\\t' that cannot start any token"),
        ("one: *missing\n", "1:6", "found undefined alias 'missing'"),
        ("one: !!python/name:os.system x\n", "1:6", "could not determine a constructor for the tag"),
    ],
)
def test_malformed_yaml_names_file_line_and_column(tmp_path: Path, text: str, place: str, problem: str) -> None:
    path = tmp_path / "pool.yaml"
    path.write_text(text)

    with pytest.raises(ModPluralError) as caught:
        read_yaml(path)
    assert str(caught.value).startswith(f"{path}:{place}: malformed YAML (")
    assert problem in str(caught.value)


def test_yaml_with_a_control_character_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "pool.yaml"
    path.write_text("name: \x07\n")

    with pytest.raises(ModPluralError, match="malformed YAML") as caught:
        read_yaml(path)
    assert str(caught.value).startswith(f"{path}: ")


@pytest.mark.parametrize(
    ("text", "place", "problem"),
    [
        ("", "1:1", "Expecting value"),
        ('[{"id": 1},\n {"id" 2}]', "2:8", "Expecting ':' delimiter"),
        ("[1, 2", "1:6", "Expecting ',' delimiter"),
        ('{"a": 1} x', "1:10", "Extra data"),
    ],
)
def test_malformed_json_names_file_line_and_column(tmp_path: Path, text: str, place: str, problem: str) -> None:
    path = tmp_path / "items.json"
    path.write_text(text)

    with pytest.raises(ModPluralError) as caught:
        read_json(path)
    assert str(caught.value) == f"{path}:{place}: malformed JSON ({problem})."


@pytest.mark.parametrize("read", [read_yaml, read_json])
class TestUnreadableFiles:
    def test_a_missing_file(self, tmp_path: Path, read: object) -> None:
        with pytest.raises(ModPluralError) as caught:
            read(tmp_path / "none")  # type: ignore[operator]
        assert str(caught.value) == f"{tmp_path / 'none'}: cannot be read (No such file or directory)."

    def test_a_folder(self, tmp_path: Path, read: object) -> None:
        with pytest.raises(ModPluralError) as caught:
            read(tmp_path)  # type: ignore[operator]
        assert str(caught.value) == f"{tmp_path}: cannot be read (Is a directory)."

    def test_bytes_that_are_no_utf8(self, tmp_path: Path, read: object) -> None:
        path = tmp_path / "latin"
        path.write_bytes(b"name: caf\xe9\n")

        with pytest.raises(ModPluralError) as caught:
            read(path)  # type: ignore[operator]
        assert str(caught.value) == f"{path}: is not UTF-8 text (byte 9)."


def test_valid_files_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("name: ä\nlist: [1, 2.5]\n", encoding="utf-8")
    (tmp_path / "a.json").write_text('{"name": "ä", "list": [1, 2.5]}', encoding="utf-8")

    expected = {"name": "ä", "list": [1, 2.5]}
    assert read_yaml(tmp_path / "a.yaml") == expected
    assert read_json(tmp_path / "a.json") == expected

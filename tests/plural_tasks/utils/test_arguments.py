"""Arguments as ``name=value,…``: read as the harness reads them, where it reads them whole."""

import pytest

from plural_tasks.utils.arguments import parse_arguments, without_folders


@pytest.fixture(scope="session", autouse=True)
def _imports() -> None:
    global simple_parse_args_string
    from lm_eval.utils import simple_parse_args_string


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {}),
        (" ", {}),
        ("a=b", {"a": "b"}),
        ("a=b,c=d,", {"a": "b", "c": "d"}),
        ("a=b,,c=d", {"a": "b", "c": "d"}),
        ("pretrained=org/tiny,dtype=float16", {"pretrained": "org/tiny", "dtype": "float16"}),
        ("a=1,b=-2,c=+3,d=.5,e=1e-3,f=1e3", {"a": 1, "b": -2, "c": 3, "d": 0.5, "e": 0.001, "f": 1000.0}),
        ("a=True,b=false,c=None,d=none", {"a": True, "b": False, "c": None, "d": None}),
        ("a='1',b=\"true\",c=''", {"a": "1", "b": "true", "c": ""}),
        ("a=,b=x", {"a": "", "b": "x"}),
        ("a", {"a": ""}),
        ("a=b=c,d=x==", {"a": "b=c", "d": "x=="}),
        ("url=http://h:1/v1?x=1,b=2", {"url": "http://h:1/v1?x=1", "b": 2}),
        ("attribute=people's view,seed=1", {"attribute": "people's view", "seed": 1}),
        ("a=[x,b=2", {"a": "[x", "b": 2}),
        ("a='x,b=2", {"a": "'x", "b": 2}),
        ("a= b ,c=1 ", {"a": "b", "c": 1}),
        ("weights=2+1+1,pool=a-b", {"weights": "2+1+1", "pool": "a-b"}),
        ('a={"b": 1}', {"a": '{"b": 1}'}),
        ("a=[1]", {"a": "[1]"}),
    ],
)
def test_is_what_the_harness_reads(text, expected) -> None:
    assert parse_arguments(text) == expected == simple_parse_args_string(text)
    assert [type(value) for value in parse_arguments(text).values()] == [type(value) for value in expected.values()]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('a={"b": 1, "c": [2, 3]},d=4', {"a": '{"b": 1, "c": [2, 3]}', "d": 4}),
        ("a=[1,2],b=(3,4)", {"a": "[1,2]", "b": "(3,4)"}),
        ("a='x,y=z',b=1", {"a": "x,y=z", "b": 1}),
        ("headers={'Authorization': 'x, y}'},b=1", {"headers": "{'Authorization': 'x, y}'}", "b": 1}),
        ("api_key=a,b,c=1", {"api_key": "a,b", "c": 1}),
        ("a=1, b=2", {"a": 1, "b": 2}),
    ],
)
def test_a_comma_inside_a_value_belongs_to_it(text, expected) -> None:
    assert parse_arguments(text) == expected != simple_parse_args_string(text)


def test_results_hold_a_mapping_too_or_nothing() -> None:
    assert parse_arguments({"a": "1", "b": 2}) == {"a": "1", "b": 2}
    assert parse_arguments(None) == {}


@pytest.mark.parametrize(
    ("text", "shown"),
    [("/home/ann/models/tiny/", "tiny"), ("./tiny", "tiny"), (r"C:\models\tiny", "tiny"), ("org/tiny", "org/tiny")],
)
def test_folders_of_this_machine_are_left_out(text, shown) -> None:
    assert without_folders(text) == shown

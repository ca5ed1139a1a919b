"""Docstrings stand alone, and names use the field's terms: the part of it that a machine can tell."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FILES = sorted(
    path for package in ("plural_tasks", "community_lms", "model_wrappers") for path in (ROOT / package).rglob("*.py")
)
HALF_SENTENCE = re.compile(r"^\s*(?:\*{0,2}\w+: )?(?:Of|Where|What for|See|Whose|Who|Which)\b", re.MULTILINE)
OWN_WORDS = re.compile(
    r"fly|flies|flight|purse|ticket|hush|voices?|told|spoken|beaten|the_one|endur\w*|heard|trouble[sd]?"
)
"""Words of a name for which the field has others: run, budget, redact, community, retry, failure."""


def docstrings(tree: ast.AST) -> list[tuple[int, str]]:
    """Docstrings of modules, classes and functions, and texts that stand behind an attribute."""
    texts = (
        node.value for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    )
    return [(text.lineno, text.value) for text in texts if isinstance(text.value, str)]


def half_sentences(tree: ast.AST) -> list[str]:
    found = []
    for line, text in docstrings(tree):
        attributes = [part for part in text.split("\n") if re.match(r"\s+\*{0,2}\w+: ", part)]
        found += [f"{line}: {part.strip()}" for part in [text, *attributes] if HALF_SENTENCE.match(part)]
        found += [f"{line}: {text}"] if "?" in re.split(r"[.:] |\n", text)[0] else []
    return found


def own_words(tree: ast.AST) -> list[str]:
    names = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    names |= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    names |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    words = {name: re.findall(r"[a-z]+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()) for name in names}
    return sorted(
        name for name, parts in words.items() if "the_one" in name or any(OWN_WORDS.fullmatch(part) for part in parts)
    )


@pytest.mark.parametrize("look", [half_sentences, own_words])
def test_nothing_is_worded_for_us_alone(look) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{entry}" for path in FILES for entry in look(ast.parse(path.read_text("utf-8")))
    ]
    assert not found, "\n".join(found)

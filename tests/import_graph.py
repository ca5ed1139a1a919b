"""The imports that Python files state, read from the source and not by importing it."""

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

Node = TypeVar("Node")
Graph = Mapping[Node, Iterable[Node]]


@dataclass(frozen=True)
class Import:
    """One module's import of another.

    Attributes:
        importer: Dotted name of the module that imports.
        imported: Dotted name of the module that is imported; of another's package, the name as it is written.
        line: Number of the line, from 1.
        at_once: True if the import runs when the module is imported: it stands outside functions and TYPE_CHECKING.
    """

    importer: str
    imported: str
    line: int
    at_once: bool


def modules(root: Path, packages: Iterable[str]) -> dict[str, Path]:
    """Files of the modules of some packages below ``root``, by dotted name; a package's is its ``__init__.py``."""
    found = {}
    for package in packages:
        for path in sorted((root / package).rglob("*.py")):
            parts = path.relative_to(root).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(files: Mapping[str, Path]) -> Iterator[Import]:
    """Every import of every module, those in functions and for type checkers included.

    ``from package import name`` imports ``package.name`` where that is a module, else ``package``. That importing a
    module also runs the ``__init__.py`` of the packages around it is left out.
    """
    for importer, path in files.items():
        for node, at_once in _statements(ast.parse(path.read_text(encoding="utf-8")), True):
            for imported in _imported(node, importer, path.name == "__init__.py", files):
                yield Import(importer, imported, node.lineno, at_once)


def _statements(node: ast.AST, at_once: bool) -> Iterator[tuple[ast.Import | ast.ImportFrom, bool]]:
    """Import statements below a node, and whether each runs with the module."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield child, at_once
        elif isinstance(child, ast.stmt | ast.ExceptHandler | ast.match_case):
            yield from _statements(child, at_once and not _is_put_off(child))


def _is_put_off(node: ast.AST) -> bool:
    """Whether what stands inside does not run with the module."""
    if isinstance(node, ast.If):
        return "TYPE_CHECKING" in ast.unparse(node.test)
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)


def _imported(
    node: ast.Import | ast.ImportFrom, importer: str, is_package: bool, files: Mapping[str, Path]
) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
        return
    package = node.module or ""
    if node.level:
        around = importer.split(".")[: len(importer.split(".")) - node.level + is_package]
        package = ".".join([*around, *([node.module] if node.module else [])])
    for alias in node.names:
        name = f"{package}.{alias.name}"
        yield name if name in files else package


def circle(graph: Graph[Node]) -> list[Node]:
    """A shortest circle of a graph, its first node at both ends; empty if there is none.

    Args:
        graph: The nodes that each node has an arrow to. An arrow from a node to itself is a circle.
    """
    found = [path for node in graph if (path := way(graph, node, {node}))]
    return min(found, key=len, default=[])


def way(graph: Graph[Node], start: Node, goals: set[Node]) -> list[Node]:
    """A shortest path of at least one arrow from a node to one of the goals, both ends included; empty if none."""
    paths, seen = [[start]], set()
    for path in paths:
        for node in graph.get(path[-1], ()):
            if node in goals:
                return [*path, node]
            if node not in seen:
                seen.add(node)
                paths.append([*path, node])
    return []


def circles(graph: Graph[Node]) -> list[list[Node]]:
    """One shortest circle for each knot of a graph, largest knot first.

    A knot (a strongly connected component) is a largest set of nodes in which every node reaches every other.
    """
    reached = {node: _reached(graph, node) for node in graph}
    knots = {frozenset(other for other in reached[node] if node in reached.get(other, ())) for node in graph}
    largest_first = sorted((knot for knot in knots if knot), key=lambda knot: (-len(knot), sorted(map(str, knot))))
    return [circle(_within(graph, knot)) for knot in largest_first]


def _within(graph: Graph[Node], nodes: frozenset[Node]) -> dict[Node, list[Node]]:
    """The arrows among some nodes, in the same order each time."""
    return {node: sorted(nodes.intersection(graph[node]), key=str) for node in sorted(nodes, key=str)}


def _reached(graph: Graph[Node], start: Node) -> set[Node]:
    """Nodes at the end of some path of at least one arrow."""
    seen: set[Node] = set()
    todo = [start]
    while todo:
        for node in graph.get(todo.pop(), ()):
            if node not in seen:
                seen.add(node)
                todo.append(node)
    return seen

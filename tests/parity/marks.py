# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which test claims to prove what, read from the source: no test has to run for it."""

from __future__ import annotations

import ast
import functools
import typing as t
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
ROOT = TESTS.parent
KINDS = ("conformance", "conformance_negative", "fault")

Claims = t.Mapping[str, t.Mapping[str, t.Sequence[str]]]
"""Kind of mark -> id -> tests as path::name."""


def claims(root: Path = TESTS) -> Claims:
    """Every mark in every test file below `root`."""
    found: dict[str, dict[str, list[str]]] = {kind: {} for kind in KINDS}
    for file in sorted(root.rglob("test_*.py")):
        for test, kind, ids in _marks(_parsed(file)):
            for one in ids:
                found[kind].setdefault(one, []).append(f"{_shown(file)}::{test}")
    return found


def tests(root: Path = TESTS) -> frozenset[str]:
    """Every test as path::name."""
    names: set[str] = set()
    for file in sorted(root.rglob("test_*.py")):
        for function in _functions(_parsed(file)):
            names.add(f"{_shown(file)}::{function.name}")
    return frozenset(names)


def stories(file: Path = TESTS / "balancing" / "stories.py") -> frozenset[str]:
    """Every story that both data planes have to tell, as path::name: what the list STORIES of the file names."""
    lists = [one for one in _parsed(file).body if isinstance(one, ast.AnnAssign) and isinstance(one.value, ast.Tuple)]
    listed = {one.id for each in lists for one in ast.walk(t.cast(ast.Tuple, each.value)) if isinstance(one, ast.Name)}
    return frozenset(f"{_shown(file)}::{name}" for name in listed)


@functools.cache
def _parsed(file: Path) -> ast.Module:
    """Once for all lists: there are hundreds of files, and none changes while we look."""
    return ast.parse(file.read_text(encoding="utf-8"))


def _shown(file: Path) -> str:
    return str(file.relative_to(ROOT)) if file.is_relative_to(ROOT) else file.name


def _functions(tree: ast.Module) -> t.Iterator[ast.FunctionDef]:
    for statement in _outer(tree.body):
        if isinstance(statement, ast.FunctionDef) and statement.name.startswith("test_"):
            yield statement


def _outer(body: t.Sequence[ast.stmt]) -> t.Iterator[ast.stmt]:
    """Statements of the module and of its classes. What is inside functions is most of the source and marks nothing."""
    for statement in body:
        yield statement
        if isinstance(statement, ast.ClassDef):
            yield from _outer(statement.body)


def _marks(tree: ast.Module) -> t.Iterator[tuple[str, str, list[str]]]:
    """(test, kind, ids) of each mark; one at module level (pytestmark, a table of cases) counts for its file."""
    for statement in _outer(tree.body):
        owner, places = "(module)", [statement]
        if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
            owner = statement.name if statement.name.startswith("test_") else owner
            places = statement.decorator_list
        for place in places:
            yield from ((owner, kind, ids) for kind, ids in _calls(place))


def _calls(node: ast.AST) -> t.Iterator[tuple[str, list[str]]]:
    for inner in ast.walk(node):
        if isinstance(inner, ast.Call):
            yield from _call(inner)


def _call(node: ast.Call) -> t.Iterator[tuple[str, list[str]]]:
    if isinstance(node.func, ast.Attribute) and node.func.attr in KINDS:
        yield node.func.attr, [str(argument.value) for argument in node.args if isinstance(argument, ast.Constant)]

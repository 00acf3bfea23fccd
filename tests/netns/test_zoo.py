# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The zoo: real checks of hostile servers end in time, with the reason an operator needs, and keep no memory.

All animals are visited at once, in a namespace that holds nothing but its loopback. A server that can be judged by what
it says has a deadline far away; that the verdict is about the answer and not about the time shows that it did not wait.
"""

from __future__ import annotations

import json
import os
import re
import sys
import typing as t
from pathlib import Path

import pytest
from zoo.animal import Animal
from zoo.inhabitants import inhabitants

from lab import command
from lab.network import add_namespace, ip

ROUNDS = 6
VISIT_SECONDS = 120.0
"""Far more than it takes: a machine may be busy."""

NAMESPACE = f"msns-{os.getpid()}-zoo"
TESTS = Path(__file__).resolve().parents[1]
RUNTIME = TESTS.parent / "plugins" / "module_utils"

KEPT_BYTES = 64 * 1024
"""Caches of the interpreter may grow by this much in four rounds."""
PEAK_BYTES = 8 * 1024 * 1024
"""All animals at once, 4 MiB pages among them, which are never held."""


@pytest.fixture(scope="module")
def visited(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[list[dict[str, t.Any]]]:
    """What the visit told, line by line."""
    add_namespace(NAMESPACE)
    try:
        ip(NAMESPACE, "link", "set", "lo", "up")
        folder = str(tmp_path_factory.mktemp("zoo"))
        search = f"PYTHONPATH={TESTS}:{RUNTIME}"
        line = ["ip", "netns", "exec", NAMESPACE, "env", search, sys.executable, "-m", "zoo.visit", folder, str(ROUNDS)]
        yield [json.loads(told) for told in command.must(line, deadline=VISIT_SECONDS).splitlines()]
    finally:
        command.must(["ip", "netns", "delete", NAMESPACE])


@pytest.fixture(scope="module")
def animals(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Animal]:
    return {animal.name: animal for animal in inhabitants(tmp_path_factory.mktemp("expected"))}


@pytest.mark.fault("F60")
def test_each_server_gets_its_verdict_and_every_time_the_same(
    visited: list[dict[str, t.Any]], animals: dict[str, Animal]
) -> None:
    rounds = [line["round"] for line in visited if "round" in line]
    wrong = [
        f"round {number}, {name}: {told}, expected up={animals[name].up} {animals[name].reason!r}"
        for number, told_of in enumerate(rounds, start=1)
        for name, told in told_of.items()
        if not as_expected(animals[name], told)
    ]
    assert not wrong, "\n".join(wrong)
    assert [set(told_of) for told_of in rounds] == [set(animals)] * ROUNDS


def as_expected(animal: Animal, told: dict[str, t.Any]) -> bool:
    same = (told["up"], told["ran"]) == (animal.up, animal.ran)
    return same and bool(re.fullmatch(animal.reason, told["reason"]) and re.fullmatch(animal.notes, told["notes"]))


def test_it_is_a_zoo(animals: dict[str, Animal]) -> None:
    assert len(animals) >= 25


@pytest.mark.fault("F60")
def test_no_round_leaves_memory_behind(visited: list[dict[str, t.Any]]) -> None:
    kept = [line["kept"] for line in visited if "kept" in line]
    assert kept[-1] - kept[1] < KEPT_BYTES, kept
    assert visited[-1]["peak"] < PEAK_BYTES, visited[-1]

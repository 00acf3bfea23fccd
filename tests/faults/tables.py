# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults that need no pair: of the table of ip_vs in a guest that has it, and hostile servers."""

from __future__ import annotations

import json
import os
import shlex
import sys
import typing as t
from pathlib import Path

from netns.daemons import CHECKOUT

from bench.guest import in_guest
from bench.pair import OURS
from lab import command
from lab.network import add_namespace, ip

from .run import Figures, Say

IN_GUEST = ("F55", "F57", "F58", "F61")
ZOO = "F60"

_PATH = f"{CHECKOUT}/plugins/module_utils:{CHECKOUT}/tests"
_ZOO_SECONDS = 120.0
_ROUNDS = 3


def measure(wanted: t.Callable[[str], bool], folder: Path, say: Say) -> Figures:
    """Both kinds, one after the other, in one guest; the zoo is visited by ours alone."""
    ids = [one for one in IN_GUEST if wanted(one)]
    figures: Figures = in_guest(lambda result: _program(ids, result)) if ids else {}
    if wanted(ZOO):
        figures[ZOO] = {OURS: _visit(folder)}
    for one, said in figures.items():
        say(f"{one}: {said}")
    return figures


def _program(ids: t.Sequence[str], result: str) -> str:
    words = [sys.executable, "-B", "-m", "faults.tables_program", ",".join(ids), result]
    return f"PYTHONPATH={shlex.quote(_PATH)} {shlex.join(words)}\n"


def _visit(folder: Path) -> str:
    """In a namespace that holds nothing but its loopback."""
    namespace = f"msns-{os.getpid()}-zoo"
    add_namespace(namespace)
    try:
        ip(namespace, "link", "set", "lo", "up")
        visit = [sys.executable, "-m", "zoo.visit", str(folder), str(_ROUNDS)]
        line = ["ip", "netns", "exec", namespace, "env", f"PYTHONPATH={_PATH}", *visit]
        told = [json.loads(one) for one in command.must(line, deadline=_ZOO_SECONDS).splitlines()]
    finally:
        command.must(["ip", "netns", "delete", namespace])
    judged = {len(one["round"]) for one in told if "round" in one}
    return f"{min(judged)} servers judged at once, at most {told[-1]['peak'] / 2**20:.1f} MiB held"

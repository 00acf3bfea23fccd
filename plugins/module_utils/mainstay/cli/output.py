# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How verbs write and end."""

from __future__ import annotations

import os
import sys
import typing as t

if t.TYPE_CHECKING:
    import argparse

    from ..model.problems import Problem

GOOD, UNREACHABLE, BAD_CONFIGURATION = 0, 1, 2
REFUSED = 2

Run = t.Callable[["argparse.Namespace"], int]
"""Runs one verb; the exit status."""
AddVerb = t.Callable[[str, Run, str], "argparse.ArgumentParser"]
"""Name, what runs it, help."""


def write(text: str) -> None:
    """To standard output, at once."""
    sys.stdout.write(text)
    sys.stdout.flush()


def complain(text: str) -> None:
    """One line to standard error."""
    sys.stderr.write(f"mainstay: {printable(text)}\n")


def problem_line(file: str, problem: Problem) -> str:
    """One problem of a configuration; one of the whole `file` does not name it twice."""
    whole = problem.value is None and problem.path == f"({os.path.basename(file)})"
    return f"{file}: {problem.message if whole else problem}"


def printable(text: str) -> str:
    """Nothing in it can steer a terminal."""
    return "".join(character if character.isprintable() else "?" for character in text)

# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The wall clock is read for people and for signatures, never to decide when something is due (TMR-07)."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

DAEMON = Path(__file__).resolve().parents[2] / "plugins" / "module_utils" / "mainstay" / "daemon"

WALL = {"time.time", "time.time_ns", "time.localtime", "time.gmtime", "time.strftime"}
WALL |= {"datetime.now", "datetime.utcnow"}
MAY_READ = {
    "journal.py": "every line of the log has its time",
    "queue.py": "how long a mail has waited, over restarts",
    "reactor.py": "certificates carry dates",
    "advertiser.py": "signatures carry the time",
    "reception.py": "signatures carry the time",
    "wall_clock.py": "the status tells since when",
}


def readers(folder: Path) -> dict[str, set[str]]:
    """File -> how it reads the wall clock."""
    found: dict[str, set[str]] = {}
    for file in sorted(folder.rglob("*.py")):
        calls = {name for node in ast.walk(ast.parse(file.read_text())) for name in _called(node)}
        if calls & WALL:
            found[file.name] = calls & WALL
    return found


def _called(node: ast.AST) -> list[str]:
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return []
    of = node.func.value
    owner = of.attr if isinstance(of, ast.Attribute) else of.id if isinstance(of, ast.Name) else ""
    return [f"{owner}.{node.func.attr}"]


@pytest.mark.conformance("TMR-07")
def test_only_who_tells_people_or_signs_reads_the_wall_clock() -> None:
    assert set(readers(DAEMON)) <= set(MAY_READ), "use the instant that the loop hands over"


@pytest.mark.conformance_negative("TMR-07")
@pytest.mark.parametrize(
    "text", ["import time\ntime.time()", "import datetime\ndatetime.datetime.now()", "import time\ntime.time_ns()"]
)
def test_a_deadline_by_the_wall_clock_is_found(text: str, tmp_path: Path) -> None:
    (tmp_path / "vrrp_deadline.py").write_text(text)
    assert list(readers(tmp_path)) == ["vrrp_deadline.py"]


def test_the_monotonic_clock_is_anybodys(tmp_path: Path) -> None:
    (tmp_path / "vrrp_deadline.py").write_text("import time\ntime.monotonic_ns()")
    assert readers(tmp_path) == {}

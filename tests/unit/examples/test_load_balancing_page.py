# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/load-balancing.md: its examples can be run, its states and kinds are all that there are, its table decides."""

from __future__ import annotations

import json
import re
import typing as t
from pathlib import Path

import pytest

from mainstay.daemon.health.check_phase import FIRST_PROBE_SPACING, STEP
from mainstay.daemon.health.pool_keeper import CHECK_PERIOD
from mainstay.daemon.health.probe_slots import PROBES_AT_ONCE
from mainstay.lvs import damping, slow_start
from mainstay.lvs.member import STATES
from mainstay.lvs.pool import decide
from mainstay.model.load import load_config
from mainstay.model.options import CHECKS
from mainstay.model.units import seconds
from mainstay.net.bounded_search import SEARCH_SECONDS
from mainstay.probes.http_answer import HEADER_BYTES
from mainstay.probes.http_content import BODY_BYTES, SEARCHED_BYTES

from ..lvs.pools import NOW, SORRY, failed, members, passing, real, web

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "load-balancing.md").read_text(encoding="utf-8")
SERVER = {"address": "192.0.2.21", "port": 80}
NAMED: t.Mapping[str, t.Any] = {
    "track_files": {"load": {"file": "/run/load"}},
    "bfd_instances": {"gw": {"neighbor_ip": "192.0.2.9"}},
}


def rows(first: str) -> list[list[str]]:
    """Cells of the table whose head begins with this."""
    lines = PAGE.split(f"| {first} |", 1)[1].splitlines()[2:]
    table = lines[: next(number for number, line in enumerate(lines) if not line.startswith("|"))]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table]


def test_its_configuration_can_be_run() -> None:
    (text,) = re.findall(r"```json\n(.*?)```", PAGE, flags=re.DOTALL)
    assert set(load_config(json.loads(text)).virtual_servers) == {"web"}


def test_its_checks_are_one_of_each_kind_and_can_be_run() -> None:
    examples = {kind: json.loads(example.strip("`")) for kind, example, _when in rows("kind")}
    assert set(examples) == set(CHECKS)
    for kind, check in examples.items():
        assert check["type"] == kind
        service = {
            "address": "198.51.100.10",
            "port": 80,
            "protocol": "TCP",
            "real_servers": [{**SERVER, "check": check}],
        }
        load_config({**NAMED, "virtual_servers": {"web": service}})


def test_its_states_are_all_that_there_are() -> None:
    assert sorted(state.strip("`") for state, *_rest in rows("state")) == sorted(STATES)


@pytest.mark.parametrize("row", rows("quorum"), ids=" ".join)
def test_its_table_is_what_is_decided(row: t.Sequence[str]) -> None:
    """Each line in each situation that it speaks of; of two servers the second and the backup may fail."""
    won, backup, sorry, serving = row
    for live_backup in _each(backup):
        for has_sorry in _each(sorry):
            service = web(
                real(21), real(22), real(23, backup=True), quorum=2, sorry_server=SORRY if has_sorry else None
            )
            second = passing() if won == "won" else failed()
            pool = decide(
                service, members(service, passing(), second, passing() if live_backup else failed()), None, NOW
            )
            names = [name for name, placed in pool.placed.items() if placed.serving]
            assert pool.quorum_up == (won == "won")
            assert pool.sorry_in == ("sorry server" in serving)
            assert len(names) == {"won": 2}.get(won, 0 if pool.sorry_in else 2 if "beside" in serving else 1), names


def _each(cell: str) -> t.Sequence[bool]:
    return {"yes": (True,), "no": (False,), "any": (True, False)}[cell]


def test_its_figures_are_those_of_the_daemon() -> None:
    kib, mib, bounded = 1024, 1 << 20, f"{SEARCH_SECONDS * 1000:g} ms for a pattern in its first"
    for sentence in (
        f"costs {damping.PENALTY:.0f} points",
        f"Above {damping.SUPPRESS_ABOVE:.0f} the",
        f"fallen to {damping.REUSE_BELOW:.0f}; more than {damping.CEILING:.0f}",
        f"at most {slow_start.STEPS} even steps",
        f"one every {FIRST_PROBE_SPACING / seconds(0.001):g} ms",
        f"in steps of {STEP / seconds(0.001):g} ms",
        f"At most {PROBES_AT_ONCE} run",
        f"{HEADER_BYTES // kib} KiB of headers, {BODY_BYTES // mib} MiB of body, {bounded} {SEARCHED_BYTES // kib} KiB",
    ):
        assert sentence in PAGE, sentence
    assert seconds(5) == CHECK_PERIOD and "every five\nseconds" in PAGE

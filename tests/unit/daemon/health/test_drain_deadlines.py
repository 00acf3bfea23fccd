# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A drain ends when drain_timeout is over, whatever happens to the worker or to the service's name meanwhile."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mainstay.model.lvs_config import VirtualServer
from mainstay.model.units import seconds

from .health_lab import ONE, TWO, HealthLab, web


@pytest.fixture
def lab(tmp_path: Path) -> HealthLab:
    made = HealthLab()
    made.run_directory = str(tmp_path)
    made.worker = made.new_worker()
    made.ipvs.connections[ONE] = (3, 0)
    return made


def pool(*addresses: str, name: str = "web") -> VirtualServer:
    return web(*addresses, name=name, drain_timeout=seconds(20))


def left(lab: HealthLab, name: str = "web") -> float:
    (leaving,) = lab.status()["virtual_servers"][name]["leaving"]
    return float(leaving["seconds_left"])


def test_a_worker_that_dies_and_dies_again_does_not_begin_the_drain_anew(lab: HealthLab) -> None:
    lab.configure(pool(ONE, TWO))
    lab.configure(pool(TWO))
    for _death in range(3):
        lab.run(5)
        lab.worker = lab.new_worker()
        lab.configure(pool(TWO))
    assert left(lab) == 5
    lab.run(6)
    assert lab.ipvs.pool() == {TWO: 1}


def test_another_name_of_the_service_does_not_either(lab: HealthLab) -> None:
    lab.configure(pool(ONE, TWO))
    lab.configure(pool(TWO))
    lab.run(8)
    lab.configure(pool(TWO, name="www"))
    assert left(lab, "www") == 12


def test_who_came_back_and_leaves_again_has_all_of_the_time(lab: HealthLab) -> None:
    lab.configure(pool(ONE, TWO))
    lab.configure(pool(TWO))
    lab.run(8)
    lab.configure(pool(ONE, TWO))
    lab.run(1)
    lab.configure(pool(TWO))
    assert left(lab) == 20


def test_nothing_is_kept_of_a_drain_that_is_over(lab: HealthLab, tmp_path: Path) -> None:
    lab.configure(pool(ONE, TWO))
    lab.configure(pool(TWO))
    assert os.listdir(tmp_path) == ["drains.json"]
    lab.run(21)
    assert os.listdir(tmp_path) == []


PLACE = '["TCP", "192.0.2.10", 80, null], ["192.0.2.21", 80]'


@pytest.mark.parametrize(
    "text",
    ['[["TCP"]]', f"[[{PLACE}, 1e999]]", f'[[{PLACE}, "soon"]]', "[" * 100_000, "7"],
    ids=["half", "endless", "no number", "too deep", "no list"],
)
def test_a_file_that_nobody_understands_costs_only_time(lab: HealthLab, tmp_path: Path, text: str) -> None:
    lab.configure(pool(ONE, TWO))
    lab.configure(pool(TWO))
    lab.run(5)
    (tmp_path / "drains.json").write_text(text)
    lab.worker = lab.new_worker()
    lab.configure(pool(TWO))
    assert left(lab) == 20

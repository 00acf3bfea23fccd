# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers that leave a pool keep their connections for a while, whatever happens to the worker meanwhile."""

from __future__ import annotations

import pytest

from mainstay.model.units import seconds

from .health_lab import ONE, TWO, HealthLab, web


@pytest.fixture
def lab() -> HealthLab:
    return HealthLab()


def test_another_name_takes_over_what_stands_in_the_kernel_and_says_so(lab: HealthLab) -> None:
    lab.configure(web(ONE, TWO))
    lab.run(1)
    edits = list(lab.ipvs.applied)
    lab.configure(web(ONE, TWO, name="www"))
    lab.run(0)
    assert lab.ipvs.applied == edits, "its connections would be gone"
    assert lab.said("left the configuration; in the kernel virtual_server www goes on with it")
    assert not lab.said("is removed from the kernel")


def test_another_name_with_one_server_less_lets_that_go_in_order(lab: HealthLab) -> None:
    lab.configure(web(ONE, TWO))
    lab.run(1)
    lab.configure(web(ONE, name="www"))
    lab.run(0)
    assert lab.ipvs.pool() == {ONE: 1, TWO: 0}


def test_a_removed_server_keeps_its_connections_until_they_end(lab: HealthLab) -> None:
    lab.configure(web(ONE, TWO))
    lab.configure(web(TWO))
    assert lab.ipvs.pool() == {ONE: 0, TWO: 1}
    assert lab.said(f"real_server {ONE}:80 leaves the pool: it gets no new connections and keeps those that it has")
    (leaving,) = lab.status()["virtual_servers"]["web"]["leaving"]
    assert (leaving["address"], leaving["active_connections"]) == (ONE, 3)
    lab.run(30)
    assert lab.ipvs.pool() == {ONE: 0, TWO: 1}
    lab.ipvs.connections[ONE] = (0, 0)
    lab.run(2)
    assert lab.ipvs.pool() == {TWO: 1}
    assert lab.said(f"real_server {ONE}:80 has left the pool: it has no connections")


def test_and_no_longer_than_drain_timeout(lab: HealthLab) -> None:
    lab.configure(web(ONE, TWO, drain_timeout=seconds(20)))
    lab.configure(web(TWO, drain_timeout=seconds(20)))
    lab.run(19)
    assert ONE in lab.ipvs.pool()
    lab.run(3)
    assert ONE not in lab.ipvs.pool()
    assert lab.said("drain_timeout is over, 10 connections are cut")


def test_connections_are_counted_once_a_second_and_only_while_somebody_leaves(lab: HealthLab) -> None:
    lab.configure(web(ONE, TWO))
    lab.run(60)
    assert lab.ipvs.counted == 0
    lab.configure(web(TWO))
    lab.run(10)
    assert 9 <= lab.ipvs.counted <= 10
    lab.ipvs.connections[ONE] = (0, 0)
    lab.run(5)
    before = lab.ipvs.counted
    lab.run(60)
    assert lab.ipvs.counted == before


def test_who_comes_back_while_leaving_serves_again(lab: HealthLab) -> None:
    lab.configure(web(ONE, TWO))
    lab.configure(web(TWO))
    lab.run(5)
    lab.configure(web(ONE, TWO))
    lab.run(5)
    assert lab.ipvs.pool() == {ONE: 1, TWO: 1}


def test_a_restart_lets_a_leaving_server_go_on_leaving(lab: HealthLab) -> None:
    lab.configure(web(ONE, TWO))
    lab.configure(web(TWO))
    lab.run(3)
    lab.worker = lab.new_worker()
    edits = list(lab.ipvs.applied)
    lab.configure(web(TWO))
    lab.run(10)
    assert lab.ipvs.applied == edits
    lab.ipvs.connections[ONE] = (0, 0)
    lab.run(2)
    assert lab.ipvs.pool() == {TWO: 1}


def test_while_the_engine_is_away_nobody_is_counted_out(lab: HealthLab) -> None:
    lab.configure(web(ONE, TWO))
    lab.configure(web(TWO))
    lab.ipvs.missing = "ip_vs is gone"
    lab.run(30)
    lab.ipvs.missing = ""
    lab.run(15)
    assert lab.ipvs.pool() == {ONE: 0, TWO: 1}

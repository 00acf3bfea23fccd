# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A worker that starts while its engine, or netlink, is away does later what it would have done at once."""

from __future__ import annotations

import pytest

from mainstay.daemon.health.engines import LONGEST_PAUSE
from mainstay.lvs.table import ServiceKey
from mainstay.model.units import as_seconds

from .health_lab import ONE, REFUSED, SHORTAGE, TWO, WEB, HealthLab, hand_made, web

GONE = "198.51.100.9"
FOREIGN = ServiceKey("UDP", "203.0.113.1", 25)


@pytest.fixture
def lab() -> HealthLab:
    made = HealthLab()
    made.ipvs.missing = "ip_vs does not answer"
    return made


def comes(lab: HealthLab) -> None:
    lab.ipvs.missing = ""
    lab.run(as_seconds(LONGEST_PAUSE))


def test_lvs_flush_is_done_when_the_engine_opens(lab: HealthLab) -> None:
    lab.ipvs.table = {FOREIGN: hand_made(FOREIGN, ONE)}
    lab.configure(web(ONE), lvs_flush=True)
    comes(lab)
    assert set(lab.ipvs.table) == {WEB}


def test_without_lvs_flush_strangers_stay(lab: HealthLab) -> None:
    lab.ipvs.table = {FOREIGN: hand_made(FOREIGN, ONE)}
    lab.configure(web(ONE))
    comes(lab)
    assert set(lab.ipvs.table) == {WEB, FOREIGN}


def test_who_was_out_of_the_pool_and_has_not_been_checked_since_stays_out(lab: HealthLab) -> None:
    lab.ipvs.table = {WEB: hand_made(WEB, ONE)}
    lab.answers[TWO] = SHORTAGE
    lab.configure(web(ONE, TWO))
    comes(lab)
    assert lab.ipvs.pool() == {ONE: 1}
    del lab.answers[TWO]
    lab.run(10)
    assert lab.ipvs.pool() == {ONE: 1, TWO: 1}


def test_what_checks_have_said_meanwhile_counts_for_more(lab: HealthLab) -> None:
    lab.ipvs.table = {WEB: hand_made(WEB, ONE)}
    lab.answers[ONE] = REFUSED
    lab.configure(web(ONE, TWO))
    lab.run(10)
    comes(lab)
    assert lab.ipvs.pool() == {TWO: 1}


def test_who_was_leaving_goes_on_leaving(lab: HealthLab) -> None:
    lab.ipvs.table = {WEB: hand_made(WEB, ONE, GONE)}
    lab.configure(web(ONE))
    comes(lab)
    assert lab.ipvs.pool() == {ONE: 1, GONE: 0}
    lab.ipvs.connections[GONE] = (0, 0)
    lab.run(2)
    assert lab.ipvs.pool() == {ONE: 1}


def test_addresses_that_cannot_be_followed_are_told_once_and_followed_later() -> None:
    lab = HealthLab()
    lab.addresses.failure = "Too many open files"
    lab.addresses.held = set()
    lab.configure(web(ONE, ha_suspend=True))
    lab.run(60)
    assert lab.said("cannot be followed") == [
        "error: mainstayd: the addresses of this machine cannot be followed: Too many open files; "
        "ha_suspend rests no checks until they can"
    ]
    lab.addresses.failure = ""
    lab.run(11)
    assert lab.addresses.is_open
    probes = len(lab.probes)
    lab.run(30)
    assert len(lab.probes) == probes, "the address is elsewhere"

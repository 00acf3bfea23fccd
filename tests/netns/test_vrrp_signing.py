# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signing is turned on and a key is replaced by reloads of two running daemons: in order nothing moves."""

from __future__ import annotations

from pathlib import Path

import pytest
from netns.address_watch import AddressWatch
from netns.daemons import Daemon, Document, instance
from netns.pairs import await_line, settled_pair
from netns.segment import Segment

from lab.waiting import wait_for

QUICK = {"advert_int": 0.2}
PRIORITIES = {"a": 150, "b": 100}
OLD = {"id": 1, "key": "hex:" + "5a" * 32}
NEW = {"id": 2, "key": "hex:" + "a5" * 32}


def signing(mode: str, active: int, *keys: Document) -> Document:
    return {"mode": mode, "active_key": active, "keys": list(keys)}


ENFORCED = signing("enforce", 1, OLD)
KNOWN_TO_BOTH = signing("enforce", 1, OLD, NEW)
USED = signing("enforce", 2, OLD, NEW)
STEPS = (signing("receive-only", 1, OLD), signing("permissive", 1, OLD), ENFORCED, KNOWN_TO_BOTH, USED)
STEPS += (signing("enforce", 2, NEW),)


def give(daemon: Daemon, auth_hmac: Document) -> None:
    priority = PRIORITIES[daemon.node.name]
    daemon.write(VI_1=instance(priority, **QUICK, auth_hmac=auth_hmac))
    answer = daemon.ask("reload")
    assert answer == {"ok": True, "changed": ["vrrp_instance VI_1: changed auth_hmac"]}, answer


def await_heard(daemon: Daemon, count: int) -> None:
    """Wait until it has believed so many more adverts."""
    begin = daemon.status()["counters"]["adverts_received"]
    wait_for(
        lambda: daemon.status()["counters"]["adverts_received"] >= begin + count,
        10,
        f"{count} adverts at {daemon.node.name}",
        evidence=daemon.evidence,
    )


@pytest.mark.conformance("AUTH-04")
def test_from_unsigned_to_the_second_key_without_a_transition(segment: Segment, tmp_path: Path) -> None:
    """AUTH-04."""
    a, b = settled_pair(segment, tmp_path, **QUICK)
    before = a.status()["transitions"], b.status()["transitions"]

    with AddressWatch([a.node, b.node]) as watch:
        for step in STEPS:
            for daemon in (b, a):  # the one that listens knows a key before anybody signs with it
                give(daemon, step)
                await_heard(b, 3)
        assert (a.state(), b.state()) == ("MASTER", "BACKUP")
        assert len(watch.holdings(a.node)) == 1 and watch.holdings(b.node) == [], "the address was never away"

    assert (a.status()["transitions"], b.status()["transitions"]) == before, b.evidence()
    assert a.status()["counters"]["discarded"] == b.status()["counters"]["discarded"] == {}
    a.signal_and_await_end()
    b.await_state("MASTER")  # its farewell is signed with the second key, and believed


@pytest.mark.conformance_negative("AUTH-04")
def test_a_key_that_is_used_before_the_peer_knows_it_makes_two_masters_and_names_the_reason(
    segment: Segment, tmp_path: Path
) -> None:
    """AUTH-04: and the step that was left out mends it."""
    a, b = settled_pair(segment, tmp_path, **QUICK, auth_hmac=ENFORCED)

    give(a, USED)

    b.await_state("MASTER")
    await_line(b, "discarded a packet from 192.0.2.1: ")
    assert set(b.status()["counters"]["discarded"]) == {"auth_unknown_key"}
    line = next(line for line in b.log.read_text().splitlines() if "discarded a packet" in line)
    assert "key 2" in line, line
    assert a.state() == "MASTER", "what b signs with the first key a still knows, and b is worse"

    give(b, KNOWN_TO_BOTH)
    b.await_state("BACKUP")
    await_heard(b, 3)
    assert a.node.holds() and not b.node.holds()
    assert not any(secret in daemon.log.read_text() for daemon in (a, b) for secret in ("5a5a", "a5a5"))

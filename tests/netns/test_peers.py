# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Debian's keepalived 2.2.7 and FRR 8.4's vrrpd as peers, in every manner of speaking that both sides know.

Each story runs all manners of one pace beside each other, one virtual router for each.
"""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from netns.audit import Audit, Kinds, message_of
from netns.encounter import Encounter, two_nodes
from netns.peers import FrrPeer, KeepalivedPeer, Manner, Manners, Peer
from netns.segment import Node, Segment

PASSWORD = {"auth_type": "PASS", "auth_pass": "1111"}
THEIR_PASSWORD = "authentication {{\n auth_type PASS\n auth_pass 1111\n }}"  # noqa: S105
UNICAST = "unicast_peer {{\n 192.0.2.1\n }}"
UNICAST_V6 = "unicast_src_ip 2001:db8::a:2\n unicast_peer {{\n 2001:db8::a:1\n }}"
LEASED = 1
"""Seconds. The kernel counts leases in whole ones: with shorter adverts one may outlast the silence."""
Make = t.Callable[[Node, Path, Manners, int], Peer]


class Side(t.NamedTuple):
    """A peer and what it is to speak."""

    make: Make
    manners: Manners
    kinds: Kinds = Kinds()

    @property
    def ids(self) -> list[int]:
        return [manner.number for manner in self.manners.values()]


SIDES = {
    "keepalived, version 2": Side(
        KeepalivedPeer,
        {
            "plain": Manner(21, version=2, advert_int=1),
            "password": Manner(22, {"authentication": PASSWORD}, THEIR_PASSWORD, version=2, advert_int=1),
            "unicast": Manner(23, {"unicast_peer": ["192.0.2.2"]}, UNICAST, version=2, advert_int=1),
        },
    ),
    "keepalived, version 3": Side(
        KeepalivedPeer,
        {
            "IPv4": Manner(31),
            "IPv6": Manner(32, family=6),
            "unicast": Manner(33, {"unicast_peer": ["192.0.2.2"], "unicast_ttl": 64}, UNICAST),
            "unicast_IPv6": Manner(34, {"unicast_peer": ["2001:db8::a:2"]}, UNICAST_V6, family=6),
            "another_group": Manner(35, {"mcast_dst_ip": "224.0.0.99"}, "mcast_dst_ip 224.0.0.99"),
        },
        Kinds(ttl={33: 64}),
    ),
    "FRR": Side(
        FrrPeer,
        {
            "version_2": Manner(21, version=2, advert_int=1),
            "pseudo_header": Manner(31, {"v3_checksum": "rfc5798"}),
            "automatic": Manner(32),
            "IPv6": Manner(33, family=6),
        },
    ),
}


@pytest.fixture(params=SIDES.values(), ids=SIDES)
def side(request: pytest.FixtureRequest) -> Side:
    return t.cast(Side, request.param)


@pytest.mark.conformance("INT-08", "INT-09", "TX-01", "TX-02", "CS-05")
@pytest.mark.conformance("PKT-03", "PKT-05", "PKT-08", "PKT-13", "PKT-14")
def test_ours_is_master_hands_over_preempts_and_dies(segment: Segment, tmp_path: Path, side: Side) -> None:
    a, b = two_nodes(segment)
    audit = Audit(segment, tmp_path, a, side.kinds)
    both = Encounter(a, tmp_path, side.manners, side.make(b, tmp_path, side.manners, 100), 150)
    both.ours.start()
    both.await_ours("MASTER")
    both.peer.start()
    both.await_peer("BACKUP")
    both.settle()

    both.ours.signal_and_await_end()
    both.await_peer("MASTER")
    assert all(both.peer.heard_priority_zero(name) for name in side.manners)
    assert not any(a.holds(manner.address) for manner in side.manners.values())

    both.ours.start()
    both.await_ours("MASTER")
    both.await_peer("BACKUP")
    both.assert_content()

    both.kill_ours()
    both.await_peer("MASTER")
    assert not any(a.holds(manner.address) for manner in side.manners.values() if manner.advert_int >= LEASED)
    both.await_released()
    sent = audit.close(*side.ids)
    assert {message_of(packet).priority for packet in sent} == {150, 0}


@pytest.mark.conformance("INT-08", "INT-09", "FSM-07", "TX-02")
def test_the_peer_is_master_hands_over_preempts_and_dies(segment: Segment, tmp_path: Path, side: Side) -> None:
    a, b = two_nodes(segment)
    audit = Audit(segment, tmp_path, a, side.kinds)
    both = Encounter(a, tmp_path, side.manners, side.make(b, tmp_path, side.manners, 150), 100)
    both.peer.start()
    both.await_peer("MASTER")
    both.ours.start()
    both.await_ours("BACKUP")
    both.settle()
    both.assert_content()

    both.peer.stop()
    both.await_ours("MASTER")
    assert both.counters("counters", "priority_zero_received") == dict.fromkeys(side.manners, 1)

    both.peer.start()
    both.await_peer("MASTER")
    both.await_ours("BACKUP")
    both.assert_content()

    both.peer.kill()
    both.await_ours("MASTER")
    audit.close(*side.ids)

# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Debian's keepalived (2.2.7, VRRP version 3) as the peer, once as our backup and once as our master."""

from __future__ import annotations

import signal
import typing as t
from pathlib import Path

import pytest
from netns.daemons import Daemon, Keepalived, instance
from netns.segment import Segment

from lab.waiting import wait_for

COMPLAINTS = ("checksum", "invalid", "mismatch", "bogus", "bad ")


def complaints(peer: Keepalived) -> list[str]:
    return [line for line in peer.log.read_text().splitlines() if any(word in line.lower() for word in COMPLAINTS)]


def test_ours_is_master_hands_over_to_keepalived_and_preempts_it(segment: Segment, tmp_path: Path) -> None:
    ours = Daemon(segment.node("a"), tmp_path, VI_1=instance(150)).start()
    ours.await_state("MASTER")
    peer = Keepalived(segment.node("b"), tmp_path, priority=100).start()
    peer.await_state("BACKUP")
    received = "the peer to have stayed BACKUP for several adverts"
    sent = ours.status()["counters"]["adverts_sent"]
    wait_for(lambda: ours.status()["counters"]["adverts_sent"] >= sent + 5, 20, received, evidence=ours.evidence)
    assert not peer.node.holds() and ours.node.holds()

    ours.signal_and_await_end()
    peer.await_state("MASTER")
    wait_for(peer.node.holds, 5, "keepalived to hold the address", evidence=peer.log.read_text)

    ours.start()
    ours.await_state("MASTER")
    peer.await_state("BACKUP")
    wait_for(lambda: not peer.node.holds(), 5, "keepalived to let go", evidence=peer.log.read_text)
    assert ours.node.holds()
    assert complaints(peer) == []


def test_keepalived_is_master_hands_over_to_ours_and_preempts_it(segment: Segment, tmp_path: Path) -> None:
    peer = Keepalived(segment.node("b"), tmp_path, priority=150).start()
    peer.await_state("MASTER")
    ours = Daemon(segment.node("a"), tmp_path, VI_1=instance(100)).start()
    ours.await_state("BACKUP")
    wait_for(lambda: ours.status()["counters"]["adverts_received"] >= 5, 20, "five adverts", evidence=ours.evidence)
    assert ours.status()["master"] == peer.node.address and not ours.node.holds()

    peer.stop()
    ours.await_state("MASTER")
    assert ours.status()["counters"]["priority_zero_received"] == 1
    wait_for(lambda: not peer.node.holds(), 5, "keepalived to let go", evidence=peer.log.read_text)
    assert ours.node.holds()

    wait_for(lambda: not peer.node.processes(), 10, "keepalived to end")
    peer.start()
    peer.await_state("MASTER")
    ours.await_state("BACKUP")
    assert not ours.node.holds()
    status = ours.status()
    assert (status["problems"], status["counters"]["discarded"]) == ([], {})
    assert complaints(peer) == []


def test_keepalived_takes_over_from_a_killed_daemon_whose_address_is_gone_by_then(
    segment: Segment, tmp_path: Path
) -> None:
    ours = Daemon(segment.node("a"), tmp_path, VI_1=instance(150)).start()
    ours.await_state("MASTER")
    peer = Keepalived(segment.node("b"), tmp_path, priority=100).start()
    peer.await_state("BACKUP")

    ours.node.signal_all(signal.SIGSTOP)  # or the last to be killed sees the others die and ends in order
    ours.node.signal_all(signal.SIGKILL)

    peer.await_state("MASTER")
    assert not ours.node.holds()


class Manner(t.NamedTuple):
    """A way to speak VRRP, as each side is told of it."""

    ours: dict[str, object]
    theirs: str
    addresses: tuple[str, ...] = ("192.0.2.10/24",)


PASSWORD = {"auth_type": "PASS", "auth_pass": "1111"}
MANNERS = {
    "version 2": Manner({"version": 2}, "version 2"),
    "version 2 with a password": Manner(
        {"version": 2, "authentication": PASSWORD},
        "version 2\n    authentication {\n        auth_type PASS\n        auth_pass 1111\n    }",
    ),
    "IPv6": Manner({}, "version 3", ("fe80::51/64", "2001:db8::51/64")),
    "unicast": Manner({"unicast_peer": ["192.0.2.2"]}, "unicast_peer {\n        192.0.2.1\n    }"),
    "unicast version 2": Manner(
        {"unicast_peer": ["192.0.2.2"], "version": 2}, "version 2\n    unicast_peer {\n        192.0.2.1\n    }"
    ),
    "another group": Manner({"mcast_dst_ip": "224.0.0.99"}, "mcast_dst_ip 224.0.0.99"),
}


@pytest.mark.parametrize("manner", MANNERS.values(), ids=MANNERS)
def test_each_yields_to_the_other_and_takes_over_from_it(segment: Segment, tmp_path: Path, manner: Manner) -> None:
    first, second = segment.node("a"), segment.node("b")
    shown = manner.addresses[-1].partition("/")[0]
    wait_for(lambda: first.link_local and second.link_local, 10, "link-local addresses")
    own = instance(150, virtual_ipaddress=list(manner.addresses), **manner.ours)
    ours = Daemon(first, tmp_path, VI_1=own).start()
    ours.await_state("MASTER")
    peer = Keepalived(second, tmp_path, 100, addresses=manner.addresses, more=manner.theirs).start()
    peer.await_state("BACKUP")
    sent = ours.status()["counters"]["adverts_sent"]
    settled = "the peer to have stayed BACKUP for several adverts"
    wait_for(lambda: ours.status()["counters"]["adverts_sent"] >= sent + 5, 20, settled, evidence=ours.evidence)
    assert first.holds(shown) and not second.holds(shown)

    ours.signal_and_await_end()
    peer.await_state("MASTER")
    wait_for(lambda: second.holds(shown), 5, "keepalived to hold the address", evidence=peer.log.read_text)

    ours.write(VI_1={**own, "priority": 50})
    ours.start()
    ours.await_state("BACKUP")
    wait_for(lambda: ours.status()["counters"]["adverts_received"] >= 3, 15, "three adverts", evidence=ours.evidence)
    assert ours.status()["counters"]["discarded"] == {}
    peer.stop()
    ours.await_state("MASTER")
    assert ours.status()["counters"]["priority_zero_received"] == 1 and first.holds(shown)
    assert complaints(peer) == []


@pytest.mark.fault("F41")
def test_another_password_is_told_on_our_side_and_nothing_is_believed(segment: Segment, tmp_path: Path) -> None:
    manner = MANNERS["version 2 with a password"]
    wrong = {**manner.ours, "authentication": {"auth_type": "PASS", "auth_pass": "2222"}}
    peer = Keepalived(segment.node("b"), tmp_path, 150, more=manner.theirs).start()
    peer.await_state("MASTER")
    ours = Daemon(segment.node("a"), tmp_path, VI_1=instance(100, **wrong)).start()
    ours.await_state("MASTER")
    counted = lambda: ours.status()["counters"]["discarded"].get("auth_password", 0) >= 2  # noqa: E731
    wait_for(counted, 15, "discards", evidence=ours.evidence)
    assert any("set the same on all routers" in problem for problem in ours.status()["problems"])
    assert "2222" not in ours.log.read_text() and "1111" not in ours.log.read_text()


def test_the_message_only_checksum_is_one_that_this_keepalived_drops(segment: Segment, tmp_path: Path) -> None:
    """The reason for what `v3_checksum: auto` begins with."""
    ours = Daemon(segment.node("a"), tmp_path, VI_1=instance(150, v3_checksum="rfc9568")).start()
    ours.await_state("MASTER")
    peer = Keepalived(segment.node("b"), tmp_path, 100).start()
    peer.await_state("MASTER")
    assert any("checksum" in line.lower() for line in complaints(peer))

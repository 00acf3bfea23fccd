# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Debian's keepalived (2.2.7, VRRP version 3) as the peer, once as our backup and once as our master."""

from __future__ import annotations

import signal
from pathlib import Path

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

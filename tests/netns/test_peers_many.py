# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""keepalived as a peer in more than a plain pair: nopreempt on either side, three machines, sync groups."""

from __future__ import annotations

from pathlib import Path

import pytest
from netns.audit import Audit
from netns.daemons import Daemon
from netns.encounter import Encounter, two_nodes
from netns.peers import KeepalivedPeer, Manner
from netns.segment import Node, Segment

from lab.network import ip
from lab.waiting import wait_for

NAME = "VI_1"


@pytest.mark.conformance("INT-08", "FSM-08")
def test_ours_does_not_preempt_when_told_so(segment: Segment, tmp_path: Path) -> None:
    a, b = two_nodes(segment)
    manners = {NAME: Manner(31, {"nopreempt": True})}
    both = Encounter(a, tmp_path, manners, KeepalivedPeer(b, tmp_path, manners, 100), 200)
    both.peer.start()
    both.await_peer("MASTER")
    both.ours.start()
    both.await_ours("BACKUP")
    both.settle()
    both.peer.kill()
    both.await_ours("MASTER")


@pytest.mark.conformance("INT-08", "FSM-08")
def test_keepalived_does_not_preempt_when_told_so(segment: Segment, tmp_path: Path) -> None:
    a, b = two_nodes(segment)
    manners = {NAME: Manner(31, {}, "state BACKUP\n nopreempt")}
    both = Encounter(a, tmp_path, manners, KeepalivedPeer(b, tmp_path, manners, 200), 100)
    both.ours.start()
    both.await_ours("MASTER")
    both.peer.start()
    both.await_peer("BACKUP")
    both.settle()
    both.assert_content()
    both.kill_ours()
    both.await_peer("MASTER")


class Machine:
    """Ours or keepalived, with the one virtual router of the three machines."""

    def __init__(self, node: Node, folder: Path, kind: str, priority: int) -> None:
        manner = Manner(31)
        self.node, self.address = node, manner.address
        self.daemon = Daemon(node, folder, **{NAME: manner.instance(priority)}) if kind == "ours" else None
        self.peer = None if self.daemon else KeepalivedPeer(node, folder, {NAME: manner}, priority)

    def start(self) -> None:
        if self.daemon:
            self.daemon.start()
        elif self.peer:
            self.peer.start()

    def stop(self) -> None:
        if self.daemon:
            self.daemon.signal_and_await_end()
        elif self.peer:
            self.peer.stop()

    def state(self) -> str:
        if not self.node.processes():
            return "stopped"
        return self.daemon.state(NAME) if self.daemon else self.peer.state(NAME) if self.peer else ""

    def log(self) -> str:
        return (self.daemon or self.peer).log.read_text()[-2000:]  # type: ignore[union-attr]


def await_states(machines: list[Machine], *states: str) -> None:
    """All are in these states, and only the master has the address."""
    wanted = [(state, state == "MASTER") for state in states]
    seen = lambda: [(one.state(), one.node.holds(one.address)) for one in machines]  # noqa: E731
    shown = lambda: f"{seen()}\n{''.join(one.log() for one in machines)}"  # noqa: E731
    wait_for(lambda: seen() == wanted, 20, f"{states}", evidence=shown)


@pytest.mark.conformance("INT-08", "TX-02")
@pytest.mark.parametrize("kinds", [("ours", "keepalived", "ours"), ("keepalived", "ours", "keepalived")], ids="+".join)
def test_of_three_the_next_best_follows(segment: Segment, tmp_path: Path, kinds: tuple[str, ...]) -> None:
    nodes = [segment.node(name) for name in "abc"]
    audits = [Audit(segment, tmp_path, node) for node, kind in zip(nodes, kinds, strict=True) if kind == "ours"]
    priorities = (200, 150, 100)
    machines = [Machine(node, tmp_path, *told) for node, *told in zip(nodes, kinds, priorities, strict=True)]
    for machine in machines:
        machine.start()
    await_states(machines, "MASTER", "BACKUP", "BACKUP")

    machines[0].stop()
    await_states(machines, "stopped", "MASTER", "BACKUP")
    machines[1].stop()
    await_states(machines, "stopped", "stopped", "MASTER")
    machines[1].start()
    await_states(machines, "stopped", "MASTER", "BACKUP")
    machines[0].start()
    await_states(machines, "MASTER", "BACKUP", "BACKUP")
    for audit in audits:
        audit.close(31)


def add_second_link(segment: Segment, node: Node, number: int) -> None:
    """eth1, on a bridge of its own."""
    if number == 1:
        ip(segment.namespace, "link add br1 type bridge mcast_snooping 0 stp_state 0 forward_delay 0")
        ip(segment.namespace, "link set br1 up")
    ip(segment.namespace, f"link add p1-{node.name} type veth peer name eth1 netns {node.namespace}")
    ip(segment.namespace, f"link set p1-{node.name} master br1 up")
    node.ip(f"address add 198.51.100.{number}/24 dev eth1")
    node.ip("link set eth1 up")


MEMBERS = {
    "outside": Manner(41),
    "inside": Manner(42, {"interface": "eth1"}),
}
THEIR_GROUP = "vrrp_sync_group both {\n group {\n outside\n inside\n }\n}"


@pytest.mark.conformance("INT-05", "INT-08")
@pytest.mark.parametrize("better", ["ours", "keepalived"])
def test_both_members_of_a_group_move_to_the_other_side(segment: Segment, tmp_path: Path, better: str) -> None:
    a, b = two_nodes(segment)
    for number, node in enumerate((a, b), 1):
        add_second_link(segment, node, number)
    ours, theirs = (150, 100) if better == "ours" else (100, 150)
    both = Encounter(a, tmp_path, MEMBERS, KeepalivedPeer(b, tmp_path, MEMBERS, theirs, THEIR_GROUP), ours)
    instances = {name: one.instance(ours) for name, one in MEMBERS.items()}
    both.ours.write_document(vrrp_instances=instances, vrrp_sync_groups={"both": {"group": list(MEMBERS)}})
    sides = {"ours": both.await_ours, "keepalived": both.await_peer}
    await_better, await_lesser = sides.pop(better), sides.popitem()[1]
    both.ours.start()
    both.peer.start()
    await_better("MASTER")
    await_lesser("BACKUP")

    failing = a if better == "ours" else b
    ip(segment.namespace, f"link set p1-{failing.name} down")
    await_better("FAULT")
    await_lesser("MASTER")

    ip(segment.namespace, f"link set p1-{failing.name} up")
    await_better("MASTER")
    await_lesser("BACKUP")
    both.settle()

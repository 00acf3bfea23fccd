# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two daemons, two groups of two links each: one link failure moves exactly the group it belongs to.

node a  eth0 eth1 | eth2 eth3      group left: L0 on eth0, L1 on eth1
node b  eth0 eth1 | eth2 eth3      group right: R2 on eth2, R3 on eth3
        br0  br1    br2  br3       bridges in the segment's own namespace
"""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest
from netns.address_watch import AddressWatch
from netns.daemons import Daemon, Document
from netns.segment import Node, Segment

from lab.network import ip
from lab.waiting import wait_for

SHORT = 0.3
GROUPS = {"left": ("L0", "L1"), "right": ("R2", "R3")}
LINKS = {"L0": 0, "L1": 1, "R2": 2, "R3": 3}


def vip(link: int) -> str:
    return f"10.0.{link}.10" if link else "192.0.2.10"


def add_links(segment: Segment, node: Node, number: int) -> None:
    """eth1 to eth3, each on a bridge of its own; eth0 is there already."""
    for link in (1, 2, 3):
        port = f"p{link}-{node.name}"
        if number == 1:
            ip(segment.namespace, f"link add br{link} type bridge mcast_snooping 0 stp_state 0 forward_delay 0")
            ip(segment.namespace, f"link set br{link} up")
        ip(segment.namespace, f"link add {port} type veth peer name eth{link} netns {node.namespace}")
        ip(segment.namespace, f"link set {port} master br{link} up")
        node.ip(f"address add 10.0.{link}.{number}/24 dev eth{link}")
        node.ip(f"link set eth{link} up")


def document(priority: int, advert_int: float = SHORT, **groups: Document) -> Document:
    instances = {
        name: {
            "interface": f"eth{link}",
            "virtual_router_id": 51 + link,
            "priority": priority,
            "advert_int": advert_int,
            "virtual_ipaddress": [f"{vip(link)}/24"],
        }
        for name, link in LINKS.items()
    }
    wanted = {name: {"group": list(members), **groups.get(name, {})} for name, members in GROUPS.items()}
    return {"vrrp_instances": instances, "vrrp_sync_groups": wanted}


def start(segment: Segment, folder: Path, name: str, number: int, priority: int, **groups: Document) -> Daemon:
    node = segment.node(name)
    add_links(segment, node, number)
    daemon = Daemon(node, folder)
    daemon.write_text(json.dumps(document(priority, **groups)))
    return daemon.start()


@pytest.fixture
def pair(segment: Segment, tmp_path: Path) -> tuple[Daemon, Daemon]:
    """a is master of everything, b backup of everything."""
    a = start(segment, tmp_path, "a", 1, 150)
    await_groups(a, left="MASTER", right="MASTER")
    b = start(segment, tmp_path, "b", 2, 100)
    await_groups(b, left="BACKUP", right="BACKUP")
    return a, b


def states(daemon: Daemon) -> dict[str, str]:
    section = daemon.ask("status")["vrrp"]
    return {name: one["state"] for name, one in {**section["groups"], **section["instances"]}.items()}


def await_groups(daemon: Daemon, **wanted: str) -> None:
    """Wait until each group and every one of its members is in the state."""
    whole = {name: state for group, state in wanted.items() for name in (group, *GROUPS[group])}
    wait_for(
        lambda: whole.items() <= states(daemon).items(),
        15,
        f"{wanted} on {daemon.node.name}",
        evidence=lambda: f"{states(daemon)}\n{daemon.evidence()}",
    )


def transitions(daemon: Daemon, group: str) -> list[int]:
    return [daemon.status(name)["transitions"] for name in GROUPS[group]]


@pytest.mark.conformance("INT-05", "FSM-24")
def test_one_link_failure_moves_exactly_its_group(segment: Segment, pair: tuple[Daemon, Daemon]) -> None:
    """INT-05, FSM-24."""
    a, b = pair
    untouched = transitions(a, "right"), transitions(b, "right")
    with AddressWatch([a.node, b.node]) as watch:
        ip(segment.namespace, "link set p1-a down")

        await_groups(b, left="MASTER", right="BACKUP")
        await_groups(a, left="FAULT", right="MASTER")
        for link in (0, 1):
            assert b.node.holds(vip(link)) and not a.node.holds(vip(link))
        assert a.status("L0")["faults"] == ["vrrp_sync_group left: vrrp_instance L1 is in FAULT: no carrier on eth1"]
        assert (transitions(a, "right"), transitions(b, "right")) == untouched
        assert watch.both_held(a.node, b.node) == 0

    ip(segment.namespace, "link set p1-a up")
    await_groups(a, left="MASTER", right="MASTER")
    await_groups(b, left="BACKUP", right="BACKUP")
    assert (transitions(a, "right"), transitions(b, "right")) == untouched


@pytest.mark.conformance_negative("INT-05")
def test_priorities_that_contradict_each_other_do_not_make_a_group_oscillate(segment: Segment, tmp_path: Path) -> None:
    """INT-05: a is better on one link, b on the other: there is one master for both and it stays."""
    a = start(segment, tmp_path, "a", 1, 150)
    await_groups(a, left="MASTER")
    b = Daemon(segment.node("b"), tmp_path)
    add_links(segment, b.node, 2)
    contradicting = document(100, left={"sync_group_tracking_weight": True})  # else it is refused
    contradicting["vrrp_instances"]["L1"]["priority"] = 200
    b.write_text(json.dumps(contradicting))
    b.start()

    settled = transitions(a, "left")
    heard = b.status("L0")["counters"]["adverts_received"]
    wait_for(lambda: b.status("L0")["counters"]["adverts_received"] > heard + 20, 20, "20 adverts", evidence=b.evidence)
    masters = [name for name in ("L0", "L1") if states(a)[name] == "MASTER" and states(b)[name] == "MASTER"]
    assert masters == [], (states(a), states(b))
    assert len({states(a)["L0"], states(a)["L1"]}) == len({states(b)["L0"], states(b)["L1"]}) == 1
    assert [after - before for before, after in zip(settled, transitions(a, "left"))] in ([0, 0], [1, 1])


def test_what_a_group_tracks_is_a_fault_of_every_member(segment: Segment, tmp_path: Path) -> None:
    a = start(segment, tmp_path, "a", 1, 150, left={"track_interface": ["eth3"]})
    await_groups(a, left="MASTER", right="MASTER")

    ip(segment.namespace, "link set p3-a down")

    await_groups(a, left="FAULT", right="FAULT")
    assert a.status("L0")["faults"][0] == "interface eth3 is down: no carrier"


def test_a_reload_that_dissolves_one_group_moves_nobody(pair: tuple[Daemon, Daemon]) -> None:
    a, b = pair
    before = transitions(a, "left"), transitions(a, "right")
    loosened = document(150)
    del loosened["vrrp_sync_groups"]["left"]
    a.write_text(json.dumps(loosened))
    assert a.ask("reload")["ok"] is True

    wait_for(lambda: "left" not in a.ask("status")["vrrp"]["groups"], 5, "the group to be gone", evidence=a.evidence)
    assert (transitions(a, "left"), transitions(a, "right")) == before
    await_groups(b, left="BACKUP", right="BACKUP")


def test_a_vrrp_worker_that_dies_adopts_its_groups_as_a_whole(segment: Segment, tmp_path: Path) -> None:
    """No transition at the peer. A shorter advert_int would prove nothing: no lease is short enough."""
    a, b = (Daemon(segment.node(name), tmp_path) for name in "ab")
    for number, (daemon, priority) in enumerate(((a, 150), (b, 100)), 1):
        add_links(segment, daemon.node, number)
        daemon.write_text(json.dumps(document(priority, advert_int=1)))
        daemon.start()
        await_groups(daemon, left="MASTER" if number == 1 else "BACKUP")
    before = a.ask("status")["vrrp"]["pid"]
    at_peer = transitions(b, "left") + transitions(b, "right")

    next(process for process in a.node.processes() if process.pid == before).signal(signal.SIGKILL)

    wait_for(lambda: a.ask("status")["vrrp"]["pid"] not in (None, before), 10, "a new worker", evidence=a.evidence)
    await_groups(a, left="MASTER", right="MASTER")
    assert "the addresses still held under an unexpired lease" in a.status("L1")["last_transition"], a.evidence()
    assert transitions(b, "left") + transitions(b, "right") == at_peer, b.evidence()

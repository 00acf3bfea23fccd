# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Virtual routers on VLANs, on a bond and in a VRF; the kernel that the other tests run on may have none of these.

One pair of daemons serves all of it, because a guest is slow to start them. a is master of everything but OTHERS.
Each test leaves both as it found them.

    eth0.10  VI_VLAN, with an address on eth0.20 too; VI_TRACK, which follows eth0.30
    bond0    VI_BOND, over slave0 and slave1; b is plain eth0 there
    eth0.40  VI_VRF and VI_VRF6    a: enslaved to the VRF blue
    eth0.50  VI_OTHER and VI_OTHER6    a: enslaved to the VRF blue
"""

from __future__ import annotations

import socket
import typing as t

import pytest
from netns.daemons import VIRTUAL_ROUTER_ID, Daemon, Document, instance
from netns.segment import DEVICE, Node, Segment

from lab import command
from lab.network import ip
from lab.waiting import wait_for

DEADLINE = 40.0
"""Seconds; a guest is slow."""
VLANS = (10, 20, 30, 40, 50)
SLAVES = ("slave0", "slave1")
MEMBERS = ("eth0.40", "eth0.50")
OTHER_VLAN = "203.0.113.10"
IN_VRF = "10.0.40.10"
ON_ETH0 = ("VI_VLAN", "VI_TRACK", "VI_VRF", "VI_VRF6")
"""What a is master of through eth0."""
OTHERS = ("VI_OTHER", "VI_OTHER6")
"""What b is master of, on the other member of the VRF, with the numbers of VI_VRF and VI_VRF6."""


class Pair(t.NamedTuple):
    segment: Segment
    a: Daemon
    b: Daemon

    def await_served_by(self, daemon: Daemon, *names: str) -> None:
        """Wait until this one is master of them, and the other one is backup or in FAULT."""
        other = self.b if daemon is self.a else self.a

        def served() -> bool:
            ours, theirs = instances(daemon), instances(other)
            return all(ours[name]["state"] == "MASTER" != theirs[name]["state"] for name in names)

        wait_for(served, DEADLINE, f"{daemon.node.name} alone to be master of {names}", evidence=self.evidence)

    def await_heard(self, *names: str) -> None:
        """Wait until the backup of each of them has heard two more adverts."""
        backups = {name: self.a if name in OTHERS else self.b for name in names}
        before = {name: received(daemon, name) for name, daemon in backups.items()}

        def heard() -> bool:
            return all(received(daemon, name) >= before[name] + 2 for name, daemon in backups.items())

        wait_for(heard, DEADLINE, f"the backups of {names} to hear adverts", evidence=self.evidence)

    def evidence(self) -> str:
        return f"{self.a.evidence()}\n{self.b.evidence()}"


def instances(daemon: Daemon) -> Document:
    return t.cast(Document, daemon.ask("status")["vrrp"]["instances"])


def received(daemon: Daemon, name: str) -> int:
    return int(daemon.status(name)["counters"]["adverts_received"])


def batch(namespace: str, *lines: str) -> None:
    """Run ip(8) once: to start a program takes a guest a while."""
    command.must(["ip", "-netns", namespace, "-batch", "-"], stdin="\n".join([*lines, ""]))


def stack(node: Node, number: int) -> None:
    """The VLANs on eth0."""
    lines = []
    for vlan in VLANS:
        lines.append(f"link add link {DEVICE} name eth0.{vlan} type vlan id {vlan}")
        lines.append(f"address add 10.0.{vlan}.{number}/24 dev eth0.{vlan}")
        lines.append(f"link set eth0.{vlan} up")
    batch(node.namespace, *lines)


def enslave(node: Node) -> None:
    batch(node.namespace, *(f"link set {device} master blue" for device in MEMBERS))


def leave(node: Node) -> None:
    batch(node.namespace, *(f"link set {device} nomaster" for device in MEMBERS))


def bond(segment: Segment, node: Node) -> None:
    """active-backup over two cables to the bridge."""
    cables = [f"link add {one} type veth peer name {one} netns {node.namespace}" for one in SLAVES]
    batch(segment.namespace, *cables, *(f"link set {one} master br0 up" for one in SLAVES))
    lines = ["link add bond0 type bond mode active-backup miimon 100"]
    lines += [f"link set {one} master bond0" for one in SLAVES]
    lines += ["address add 192.0.2.101/24 dev bond0", "link set bond0 up"]
    batch(node.namespace, *lines)


def routers(priority: int, other: int, bonded: str) -> dict[str, Document]:
    def on(device: str, rank: int, number: int, *addresses: str, **options: object) -> Document:
        placed = {"interface": device, "virtual_router_id": number, "virtual_ipaddress": list(addresses)}
        return instance(rank, advert_int=0.5, **placed, **options)

    same = VIRTUAL_ROUTER_ID
    return {
        "VI_VLAN": on("eth0.10", priority, same, "10.0.10.10/24", f"{OTHER_VLAN}/24 dev eth0.20"),
        "VI_TRACK": on("eth0.10", priority, same + 1, "10.0.10.11/24", track_interface=["eth0.30"]),
        "VI_BOND": on(bonded, priority, same + 2, "192.0.2.10/24"),
        "VI_VRF": on("eth0.40", priority, same, f"{IN_VRF}/24"),
        "VI_VRF6": on("eth0.40", priority, same, "fe80::5:1/64", "2001:db8::10/64"),
        "VI_OTHER": on("eth0.50", other, same, "10.0.50.10/24"),
        "VI_OTHER6": on("eth0.50", other, same, "fe80::6:1/64", "2001:db8:1::10/64"),
    }


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Pair]:
    for module in ("8021q", "bonding", "vrf"):
        command.must(["/run/modprobe", module])
    segment, folder = Segment("stk"), tmp_path_factory.mktemp("stacked")
    a, b = segment.node("a"), segment.node("b")
    batch(a.namespace, "link add blue type vrf table 10", "link set blue up")
    stack(a, 1)
    stack(b, 2)
    enslave(a)
    bond(segment, a)
    daemons = (
        Daemon(a, folder, **routers(150, 100, "bond0")),
        Daemon(b, folder, **routers(100, 200, DEVICE)),
    )
    for daemon in daemons:
        daemon.launch()
    for daemon in daemons:
        wait_for(daemon.answers, DEADLINE, "both to answer", evidence=daemon.log.read_text)
    yield Pair(segment, *daemons)
    segment.close()


@pytest.fixture(autouse=True)
def settled(pair: Pair) -> None:
    pair.await_served_by(pair.a, *ON_ETH0, "VI_BOND")
    pair.await_served_by(pair.b, *OTHERS)


@pytest.mark.fault("F48")
@pytest.mark.conformance("INT-10")
def test_the_members_of_a_vrf_hear_and_are_heard_whichever_way_they_move(pair: Pair) -> None:
    for move in (leave, enslave):
        move(pair.a.node)
        pair.await_served_by(pair.a, "VI_VRF", "VI_VRF6")
        pair.await_served_by(pair.b, *OTHERS)
        pair.await_heard("VI_VRF", "VI_VRF6", *OTHERS)
        wait_for(lambda: answers(pair.b.node, IN_VRF), DEADLINE, f"{IN_VRF} to answer", evidence=pair.evidence)


def answers(asker: Node, address: str) -> bool:
    """Whether the address says that nobody listens on the port that was asked."""
    with asker.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(1)
        asking.connect((address, 9))
        try:
            asking.send(b"?")
            asking.recv(1)
        except ConnectionRefusedError:
            return True
        except OSError:
            return False
    return False


@pytest.mark.conformance_negative("INT-10")
def test_a_better_router_on_another_member_of_the_vrf_moves_nobody(pair: Pair) -> None:
    """To the kernel both members are the VRF; b speaks on one of them, with the number that the other one has too.

    Over IPv4 the kernel itself gives a multicast only to who joined on that member. Over IPv6 it asks for the group
    alone: there only the socket's device keeps them apart.
    """
    before = standings(pair.a)
    pair.await_heard(*OTHERS)
    assert standings(pair.a) == before, pair.evidence()
    for name in ("VI_VRF", "VI_VRF6"):
        assert pair.a.status(name)["counters"]["discarded"] == {}, f"{name} heard it and threw it away"


def standings(daemon: Daemon) -> list[tuple[object, ...]]:
    return [(name, one["state"], one["transitions"]) for name, one in instances(daemon).items()]


@pytest.mark.fault("F49")
def test_a_vlan_whose_parent_loses_its_carrier_is_without_one(pair: Pair) -> None:
    before = pair.a.status("VI_BOND")["transitions"]
    pair.a.node.cut()
    pair.await_served_by(pair.b, *ON_ETH0)
    seen = instances(pair.a)
    assert seen["VI_VLAN"]["faults"] == ["no carrier on eth0.10"]
    assert "interface eth0.30 is down: no carrier" in seen["VI_TRACK"]["faults"]
    assert not pair.a.node.holds(OTHER_VLAN)

    pair.a.node.heal()
    pair.await_served_by(pair.a, *ON_ETH0)
    assert pair.a.node.holds(OTHER_VLAN)
    assert pair.a.status("VI_BOND")["transitions"] == before, "the bond has cables of its own"


@pytest.mark.fault("F49")
def test_a_vlan_whose_parent_is_made_anew_is_used_again(pair: Pair) -> None:
    pair.a.node.ip(f"link delete {DEVICE}")
    wait_for(lambda: pair.a.state("VI_VLAN") == "FAULT", DEADLINE, "a to miss it", evidence=pair.evidence)
    assert pair.a.status("VI_VLAN")["faults"] == ["interface eth0.10 does not exist"]

    pair.a.node.plug()
    stack(pair.a.node, 1)
    enslave(pair.a.node)
    pair.await_served_by(pair.a, *ON_ETH0)
    pair.await_served_by(pair.b, *OTHERS)
    pair.await_heard(*ON_ETH0, *OTHERS)
    assert pair.a.node.holds(OTHER_VLAN)


def test_other_vlans_that_vanish_cost_an_address_or_mastership_as_they_are_asked_to(pair: Pair) -> None:
    a = pair.a
    batch(a.node.namespace, "link delete eth0.20", "link delete eth0.30")
    pair.await_served_by(pair.b, "VI_TRACK")
    missing = f"{OTHER_VLAN}/24: interface eth0.20 does not exist"
    assert missing in a.status("VI_VLAN")["problems"] and a.state("VI_VLAN") == "MASTER"

    lines = [f"link add link {DEVICE} name eth0.{vlan} type vlan id {vlan}" for vlan in (20, 30)]
    batch(a.node.namespace, *lines, "link set eth0.20 up", "link set eth0.30 up")
    pair.await_served_by(a, "VI_TRACK", "VI_VLAN")
    wait_for(lambda: a.node.holds(OTHER_VLAN), DEADLINE, "the address again", evidence=pair.evidence)
    assert a.status("VI_VLAN")["problems"] == []


@pytest.mark.fault("F49")
def test_a_bond_is_borne_until_its_last_slave_fails(pair: Pair) -> None:
    a, before = pair.a, pair.a.status("VI_BOND")["transitions"]
    cable(pair, "slave0", "down")
    wait_for(
        lambda: "active_slave slave1" in a.node.run("ip", "-details", "link", "show", "bond0").stdout,
        DEADLINE,
        "the bond to use its other slave",
        evidence=pair.evidence,
    )
    pair.await_heard("VI_BOND")
    assert a.status("VI_BOND")["transitions"] == before, pair.evidence()

    cable(pair, "slave1", "down")
    pair.await_served_by(pair.b, "VI_BOND")
    assert a.status("VI_BOND")["faults"] == ["no carrier on bond0"]

    cable(pair, "slave0", "up")
    pair.await_served_by(a, "VI_BOND")


def cable(pair: Pair, slave: str, state: str) -> None:
    """Of the slave's peer at the bridge."""
    ip(pair.segment.namespace, f"link set {slave} {state}")

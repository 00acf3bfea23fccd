# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""keepalived's sample of sync groups, as examples/sync.yml carries it over, run by two daemons.

node a  eth0 eth1 eth2      G1: VI_1 and VI_5 to VI_9 on eth0, VI_2 on eth1; it tracks a script about its application
node b  eth0 eth1 eth2      G2: VI_3 on eth0, VI_4 on eth1; it tracks eth2
        br0  br1  br2       bridges in the segment's own namespace

Both groups are on eth0 and on eth1, so either of these cables moves both. What one of them alone depends on moves one.
"""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest
import yaml
from jinja2.nativetypes import NativeEnvironment
from netns.address_watch import AddressWatch
from netns.daemons import CHECKOUT, Daemon, Document
from netns.segment import Node, Segment

from lab import command
from lab.network import ip
from lab.waiting import wait_for

DIRECTORS = {"a": "director1", "b": "director2"}
GROUPS = {"G1": ("VI_1", "VI_2", "VI_5", "VI_6", "VI_7", "VI_8", "VI_9"), "G2": ("VI_3", "VI_4")}
ADDRESSES = {
    "G1": ("192.168.200.18/25", "192.168.201.18/26", *(f"192.168.200.{last}/27" for last in range(20, 25))),
    "G2": ("192.168.200.19/27", "192.168.201.19/28"),
}
SHORT = 0.3


def rendered(value: t.Any, variables: Document) -> t.Any:
    """Every template in it filled in, as Ansible would: numbers stay numbers."""
    if isinstance(value, dict):
        return {key: rendered(one, variables) for key, one in value.items()}
    if isinstance(value, list):
        return [rendered(one, variables) for one in value]
    return NativeEnvironment().from_string(value).render(variables) if isinstance(value, str) else value


def sample(director: str, folder: Path) -> Document:
    """What the example says of this director; the paths of its programs and of its application are below the folder."""
    inventory = yaml.safe_load((CHECKOUT / "examples" / "sync.yml").read_text())["directors"]
    known = {"inventory_hostname": director, "groups": {"directors": list(inventory["hosts"])}}
    given = {name: rendered(value, known) for name, value in inventory["vars"].items() if "mainstay" not in name}
    document = {
        name.removeprefix("mainstay_"): rendered(value, {**known, **given})
        for name, value in inventory["vars"].items()
        if name.startswith("mainstay_")
    }
    document["global_defs"]["script_user"] = "root"
    document["vrrp_scripts"]["application"]["script"] = f"/usr/bin/test -e {folder}/application.ready"
    group = document["vrrp_sync_groups"]["G1"]
    for key in ("notify_master", "notify_backup", "notify_fault"):
        group[key] = group[key].replace("/usr/local/bin", str(folder))
    for one in document["vrrp_instances"].values():
        one["advert_int"] = SHORT
    return document


def prepared(segment: Segment, folder: Path, name: str) -> Daemon:
    """A director with its links, its application and the programs of its operator."""
    node = segment.node(name)
    number = list(DIRECTORS).index(name) + 2
    for link in (1, 2):
        add_link(segment, node, link)
    node.ip(f"address add 192.168.200.{number}/24 dev eth0")
    node.ip(f"address add 192.168.201.{number}/24 dev eth1")
    daemon = Daemon(node, folder)
    (daemon.folder / "application.ready").touch()
    for word in ("mast", "back", "fault"):
        program = daemon.folder / f"vrrp.{word}"
        program.write_text(f'#!/bin/sh\necho "{word} $*" >> {daemon.folder}/told\n')
        program.chmod(0o755)
    daemon.write_text(json.dumps(sample(DIRECTORS[name], daemon.folder)))
    return daemon


def add_link(segment: Segment, node: Node, link: int) -> None:
    port = f"p{link}-{node.name}"
    if node.name == "a":
        ip(segment.namespace, f"link add br{link} type bridge mcast_snooping 0 stp_state 0 forward_delay 0")
        ip(segment.namespace, f"link set br{link} up")
    ip(segment.namespace, f"link add {port} type veth peer name eth{link} netns {node.namespace}")
    ip(segment.namespace, f"link set {port} master br{link} up")
    node.ip(f"link set eth{link} up")


def told(daemon: Daemon) -> list[str]:
    return (daemon.folder / "told").read_text().splitlines()


def states(daemon: Daemon) -> dict[str, str]:
    section = daemon.ask("status")["vrrp"]
    return {name: one["state"] for name, one in {**section["groups"], **section["instances"]}.items()}


def await_groups(daemon: Daemon, **wanted: str) -> None:
    """Wait until the groups are in these states with every member, and exactly the masters' addresses are held."""
    whole = {name: state for group, state in wanted.items() for name in (group, *GROUPS[group])}
    held = {group: state == "MASTER" for group, state in wanted.items()}

    def settled() -> bool:
        shown = daemon.node.run("ip", "-oneline", "-4", "address", "show").stdout
        right = all((f" {vip} " in shown) is here for group, here in held.items() for vip in ADDRESSES[group])
        return right and whole.items() <= states(daemon).items()

    evidence = lambda: f"{states(daemon)}\n{daemon.evidence()}"  # noqa: E731
    wait_for(settled, 20, f"{wanted} on {daemon.node.name}", evidence=evidence)


def transitions(group: str, *daemons: Daemon) -> list[int]:
    return [daemon.status(name)["transitions"] for daemon in daemons for name in GROUPS[group]]


@pytest.fixture
def pair(segment: Segment, tmp_path: Path) -> tuple[Daemon, Daemon]:
    """Both started at once, as a site does: a, the better one, is master of all nine instances."""
    a, b = (prepared(segment, tmp_path, name) for name in DIRECTORS)
    a.start()
    b.start()
    await_groups(a, G1="MASTER", G2="MASTER")
    await_groups(b, G1="BACKUP", G2="BACKUP")
    return a, b


@pytest.mark.conformance("INT-05", "FSM-24")
def test_what_one_group_alone_depends_on_moves_that_group_alone(segment: Segment, pair: tuple[Daemon, Daemon]) -> None:
    """INT-05, FSM-24: first the cable of eth2, which G2 is there for, then the application of G1."""
    a, b = pair
    before = transitions("G1", a, b)
    with AddressWatch([a.node, b.node], "192.168.200.20") as stays:
        ip(segment.namespace, "link set p2-a down")
        await_groups(b, G1="BACKUP", G2="MASTER")
        await_groups(a, G1="MASTER", G2="FAULT")
        ip(segment.namespace, "link set p2-a up")
        await_groups(a, G1="MASTER", G2="MASTER")
        await_groups(b, G1="BACKUP", G2="BACKUP")
        assert len(stays.holdings(a.node)) == 1, "VI_3 took no address of its subnet with it"
    assert transitions("G1", a, b) == before

    before = transitions("G2", a, b)
    (a.folder / "application.ready").unlink()
    await_groups(b, G1="MASTER", G2="BACKUP")
    await_groups(a, G1="FAULT", G2="MASTER")
    assert transitions("G2", a, b) == before
    wait_for(lambda: told(a)[-1] == "fault arg1 arg2", 10, "vrrp.fault to be run", evidence=a.evidence)
    wait_for(lambda: told(b)[-1] == "mast arg1 arg2", 10, "vrrp.mast to be run", evidence=b.evidence)
    assert "put back" not in a.log.read_text() + b.log.read_text()


@pytest.mark.conformance_negative("INT-05")
@pytest.mark.parametrize("port", ["port-a", "p1-a"], ids=["eth0", "eth1"])
def test_a_cable_that_both_groups_are_on_moves_both_as_a_whole(
    segment: Segment, pair: tuple[Daemon, Daemon], port: str
) -> None:
    """INT-05: the members on the other cable go along, and come back with it."""
    a, b = pair
    with AddressWatch([a.node, b.node], "192.168.201.18") as watch:
        ip(segment.namespace, f"link set {port} down")
        await_groups(b, G1="MASTER", G2="MASTER")
        await_groups(a, G1="FAULT", G2="FAULT")
        ip(segment.namespace, f"link set {port} up")
        await_groups(a, G1="MASTER", G2="MASTER")
        await_groups(b, G1="BACKUP", G2="BACKUP")
        assert len(watch.holdings(b.node)) == 1


@pytest.mark.conformance("FSM-15")
def test_of_equal_priorities_the_higher_address_serves_all_nine(segment: Segment, tmp_path: Path) -> None:
    """keepalived's file to the letter, the same on both: priority 100 everywhere, which the wire alone can settle."""
    a, b = (prepared(segment, tmp_path, name) for name in DIRECTORS)
    for daemon in (a, b):
        document = json.loads((daemon.folder / "mainstay.json").read_text())
        for name, one in document["vrrp_instances"].items():
            one.update({"priority": 100} if name in GROUPS["G2"] else {"priority": 100, "state": "MASTER"})
        daemon.write_text(json.dumps(document))
    parted(segment, "on")
    a.start()
    b.start()
    for daemon in (a, b):
        await_groups(daemon, G1="MASTER", G2="MASTER")

    parted(segment, "off")
    await_groups(a, G1="BACKUP", G2="BACKUP")
    await_groups(b, G1="MASTER", G2="MASTER")
    wait_for(lambda: told(a)[-1] == "back arg1 arg2", 10, "vrrp.back to be run", evidence=a.evidence)

    b.signal_and_await_end()
    await_groups(a, G1="MASTER", G2="MASTER")


def parted(segment: Segment, isolated: str) -> None:
    """The bridges carry nothing between the directors while this is on; every cable keeps its carrier."""
    for port in ("port", "p1", "p2"):
        for name in DIRECTORS:
            words = ["link", "set", "dev", f"{port}-{name}", "isolated", isolated]
            command.must(["bridge", "-n", segment.namespace, *words])

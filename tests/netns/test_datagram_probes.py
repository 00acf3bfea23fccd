# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks over a wire: what only a network says, and a loopback never does."""

from __future__ import annotations

import json
import os
import sys
import typing as t
from pathlib import Path

import pytest

from lab import command
from lab.network import add_namespace, ip

RUNTIME = Path(__file__).resolve().parents[2] / "plugins" / "module_utils"
DIRECTOR, SERVER = (f"msns-{os.getpid()}-{name}" for name in ("probing", "probed"))
HERE = {4: "192.0.2.1", 6: "2001:db8::1"}
THERE = {4: "192.0.2.2", 6: "2001:db8::2"}
NOBODY = {4: "192.0.2.3", 6: "2001:db8::3"}
SILENT_HOST = "no route to host, or the host does not answer ARP or ND"


@pytest.fixture(scope="module", autouse=True)
def wire() -> t.Iterator[None]:
    """Two namespaces with a pair of interfaces between them."""
    for namespace in (DIRECTOR, SERVER):
        add_namespace(namespace)
    try:
        ip(DIRECTOR, f"link add eth0 type veth peer name eth0 netns {SERVER}")
        for namespace, addresses in ((DIRECTOR, HERE), (SERVER, THERE)):
            ip(namespace, f"address add {addresses[4]}/24 dev eth0")
            ip(namespace, f"address add {addresses[6]}/64 dev eth0 nodad")
            ip(namespace, "link set eth0 up")
        yield
    finally:
        for namespace in (DIRECTOR, SERVER):
            command.must(["ip", "netns", "delete", namespace])


def probe(*words: str) -> dict[str, t.Any]:
    """What `mainstay probe` says from the director's namespace."""
    line = ["ip", "netns", "exec", DIRECTOR, "env", f"PYTHONPATH={RUNTIME}", sys.executable, "-m", "mainstay", "probe"]
    done = command.run([*line, *words, "--json"])
    return t.cast("dict[str, t.Any]", json.loads(done.stdout))


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize("groups", ["1 0", "0 2147483647"], ids=["raw socket", "ICMP socket"])
def test_a_host_is_pinged_by_either_kind_of_socket(version: int, groups: str) -> None:
    command.must(["ip", "netns", "exec", DIRECTOR, "sysctl", "-qw", f"net.ipv4.ping_group_range={groups}"])
    told = probe("ping", THERE[version])
    assert (told["verdict"], told["reason"]) == ("up", "echo reply"), told


@pytest.mark.parametrize(("kind", "version"), [("udp", 4), ("ping", 6)])
def test_a_host_that_is_gone_is_down_though_silence_would_do(kind: str, version: int) -> None:
    """Our own kernel gives up asking for its link address after three seconds, and says so."""
    place = NOBODY[version] if kind == "ping" else _place(NOBODY[version])
    told = probe(kind, place, "--timeout", "10")
    assert (told["verdict"], told["reason"]) == ("down", SILENT_HOST), told


@pytest.mark.parametrize("version", [4, 6])
def test_a_port_that_nobody_listens_on_is_down(version: int) -> None:
    told = probe("udp", _place(THERE[version]))
    assert (told["verdict"], told["reason"]) == ("down", "connection refused (ICMP port unreachable)"), told


def _place(address: str) -> str:
    return f"[{address}]:9" if ":" in address else f"{address}:9"


OUT = "add table inet seen; add chain inet seen out { type filter hook output priority 0; }; add rule inet seen out "
KINDS = [("tcp", 4), ("tcp", 6), ("udp", 4), ("ping", 4), ("ping", 6)]


@pytest.fixture
def other_way() -> t.Iterator[None]:
    """An interface that leads nowhere, beside the one that the routes name."""
    ip(DIRECTOR, "link add eth1 type veth peer name eth2")
    for end in ("eth1", "eth2"):
        ip(DIRECTOR, "link set", end, "up")
    yield
    ip(DIRECTOR, "link delete eth1")


@pytest.mark.parametrize(("kind", "version"), KINDS)
def test_the_packets_of_a_probe_carry_its_mark(kind: str, version: int) -> None:
    """What the operator's own rules and routes go by; without the option there is none."""
    assert _matching("meta mark 7", kind, version, "--fwmark", "7") > 0
    assert _matching("meta mark 7", kind, version) == 0


@pytest.mark.parametrize("kind", ["tcp", "udp", "ping"])
def test_a_probe_leaves_by_the_interface_that_it_is_told(kind: str, other_way: None) -> None:
    match = f'oifname "eth1" ip daddr {THERE[4]}'
    assert _matching(match, kind, 4, "--bind-if", "eth1") > 0
    assert _matching(match, kind, 4) == 0


def _matching(match: str, kind: str, version: int, *options: str) -> int:
    """How many packets of this host matched while it probed."""
    inside = ["ip", "netns", "exec", DIRECTOR, "nft"]
    command.must([*inside, f"{OUT}{match} counter"])
    try:
        probe(kind, THERE[version] if kind == "ping" else _place(THERE[version]), "--timeout", "0.3", *options)
        listed = json.loads(command.must([*inside, "--json", "list", "table", "inet", "seen"]))["nftables"]
    finally:
        command.must([*inside, "delete", "table", "inet", "seen"])
    (rule,) = (one["rule"] for one in listed if "rule" in one)
    (counter,) = (one["counter"] for one in rule["expr"] if "counter" in one)
    return int(counter["packets"])

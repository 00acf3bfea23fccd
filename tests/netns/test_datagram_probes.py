# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks by datagram over a wire: what only a network says, and a loopback never does."""

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

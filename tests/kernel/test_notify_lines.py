# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""keepalived and our daemon live through the same story; their FIFOs and scripts tell the same of it."""

from __future__ import annotations

import json
import signal
import socket
import typing as t
from pathlib import Path

from netns.daemons import Document
from netns.health_director import HealthDirector
from netns.pool_lab import NAT_VIP, NAT_VIP6, SERVERS, SERVERS6, PoolLab

from lab.waiting import wait_for

from .daemon_on_director import GUEST_SECONDS
from .ipvs_director import IpvsDirector

CHECKED = 9090
NAMES = (f"[{NAT_VIP}]:tcp:80", "FWM 5", "[pages]:0", f"[{NAT_VIP6}]:udp:53")
"""Of the services, as keepalived calls them."""
LINES_AT_START, LINES_OF_A_CHANGE = 5, 6

_KEEPALIVED = """\
global_defs {{
    script_user root
    enable_script_security
    lvs_notify_fifo {folder}/fifo
    lvs_notify_fifo_script {folder}/reader
}}
virtual_server_group pages {{
    {vip} 81
}}
virtual_server {vip} 80 {{
    delay_loop 1
    lvs_sched rr
    lvs_method NAT
    protocol TCP
    quorum 2
    quorum_up {folder}/quorum_up
    quorum_down {folder}/quorum_down
    real_server {first} 80 {{
        notify_up {folder}/notify_up
        notify_down {folder}/notify_down
        {check}
    }}
    real_server {second} 80 {{
        {check}
    }}
}}
virtual_server fwmark 5 {{
    delay_loop 1
    lvs_sched rr
    lvs_method NAT
    alpha
    omega
    quorum_down {folder}/mark_down
    real_server {first} 80 {{
        notify_down {folder}/mark_server_down
        {check}
    }}
}}
virtual_server group pages {{
    delay_loop 1
    lvs_sched rr
    lvs_method NAT
    protocol TCP
    real_server {first} 80 {{
        {check}
    }}
}}
virtual_server {vip6} 53 {{
    delay_loop 1
    lvs_sched rr
    lvs_method NAT
    protocol UDP
    real_server {first6} 53 {{
    }}
}}
"""
_KEEPALIVED_CHECK = "TCP_CHECK {{\n connect_port {port}\n connect_timeout 5\n retry 0\n warmup 0\n }}"
_PROGRAMS = ("quorum_up", "quorum_down", "notify_up", "notify_down", "mark_down", "mark_server_down")


def configuration(folder: Path) -> Document:
    """The same for our daemon."""
    check = {"type": "tcp", "connect_port": CHECKED, "connect_timeout": 5, "retry": 0, "warmup": 0}
    usual = {"delay_loop": 1, "lb_algo": "rr", "lb_kind": "NAT"}
    first = {"address": SERVERS["first"], "port": 80, "check": check}
    told = {key: f"{folder}/{key}" for key in _PROGRAMS}
    web = {
        **usual,
        "address": NAT_VIP,
        "port": 80,
        "protocol": "TCP",
        "quorum": 2,
        "quorum_up": told["quorum_up"],
        "quorum_down": told["quorum_down"],
        "real_servers": [
            {**first, "notify_up": told["notify_up"], "notify_down": told["notify_down"]},
            {**first, "address": SERVERS["second"]},
        ],
    }
    mark = {
        **usual,
        "fwmark": 5,
        "alpha": True,
        "omega": True,
        "quorum_down": told["mark_down"],
        "real_servers": [{**first, "notify_down": told["mark_server_down"]}],
    }
    pages = {**usual, "virtual_server_group": "pages", "protocol": "TCP", "real_servers": [first]}
    names = {"address": NAT_VIP6, "port": 53, "protocol": "UDP", "real_servers": [{"address": SERVERS6["first"]}]}
    fifo = {"lvs_notify_fifo": f"{folder}/fifo", "lvs_notify_fifo_script": f"{folder}/reader"}
    return {
        "global_defs": {"data_plane": "ipvs", "script_user": "root", **fifo},
        "virtual_server_groups": {"pages": {"entries": [f"{NAT_VIP} 81"]}},
        "virtual_servers": {"web": web, "mark": mark, "pages": pages, "names": {**usual, **names}},
    }


class Port:
    """What the check asks on a server: open or closed."""

    def __init__(self, lab: PoolLab, name: str) -> None:
        self._namespace = lab.servers[name]
        self.open()

    def open(self) -> None:
        with self._namespace.inside():
            self._listening = socket.create_server(("0.0.0.0", CHECKED), backlog=1024)

    def close(self) -> None:
        self._listening.close()


class Told:
    """What one of the two said to its FIFO and its programs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        folder.chmod(0o755)
        self._program("reader", f'exec cat "$1" >> {folder}/read')
        for name in _PROGRAMS:
            self._program(name, f'echo "{name}$*" >> {folder}/calls')

    def _program(self, name: str, text: str) -> None:
        path = self.folder / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)

    def bytes(self) -> bytes:
        read = self.folder / "read"
        return read.read_bytes() if read.exists() else b""

    def await_lines(self, number: int, evidence: t.Callable[[], str]) -> None:
        wait_for(lambda: self.bytes().count(b"\n") >= number, GUEST_SECONDS, f"{number} lines", evidence=evidence)

    def lines(self) -> t.Dict[str, t.List[str]]:
        """In order, by service: which of several services is told first is chance."""
        found = self.bytes().decode().split("\n")
        assert found.pop() == "", "the last line has its end"
        return {name: [line for line in found if f" {name} " in line] for name in NAMES}

    def calls(self) -> t.Dict[str, int]:
        """How often each program ran."""
        calls = (self.folder / "calls").read_text().splitlines()
        return {call: calls.count(call) for call in calls}


def live_through(told: Told, port: Port, evidence: t.Callable[[], str]) -> None:
    """Everything comes up, one server goes and comes back."""
    told.await_lines(LINES_AT_START, evidence)
    port.close()
    told.await_lines(LINES_AT_START + LINES_OF_A_CHANGE, evidence)
    port.open()
    told.await_lines(LINES_AT_START + 2 * LINES_OF_A_CHANGE, evidence)


def run_keepalived(lab: PoolLab, told: Told, port: Port, folder: Path) -> None:
    addresses = {"vip": NAT_VIP, "vip6": NAT_VIP6, "first": SERVERS["first"], "second": SERVERS["second"]}
    check = _KEEPALIVED_CHECK.format(port=CHECKED)
    text = _KEEPALIVED.format(folder=told.folder, first6=SERVERS6["first"], check=check, **addresses)
    (folder / "keepalived.conf").write_text(text)
    node = t.cast(t.Any, HealthDirector(lab, folder / "keepalived")).node
    files = [f"--use-file={folder}/keepalived.conf", f"--pid={folder}/pid", f"--checkers_pid={folder}/checkers"]
    log = folder / "log"
    process = node.start(["keepalived", "--dont-fork", "--log-console", "--check", *files], log)
    live_through(told, port, log.read_text)
    process.signal(signal.SIGTERM)
    wait_for(lambda: not node.processes(), GUEST_SECONDS, "keepalived to end", evidence=log.read_text)
    node.close()


def run_ours(lab: PoolLab, told: Told, port: Port, folder: Path) -> None:
    daemon = HealthDirector(lab, folder / "ours")
    daemon.write_text(json.dumps(configuration(told.folder)))
    daemon.start()
    live_through(told, port, daemon.evidence)
    daemon.signal_and_await_end()
    t.cast(t.Any, daemon.node).close()


def test_fifo_lines_and_scripts_are_those_of_keepalived(director: IpvsDirector, lab: PoolLab, tmp_path: Path) -> None:
    """lvs_notify_fifo, notify_up, notify_down, quorum_up, quorum_down, omega, alpha, quorum."""
    ports = {name: Port(lab, name) for name in SERVERS}
    theirs, ours = Told(tmp_path / "theirs"), Told(tmp_path / "told")

    run_keepalived(lab, theirs, ports["first"], tmp_path)
    director.ipvsadm("--clear")
    run_ours(lab, ours, ports["first"], tmp_path)

    for port in ports.values():
        port.close()
    assert ours.lines() == theirs.lines()
    assert ours.calls() == theirs.calls()
    assert sum(map(len, ours.lines().values())) == LINES_AT_START + 2 * LINES_OF_A_CHANGE, "the story was told"
    assert b"\0" not in theirs.bytes()

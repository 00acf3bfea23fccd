# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What operators do to pools, and what programs and files have to do with them: a real daemon, real connections."""

from __future__ import annotations

import json
import subprocess
import typing as t
from collections import Counter
from pathlib import Path

import pytest
from netns.daemons import Document
from netns.health_director import HealthDirector
from netns.pool_lab import NAT_VIP, SERVERS, PoolLab

from lab.waiting import wait_for

QUICK = {"delay_loop": 0.2, "retry": 0, "delay_before_retry": 0.1, "warmup": 0}
FIRST, SECOND = "192.0.2.21:80", "192.0.2.22:80"


class Operator:
    """A daemon with a service on both servers, and somebody who has a shell there."""

    def __init__(self, lab: PoolLab, folder: Path) -> None:
        self.lab = lab
        self.daemon = HealthDirector(lab, folder)
        self.folder = self.daemon.folder
        self.held = self.folder / "held"
        self.held.mkdir(mode=0o755)
        self.calls_file = self.folder / "calls"
        self.defs: Document = {
            "data_plane": "nftables",
            "script_user": "root",
            "maintenance_directory": str(self.held),
        }

    def program(self, name: str, text: str) -> str:
        """A shell script; its path."""
        path = self.folder / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
        return str(path)

    def teller(self, name: str) -> str:
        """A script that writes down that it ran."""
        return self.program(name, f'echo "{name} $*" >> {self.calls_file}')

    def calls(self) -> list[str]:
        return self.calls_file.read_text().splitlines() if self.calls_file.exists() else []

    def start(self, *servers: Document, sections: Document | None = None, **service: object) -> Operator:
        """Begin with these servers (their options; both are TCP-checked otherwise) and this service."""
        self.write(*servers, sections=sections, **service)
        self.daemon.start()
        return self

    def write(self, *servers: Document, sections: Document | None = None, **service: object) -> None:
        options = servers or ({}, {})
        tcp: Document = {"checks": [{"type": "tcp", **QUICK}]}
        pool = [
            {"address": address, "port": 80, **({} if "check" in more else tcp), **more}
            for address, more in zip(SERVERS.values(), options)
        ]
        web = {"address": NAT_VIP, "port": 80, "protocol": "TCP", "lb_algo": "rr", "lb_kind": "NAT", **service}
        document = {"global_defs": self.defs, "virtual_servers": {"web": {**web, "real_servers": pool}}}
        self.daemon.write_text(json.dumps({**document, **(sections or {})}))

    def mainstay(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """The command line as the operator types it on the director."""
        return self.daemon.mainstay(*arguments)

    def await_servers(self, **states: str) -> None:
        """Wait until the servers are in these states, and in the pool or out of it as they should be."""

        def reached() -> bool:
            servers = self.daemon.servers()
            found = {name: (servers[name]["state"], servers[name]["in_pool"]) for name in states if name in servers}
            return found == {name: (state, state not in ("down", "maintenance")) for name, state in states.items()}

        wait_for(reached, 15, f"the servers to be {states}", evidence=self.daemon.evidence)

    def answering(self) -> set[str]:
        """Who answers new connections."""
        return {self.lab.ask(NAT_VIP) for _ in range(6)}

    def worker_dies(self) -> None:
        """And another one is there, with its first words about the pools."""
        dead = self.daemon.worker()
        dead.signal(9)

        def another() -> bool:
            section = self.daemon.ask("status")["lvs"]
            return bool(section["alive"] and section["pid"] != dead.pid and section["virtual_servers"])

        wait_for(another, 15, "another health worker", evidence=self.daemon.evidence)

    def end(self) -> None:
        t.cast(t.Any, self.daemon.node).close()
        self.lab.director.run("nft", "flush", "ruleset")
        self.lab.director.run("conntrack", "--flush")
        print(self.daemon.log.read_text() if self.daemon.log.exists() else "never started")


@pytest.fixture
def operator(lab: PoolLab, tmp_path: Path) -> t.Iterator[Operator]:
    made = Operator(lab, tmp_path)
    yield made
    made.end()


def test_a_drain_waits_for_the_last_connection_and_resets_none(operator: Operator) -> None:
    operator.start().await_servers(first="up", second="up")
    held = {}
    while len(held) < 2:
        conversation = operator.lab.connect(NAT_VIP)
        held[conversation.ask()] = conversation

    waited = operator.mainstay("drain", "web", "192.0.2.21", "--wait", "1.5", "--reason", "disk")
    assert waited.returncode == 3, waited
    assert "not drained after 1.5 s: 1 established connections, 0 opening" in waited.stdout.splitlines()[-1]
    assert operator.answering() == {"second"}
    assert held["first"].ask() == "first", "a connection that was there goes on"
    assert "!! real_server web 192.0.2.21:80: drain by uid 0" in operator.mainstay("servers", "web").stdout

    held["first"].close()
    gone = operator.mainstay("drain", "web", FIRST, "--wait", "30")
    assert gone.returncode == 0 and gone.stdout.splitlines()[-1].startswith(f"web {FIRST}: drained, "), gone

    assert operator.mainstay("restore", "web", FIRST).returncode == 0
    operator.await_servers(first="up")
    assert operator.answering() == {"first", "second"}
    held["second"].close()


@pytest.mark.parametrize("action", ["drain", "maintenance"])
def test_an_order_holds_over_restart_and_death(operator: Operator, action: str) -> None:
    state = {"drain": "draining", "maintenance": "maintenance"}[action]
    operator.start().await_servers(first="up", second="up")
    assert operator.mainstay(action, "web", FIRST).returncode == 0
    operator.await_servers(first=state)

    operator.daemon.worker().signal(9)
    wait_for(lambda: operator.daemon.log.read_text().count("a new one starts") == 1, 15, "the worker's death")
    operator.daemon.signal_and_await_end()
    operator.daemon.start()

    operator.await_servers(first=state, second="up")
    assert operator.answering() == {"second"}
    told = operator.daemon.ask("status")["overrides"]["orders"]
    assert [(one["server"], one["action"]) for one in told] == [(FIRST, action)]


def test_what_a_new_health_worker_finds_again_is_told_to_nobody(operator: Operator) -> None:
    """Given programs for everything; when the worker dies while all serve, and again while the whole pool has failed;
    then no program runs and nobody is put back on trust. What really changes meanwhile is told.
    """
    flag = operator.folder / "broken"
    check = {"type": "misc", "misc_path": operator.program("check", f"! [ -e {flag} ]"), **QUICK}
    told = {key: operator.teller(key) for key in ("notify_up", "notify_down")}
    quorum = {key: operator.teller(key) for key in ("quorum_up", "quorum_down")}
    operator.start({"check": check, **told}, {"check": check, **told}, **quorum)
    operator.await_servers(first="up", second="up")
    # What is to be found again has to be there: both in the kernel's table, and the quorum told.
    wait_for(lambda: all(one["effective_weight"] for one in operator.daemon.servers().values()), 10, "the table")
    wait_for(lambda: len(operator.calls()) == 1, 10, "quorum_up", evidence=operator.daemon.evidence)
    operator.worker_dies()
    operator.await_servers(first="up", second="up")
    assert [call.strip() for call in operator.calls()] == ["quorum_up"]

    flag.touch()
    operator.await_servers(first="down", second="down")
    wait_for(lambda: len(operator.calls()) == 4, 10, "the programs", evidence=operator.daemon.evidence)
    operator.worker_dies()
    operator.await_servers(first="down", second="down")
    events = [(one["kind"], one["event"]) for one in operator.daemon.ask("events")["events"] if one["kind"] != "DAEMON"]
    assert events == [("VS", "UP"), ("RS", "DOWN"), ("RS", "DOWN"), ("VS", "DOWN")]

    flag.unlink()
    operator.await_servers(first="up", second="up")
    wait_for(lambda: len(operator.calls()) == 7, 10, "the programs", evidence=operator.daemon.evidence)
    calls = [call.strip() for call in operator.calls()]
    assert sorted(calls[1:4]) == ["notify_down", "notify_down", "quorum_down"]
    assert sorted(calls[4:]) == ["notify_up", "notify_up", "quorum_up"]


def test_weights_are_ordered_and_a_forced_server_stays_in_whatever_its_check_says(operator: Operator) -> None:
    broken = {"check": {"type": "tcp", "connect_port": 81, **QUICK}}
    operator.start({}, broken, lb_algo="wrr").await_servers(first="up", second="down")
    assert operator.mainstay("force", "web", SECOND).returncode == 0
    operator.await_servers(second="forced")
    assert operator.mainstay("weight", "web", FIRST, "3").returncode == 0
    wait_for(lambda: operator.daemon.servers()["first"]["effective_weight"] == 3, 10, "the weight")
    assert Counter(operator.lab.ask(NAT_VIP) for _ in range(8)) == {"first": 6, "second": 2}
    operator.mainstay("restore", "web")
    operator.await_servers(second="down")


def test_a_file_in_the_maintenance_directory_takes_a_machine_out_and_its_removal_brings_it_back(
    operator: Operator,
) -> None:
    operator.start().await_servers(first="up", second="up")
    (operator.held / "192.0.2.22").touch()
    operator.await_servers(second="maintenance")
    assert operator.answering() == {"first"}
    assert f"!! {operator.held}/192.0.2.22 holds web {SECOND} in maintenance" in operator.mainstay("servers").stdout
    (operator.held / "192.0.2.22").unlink()
    operator.await_servers(second="up")
    events = operator.mainstay("events", "web").stdout
    assert f"real_server web {SECOND}  MAINTENANCE" in events and f"real_server web {SECOND}  RESTORE" in events


def test_a_daemon_that_starts_without_the_maintenance_directory_brings_nobody_back_into_service(
    operator: Operator,
) -> None:
    operator.start().await_servers(first="up", second="up")
    (operator.held / "192.0.2.22").touch()
    operator.await_servers(second="maintenance")
    operator.daemon.signal_and_await_end()
    aside = operator.held.rename(operator.folder / "aside")
    operator.daemon.start()
    operator.await_servers(first="up", second="maintenance")
    assert operator.answering() == {"first"}
    alarm = next(line for line in operator.mainstay("status").stdout.splitlines() if "maintenance_directory" in line)
    assert alarm.startswith("!! maintenance_directory: since 20") and "(192.0.2.22)" in alarm, alarm
    (aside / "192.0.2.22").unlink()
    aside.rename(operator.held)
    operator.await_servers(second="up")


@pytest.mark.fault("F56")
def test_a_data_plane_that_is_not_there_is_told_before_the_reload_and_by_it_and_the_other_serves_on(
    operator: Operator,
) -> None:
    """This machine's kernel has no ip_vs."""
    operator.start().await_servers(first="up", second="up")
    absent = "this kernel has no ip_vs: load it with 'modprobe ip_vs', or set global_defs.data_plane: nftables"
    file = str(operator.daemon.folder / "mainstay.json")
    assert "data_plane" not in operator.mainstay("plan", file).stdout

    operator.defs["data_plane"] = "ipvs"
    operator.write()
    first = operator.mainstay("plan", file).stdout.splitlines()[0]
    assert first == f"!! data_plane ipvs: is not there, nftables serves on until it comes: {absent}"
    for answer in (operator.mainstay("reload"), operator.mainstay("reload")):
        assert answer.returncode == 0
        assert answer.stderr.startswith(f"warning: data_plane ipvs: {absent}; nftables serves on until then"), answer
    assert operator.answering() == {"first", "second"}

    operator.defs["data_plane"] = "nftables"
    operator.write()
    plan = operator.mainstay("plan", file).stdout
    assert "!!" not in plan and "data_plane: ipvs -> nftables" in plan, plan
    assert operator.mainstay("reload").stderr == ""
    assert operator.answering() == {"first", "second"}


def test_a_program_decides_about_a_server_and_sets_its_weight(operator: Operator) -> None:
    """MISC_CHECK with misc_dynamic."""
    status = operator.folder / "status"
    status.write_text("0")
    misc = {"type": "misc", "misc_path": operator.program("check", f"exit $(cat {status})"), "misc_dynamic": True}
    operator.start({"check": {**misc, **QUICK}}, {}, lb_algo="wrr").await_servers(first="up", second="up")

    status.write_text("5")
    wait_for(lambda: operator.daemon.servers()["first"]["effective_weight"] == 3, 10, "weight 5 - 2")
    status.write_text("0")
    wait_for(lambda: operator.daemon.servers()["first"]["effective_weight"] == 1, 10, "the configured weight")
    status.write_text("1")
    operator.await_servers(first="down")
    assert operator.answering() == {"second"}
    assert operator.daemon.servers()["first"]["reason"].startswith("exit status 1")
    status.write_text("0")
    operator.await_servers(first="up")


@pytest.mark.fault("F64")
def test_a_program_that_hangs_or_floods_fails_its_server_and_delays_no_other_check(operator: Operator) -> None:
    """F64: the other server is checked on time all the while."""
    stuck = operator.program("stuck", "trap '' TERM; while :; do sleep 1; done")
    flood = operator.program("flood", "yes")
    checks = [{"type": "misc", "misc_path": path, "misc_timeout": 0.5, **QUICK} for path in (stuck, flood)]
    operator.start({"checks": checks}, {}).await_servers(first="down", second="up")

    def age() -> float:
        return float(operator.daemon.servers()["second"]["age"])

    ages = []
    wait_for(lambda: ages.append(age()) or len(ages) >= 40, 30, "forty looks at the other server")
    assert max(ages) < 2.0, f"checked every 0.2 s, and once not for {max(ages)} s"
    assert "did not end within 0.5 s" in operator.daemon.servers()["first"]["reason"]


def test_a_number_in_a_file_moves_weights_and_takes_servers_out(operator: Operator) -> None:
    """FILE_CHECK. The second server's check says reverse and another weight than its file."""
    load = operator.folder / "load"
    load.write_text("0")
    files = {"track_files": {"load": {"file": str(load), "weight": 1}}}
    follows = {"type": "file", "track_file": "load"}
    servers = {"check": follows}, {"check": {**follows, "weight": 2, "reverse": True}}
    operator.start(*servers, sections=files, weight=10, lb_algo="wrr").await_servers(first="up", second="up")

    def await_weights(*wanted: int) -> None:
        found = lambda: tuple(one["effective_weight"] for one in operator.daemon.servers().values())  # noqa: E731
        wait_for(lambda: found() == wanted, 10, f"the weights {wanted}", evidence=operator.daemon.evidence)

    load.write_text("-4")
    await_weights(10 - 4, 10 + 2 * 4)
    load.write_text("4")
    await_weights(10 + 4, 10 - 2 * 4)
    load.write_text("-70000")
    operator.await_servers(first="down", second="up")
    assert operator.answering() == {"second"}
    load.write_text("40000")
    operator.await_servers(first="up", second="down")
    assert operator.answering() == {"first"}
    load.write_text("0")
    operator.await_servers(first="up", second="up")


@pytest.mark.fault("F61")
def test_scripts_and_fifos_are_told_of_servers_and_the_quorum_in_order(operator: Operator) -> None:
    fifo, read = operator.folder / "fifo", operator.folder / "read"
    reader = operator.program("reader", f'exec cat "$1" >> {read}')
    operator.defs.update(lvs_notify_fifo=str(fifo), lvs_notify_fifo_script=reader)
    flag = operator.folder / "broken"
    check = {"type": "misc", "misc_path": operator.program("check", f"! [ -e {flag} ]"), **QUICK}
    told = {key: operator.teller(key) for key in ("notify_up", "notify_down")}
    quorum = {key: operator.teller(key) for key in ("quorum_up", "quorum_down")}
    operator.start({"check": check, **told}, {}, quorum=2, omega=True, **quorum)
    operator.await_servers(first="up", second="up")
    flag.touch()
    operator.await_servers(first="down")
    flag.unlink()
    operator.await_servers(first="up")
    operator.daemon.signal_and_await_end()

    server, service = "[192.0.2.21]:tcp:80 [198.51.100.10]:tcp:80", "[198.51.100.10]:tcp:80"
    assert read.read_text().splitlines() == [
        f"VS {service} UP",
        f"RS {server} DOWN",
        f"VS {service} DOWN",
        f"RS {server} UP",
        f"VS {service} UP",
    ]
    calls = [call.strip() for call in operator.calls()]
    assert [call for call in calls if "notify" in call] == ["notify_down", "notify_up", "notify_down"], "omega"
    assert [call for call in calls if "quorum" in call] == ["quorum_up", "quorum_down", "quorum_up", "quorum_down"]

# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""lvs_sync_daemon with two directors in one guest, each with an ip_vs of its own: ipvsadm tells what runs."""

from __future__ import annotations

import json
import signal
import socket
import typing as t
from pathlib import Path

import pytest
from netns.daemons import Daemon, Document, instance
from netns.pool_lab import run
from netns.segment import DEVICE, VIP, Node, Segment

from lab.waiting import wait_for
from mainstay.net.ipvs_sync import BACKUP, MASTER, SyncControl, SyncSettings

from .conftest import ModuleLoading

DEADLINE = 40.0
"""Seconds; a guest is slow."""
PORT = 80


@pytest.fixture
def segment() -> t.Iterator[Segment]:
    made = Segment("sync")
    yield made
    made.close()


@pytest.fixture
def ip_vs() -> None:
    run("/run/modprobe", "ip_vs")


class Director(Daemon):
    """One instance, and a service in DR on its address whose server is d."""

    def serve(self, priority: int, sync: Document | None, services: bool = True) -> Director:
        server = {"address": "192.0.2.4", "port": PORT}
        web = {"address": VIP, "port": PORT, "protocol": "TCP", "lb_algo": "rr", "lb_kind": "DR"}
        document = {
            "global_defs": {"lvs_sync_daemon": sync} if sync is not None else {},
            "vrrp_instances": {"VI_1": instance(priority, vip_lease=0)},
            "virtual_servers": {"web": {**web, "real_servers": [server]}} if services else {},
        }
        self.write_text(json.dumps(document))
        return self

    def shown(self) -> list[str]:
        """ipvsadm's own word."""
        return self.node.run("ipvsadm", "--list", "--daemon").stdout.splitlines()

    def await_shown(self, *expected: str) -> None:
        """Wait until exactly these run."""

        def reached() -> bool:
            return sorted(" ".join(line.split("(")[0].split()) for line in self.shown()) == sorted(expected)

        wait_for(reached, DEADLINE, f"{expected} on {self.node.name}", evidence=self.evidence)

    def evidence(self) -> str:
        return f"{self.shown()} {super().evidence()}"

    def sync(self) -> Document:
        return t.cast(Document, self.ask("status")["lvs"]["sync_daemon"])


FOLLOWING = {"interface": DEVICE, "inst": "VI_1"}
SENDS, RECEIVES = "master sync daemon", "backup sync daemon"


def server_of_pool(node: Node) -> socket.socket:
    """d holds the address and keeps still about it; connections are opened by its kernel."""
    for name in ("arp_ignore", "arp_announce"):
        node.run("sysctl", "-qw", f"net.ipv4.conf.all.{name}={1 if name == 'arp_ignore' else 2}")
    node.ip("link set lo up")
    node.ip(f"address add {VIP}/32 dev lo")
    with node.inside():
        return socket.create_server((VIP, PORT))


@pytest.mark.fault("F59")
def test_a_failover_turns_the_roles_round_and_the_backup_knows_the_master_s_connections(
    ip_vs: None, segment: Segment, tmp_path: Path
) -> None:
    a, b, c, d = (segment.node(name) for name in "abcd")
    listening = server_of_pool(d)
    first, second = (Director(node, tmp_path) for node in (a, b))
    for node in (a, b):  # from the first packet on, not from the third
        node.run("sysctl", "-qw", "net.ipv4.vs.sync_threshold=1 3")
    first.serve(150, FOLLOWING).start().await_state("MASTER", DEADLINE)
    second.serve(100, FOLLOWING).start().await_state("BACKUP", DEADLINE)
    first.await_shown(SENDS)
    second.await_shown(RECEIVES)
    assert f"mcast={DEVICE}, syncid=51" in second.shown()[0], second.shown()
    wait_for(lambda: a.holds() and not b.holds(), DEADLINE, f"{VIP} on a")

    with c.inside():
        client = socket.create_connection((VIP, PORT), 10)
    taken, _peer = listening.accept()
    port = client.getsockname()[1]
    for _packet in range(10):
        client.send(b"x")
        taken.recv(1)

    def known() -> bool:
        return f"192.0.2.3:{port}" in b.run("ipvsadm", "--list", "--numeric", "--connection").stdout

    def evidence() -> str:
        listed = [node.run("ipvsadm", "-lnc").stdout for node in (a, b)]
        return f"{listed} {first.shown()} {second.shown()}"

    wait_for(known, DEADLINE, "the connection on the backup", evidence=evidence)

    second.node.run("ipvsadm", "--stop-daemon", "backup")
    second.await_shown(RECEIVES)
    assert "the backup was stopped by somebody else; it runs again" in second.log.read_text()
    assert second.sync()["repairs"] == 1

    first.signal_and_await_end()
    second.await_shown(SENDS)
    assert first.shown() == []
    client.send(b"y")
    assert taken.recv(1) == b"y", "the connection lives on through the second director"
    for one in (client, taken, listening):
        one.close()
    second.signal_and_await_end()
    assert second.shown() == []


def test_without_an_instance_both_run_a_reload_changes_them_and_what_is_right_is_adopted(
    ip_vs: None, segment: Segment, tmp_path: Path
) -> None:
    director = Director(segment.node("a"), tmp_path)
    settings = {"interface": DEVICE, "syncid": 7, "maxlen": 500, "port": 8850, "ttl": 3, "group": "224.0.0.99"}
    options = ["--syncid=7", "--sync-maxlen=500", "--mcast-port=8850", "--mcast-ttl=3", "--mcast-group=224.0.0.99"]
    director.node.run("ipvsadm", "--start-daemon", "master", f"--mcast-interface={DEVICE}", *options)
    before = director.shown()
    assert len(before) == 1, before
    director.serve(150, settings, services=False).start().await_state("MASTER", DEADLINE)
    director.await_shown(SENDS, RECEIVES)
    assert before[0] in director.shown() and "the master runs already as it should" in director.log.read_text()
    assert director.sync() == {
        "interface": DEVICE, "syncid": 7, "wanted": ["master", "backup"], "running": ["backup", "master"],
        "problem": None, "repairs": 0,
    }  # fmt: skip

    director.serve(150, {**settings, "syncid": 8}, services=False)
    assert director.ask("reload")["ok"]
    wait_for(lambda: all("syncid=8," in line for line in director.shown()) and len(director.shown()) == 2,
             DEADLINE, "the new syncid", evidence=director.evidence)  # fmt: skip

    director.serve(150, None, services=False)
    assert director.ask("reload")["ok"]
    director.await_shown()
    director.node.run("ipvsadm", "--start-daemon", "backup", f"--mcast-interface={DEVICE}", "--syncid=99")
    director.signal_and_await_end()
    assert len(director.shown()) == 1, "somebody else's, as nothing of it is configured"
    director.node.run("ipvsadm", "--stop-daemon", "backup")


def test_the_successor_of_a_killed_worker_goes_on_and_a_violent_death_leaves_it_to_release(
    ip_vs: None, segment: Segment, tmp_path: Path
) -> None:
    director = Director(segment.node("a"), tmp_path)
    director.serve(150, FOLLOWING, services=False).start().await_state("MASTER", DEADLINE)
    director.await_shown(SENDS)
    before = director.shown()
    old = director.ask("status")["lvs"]["pid"]
    next(one for one in director.node.processes() if one.pid == old).signal(signal.SIGKILL)
    wait_for(lambda: director.ask("status")["lvs"]["pid"] not in (None, old), DEADLINE, "a new worker")
    wait_for(
        lambda: (director.sync() or {}).get("running") == ["master"],
        DEADLINE,
        "it to adopt",
        evidence=director.evidence,
    )
    assert director.shown() == before and director.sync()["repairs"] == 0

    director.node.kill_all()
    assert director.shown() == before
    director.serve(150, None, services=False).start().await_state("MASTER", DEADLINE)
    director.await_shown()
    assert f"stopped the master of lvs_sync_daemon on {DEVICE}" in director.log.read_text()


@pytest.mark.fault("F56", "F59")
def test_without_ip_vs_or_the_interface_the_status_says_so_and_vrrp_works(
    without_ip_vs: ModuleLoading, segment: Segment, tmp_path: Path
) -> None:
    director = Director(segment.node("a"), tmp_path)
    sync = {"interface": "sync0", "inst": "VI_1"}
    director.serve(150, sync, services=False).start().await_state("MASTER", DEADLINE)
    missing = "this kernel has no ip_vs: load it with 'modprobe ip_vs', or take lvs_sync_daemon out"
    wait_for(lambda: missing in str(director.sync()["problem"]), DEADLINE, "the problem", evidence=director.evidence)

    without_ip_vs.load()
    nothing = "the master cannot be started: there is no interface sync0, or it is down"
    wait_for(lambda: nothing in str(director.sync()["problem"]), DEADLINE, "the next", evidence=director.evidence)

    director.node.ip("link add sync0 type veth peer name sync1")
    director.node.ip("address add 198.51.100.1/24 dev sync0")
    director.node.ip("link set sync0 up")
    director.node.ip("link set sync1 up")
    director.await_shown(SENDS)
    assert director.sync()["problem"] is None
    assert director.log.read_text().count(missing) == 1, "told again at every attempt"
    assert director.status()["transitions"] == 2 and director.node.holds()
    director.signal_and_await_end()


def test_what_we_start_is_what_the_kernel_and_ipvsadm_tell(ip_vs: None, segment: Segment) -> None:
    node = segment.node("a")
    with node.inside():
        control = SyncControl()
    settings = SyncSettings(DEVICE, 200, 1400, 9000, 7, "239.1.2.3")
    assert control.start(MASTER, settings) == ""
    assert control.read() == {MASTER: settings}
    assert node.run("ipvsadm", "-l", "--daemon").stdout.splitlines() == [
        f"master sync daemon (mcast={DEVICE}, syncid=200, maxlen=1400, group=239.1.2.3, port=9000, ttl=7)"
    ]
    assert control.start(MASTER, settings) == "one of the same role runs already"
    small = SyncSettings(DEVICE, 1, 100)
    assert control.start(BACKUP, small) == ""
    rounded = control.read()[BACKUP]
    assert rounded.maxlen != 100 and small.same_stream(rounded) and not small.met_by(rounded), "the kernel rounds"
    assert control.stop(MASTER) == control.stop(BACKUP) == ""
    assert control.read() == {}
    assert control.stop(MASTER) == "", "what does not run needs no stop"
    assert control.start(BACKUP, SyncSettings("none0", 1)) == "there is no interface none0, or it is down"
    control.close()

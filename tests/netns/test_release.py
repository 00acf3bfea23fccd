# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`mainstay release`, the unit's ExecStopPost: what a killed daemon left is removed, and nothing else."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest
from netns.daemons import CHECKOUT, PYTHON, Daemon
from netns.pairs import quick
from netns.segment import DEVICE, VIP, Node, Segment

from lab.command import Completed
from lab.waiting import wait_for

WEB = {"address": VIP, "port": 80, "protocol": "TCP", "lb_algo": "rr", "real_servers": []}
FOREIGN = "192.0.2.77"


def write(daemon: Daemon, **services: object) -> None:
    """A master without a lease, so that only release takes its address away, and services on nftables."""
    document = {
        "global_defs": {"data_plane": "nftables"},
        "vrrp_instances": {"VI_1": quick(150, vip_lease=0)},
        "virtual_servers": services,
    }
    daemon.write_text(json.dumps(document))


def killed(segment: Segment, tmp_path: Path) -> Daemon:
    """A daemon that was master and was killed with everything it started."""
    daemon = Daemon(segment.node("a"), tmp_path)
    write(daemon, web=WEB, dns={**WEB, "port": 53, "protocol": "UDP"})
    daemon.start().await_state("MASTER")
    wait_for(lambda: "installed" in services_of(daemon), 10, "both services in the kernel", evidence=daemon.evidence)
    daemon.node.ip(f"address add {FOREIGN}/24 dev {DEVICE}")
    daemon.node.kill_all()
    return daemon


def services_of(daemon: Daemon) -> str:
    servers = daemon.ask("status")["lvs"]["virtual_servers"].values()
    return "installed" if servers and all(server["installed"] for server in servers) else "missing"


def release(daemon: Daemon) -> Completed:
    folder = daemon.folder
    path = f"PYTHONPATH={CHECKOUT}/plugins/module_utils"
    arguments = ["--config", str(folder / "mainstay.json"), "--run-dir", str(folder / "run")]
    return daemon.node.run("env", path, PYTHON, "-m", "mainstay", "release", *arguments)


def nft_services(node: Node) -> str:
    return node.run("nft", "list", "ruleset").stdout


def test_what_a_killed_daemon_left_is_removed_once_and_foreign_things_stay(segment: Segment, tmp_path: Path) -> None:
    daemon = killed(segment, tmp_path)
    assert daemon.node.holds(VIP)
    assert VIP in nft_services(daemon.node)

    first = release(daemon)
    second = release(daemon)

    assert first.stdout.splitlines() == [
        f"removed {VIP}/24 from {DEVICE}",
        f"removed virtual service TCP {VIP}:80 from nftables",
        f"removed virtual service UDP {VIP}:53 from nftables",
    ]
    assert (second.stdout, second.stderr) == ("", "")
    assert not daemon.node.holds(VIP)
    assert VIP not in nft_services(daemon.node)
    assert daemon.node.holds(FOREIGN)
    assert daemon.node.holds(daemon.node.address)
    assert list((daemon.folder / "run").iterdir()) == []


def test_below_a_living_daemon_nothing_is_removed(segment: Segment, tmp_path: Path) -> None:
    daemon = Daemon(segment.node("a"), tmp_path)
    write(daemon, web=WEB)
    daemon.start().await_state("MASTER")

    outcome = release(daemon)

    assert outcome.rc == 1
    assert "nothing was removed: another mainstayd" in outcome.stdout
    assert daemon.node.holds(VIP)


def test_what_left_the_configuration_while_the_daemon_was_dead_is_removed_at_the_start(
    segment: Segment, tmp_path: Path
) -> None:
    daemon = killed(segment, tmp_path)
    write(daemon, dns={**WEB, "port": 53, "protocol": "UDP"})

    daemon.start()

    wait_for(lambda: services_of(daemon) == "installed", 10, "the remaining service", evidence=daemon.evidence)
    assert f"left by an earlier run: removed virtual service TCP {VIP}:80 from nftables" in daemon.log.read_text()
    assert "UDP" not in daemon.log.read_text().split("both workers")[0]


def test_an_end_with_a_frozen_worker_leaves_nothing_behind_either(segment: Segment, tmp_path: Path) -> None:
    daemon = Daemon(segment.node("a"), tmp_path)
    write(daemon, web=WEB)
    daemon.start().await_state("MASTER")
    for section in ("vrrp", "lvs"):
        os.kill(daemon.ask("status")[section]["pid"], signal.SIGSTOP)

    daemon.signal_and_await_end()

    assert f"left by a worker: removed {VIP}/24 from {DEVICE}" in daemon.log.read_text()
    assert not daemon.node.holds(VIP)
    assert VIP not in nft_services(daemon.node)


@pytest.mark.parametrize("options", [{}, {"vip_lease": 0}])
def test_a_host_s_only_address_listed_as_virtual_by_mistake_stays(
    segment: Segment, tmp_path: Path, options: dict[str, object]
) -> None:
    node = segment.node("a")
    mistaken = quick(150, virtual_ipaddress=[f"{node.address}/24"], **options)
    daemon = Daemon(node, tmp_path, VI_1=mistaken).start()
    daemon.await_state("FAULT")
    node.kill_all()

    outcome = release(daemon)

    assert (outcome.rc, outcome.stdout) == (0, "")
    assert node.holds(node.address)


def test_the_owner_s_own_address_is_the_host_s_and_stays(segment: Segment, tmp_path: Path) -> None:
    node = segment.node("a")
    daemon = Daemon(node, tmp_path, VI_1=quick(255, virtual_ipaddress=[f"{node.address}/24", f"{VIP}/24"])).start()
    daemon.await_state("MASTER")
    wait_for(node.holds, 10, "the leased one", evidence=daemon.evidence)
    node.kill_all()

    outcome = release(daemon)

    assert outcome.rc == 0
    assert f"{node.address}/" not in outcome.stdout
    assert node.holds(node.address)
    assert not node.holds(VIP)

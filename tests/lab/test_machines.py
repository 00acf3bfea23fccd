# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab itself, with real machines: both kinds boot, reach each other, die, and boot again.

Needs root; builds the base tree when it is not there. `pytest tests/lab` runs it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest

from lab import cgroups, cleanup, disks, network, topology
from lab.errors import DeadlinePassed, LabError
from lab.lab import Lab
from lab.machine import Machine
from lab.processes import Process
from lab.spec import LabSpec, parse
from lab.state import StateStore
from lab.waiting import wait_for

VIP = "192.168.200.50/24"
PING_DEADLINE = 10.0  # seconds until a restored link must carry again


def reaches(machine: Machine, address: str) -> bool:
    """Whether one echo request is answered within a second."""
    return machine.run(["ping", "-c1", "-W1", address]).rc == 0


def becomes_reachable(machine: Machine, address: str) -> None:
    """Wait until it is."""
    wait_for(lambda: reaches(machine, address), PING_DEADLINE, f"{machine.spec.name} to reach {address}")


def leaders(lab: Lab) -> list[Process]:
    """The first process of every machine."""
    return [leader for m in lab.store.read().machines.values() if (leader := m.leader) is not None]


# A unit of the machine's own that an installer enabled: it must start by itself at the next boot.
INSTALL = """
printf '%s\\n' '[Service]' 'ExecStart=sleep infinity' '[Install]' 'WantedBy=multi-user.target' \\
    > /etc/systemd/system/own.service
systemctl --quiet enable --now own.service
echo '192.0.2.1 own' >> /etc/hosts
echo written > /root/kept
sync -f /
"""


def install(machine: Machine) -> None:
    """Write to the machine's disk what a power failure must not take."""
    result = machine.run(["sh", "-ec", INSTALL])
    assert result.rc == 0, result.stderr


def installed(machine: Machine) -> list[str]:
    """What is there of it, in words; the unit's word comes from the systemd of this boot."""
    seen = [
        machine.run(["cat", "/root/kept"]).stdout.strip(),
        machine.run(["systemctl", "is-active", "own.service"]).stdout.strip(),
        machine.run(["tail", "-n1", "/etc/hosts"]).stdout.strip(),
    ]
    return [word for word in seen if word in ("written", "active", "192.0.2.1 own")]


ALL_INSTALLED = ["written", "active", "192.0.2.1 own"]

NETWORKS = {"front": ["192.168.200.0/24"]}
GUEST = {"kind": "uml", "interfaces": {"eth0": ["192.168.200.2"]}}
WEB = {"kind": "nspawn", "interfaces": {"eth0": ["192.168.200.100"]}}
WEB2 = {"kind": "nspawn", "interfaces": {"eth0": ["192.168.200.101"]}}


def mixed() -> LabSpec:
    """A User-Mode-Linux guest and an nspawn machine on one network."""
    return parse({"networks": NETWORKS, "machines": {"director1": GUEST, "web1": WEB}})


def one() -> LabSpec:
    """A single nspawn machine."""
    return parse({"networks": NETWORKS, "machines": {"web1": WEB}})


def two_web() -> LabSpec:
    """Two nspawn machines, one of them called like the one of one()."""
    return parse({"networks": NETWORKS, "machines": {"web1": WEB, "web2": WEB2}})


@pytest.fixture(scope="module", autouse=True)
def alone() -> t.Iterator[None]:
    """Two runs of these tests on one host take turns: their labs have the same names."""
    with StateStore("smoke").locked():
        yield


@pytest.fixture(scope="module")
def two() -> t.Iterator[Lab]:
    """Two nspawn machines; each test leaves both of them up."""
    lab = Lab.start("smoketwo", topology.named("two"))
    yield lab
    lab.end()


def test_two_machines_are_up_under_their_own_names_and_reach_each_other(two: Lab) -> None:
    for name in ("director1", "director2"):
        assert two.machine(name).run(["hostname"]).stdout == f"{name}\n"
        assert two.machine(name).run(["systemctl", "is-active", "ssh"]).stdout == "active\n"
        assert two.machine(name).run(["systemctl", "--failed", "--no-legend"]).stdout == ""
    assert reaches(two.machine("director1"), "director2")
    assert reaches(two.machine("director2"), two.machine("director1").address("eth1"))


def test_nothing_listens_that_nobody_asked_for(two: Lab) -> None:
    listening = two.machine("director1").run(["ss", "-Hltn"]).stdout
    assert {line.split()[3].rpartition(":")[2] for line in listening.splitlines()} == {"22"}


def test_services_of_two_machines_do_not_share_a_cgroup(two: Lab) -> None:
    for name, machine in two.store.read().machines.items():
        assert machine.leader is not None
        hierarchy = Path(f"/proc/{machine.leader.pid}/cgroup").read_text().splitlines()
        assert f"0::/mslab-smoketwo-{name}/payload/init.scope" in hierarchy


def test_a_cut_cable_takes_the_carrier_and_comes_back(two: Lab) -> None:
    one, other = two.machine("director1"), two.machine("director2")
    one.cut("eth0")
    assert one.run(["cat", "/sys/class/net/eth0/carrier"]).stdout == "0\n"
    assert not reaches(other, "192.168.200.2")
    assert reaches(other, "192.168.201.2"), "only eth0 was cut"
    one.restore("eth0")
    becomes_reachable(other, "192.168.200.2")


def test_a_silent_cut_keeps_the_carrier(two: Lab) -> None:
    one, other = two.machine("director1"), two.machine("director2")
    one.cut("eth0", silent=True)
    assert one.run(["cat", "/sys/class/net/eth0/carrier"]).stdout == "1\n"
    assert not reaches(other, "192.168.200.2")
    one.restore("eth0")
    becomes_reachable(other, "192.168.200.2")


def test_nothing_runs_in_a_frozen_machine_until_it_is_thawed(two: Lab) -> None:
    one = two.machine("director1")
    one.freeze()
    with pytest.raises(DeadlinePassed, match="systemctl"):
        one.run(["systemctl", "is-system-running"], deadline=1.0)
    one.thaw()
    assert one.run(["systemctl", "is-system-running"]).stdout == "running\n"


def test_a_killed_machine_is_gone_with_its_addresses_and_keeps_its_disk(two: Lab) -> None:
    one, other = two.machine("director1"), two.machine("director2")
    one.run(["ip", "address", "add", VIP, "dev", "eth0"])
    install(one)
    assert reaches(other, VIP.partition("/")[0])
    one.kill()
    assert not reaches(other, VIP.partition("/")[0])
    with pytest.raises(LabError, match="director1 is not running"):
        one.run(["true"])
    one.create()
    one.wait_until_up()
    becomes_reachable(other, "192.168.200.2")
    assert not reaches(other, VIP.partition("/")[0])
    assert installed(one) == ALL_INSTALLED
    assert one.run(["systemctl", "--failed", "--no-legend"]).stdout == ""


def test_a_destroyed_machine_boots_like_a_new_one(two: Lab) -> None:
    one = two.machine("director1")
    install(one)
    one.destroy()
    one.create()
    one.wait_until_up()
    assert installed(one) == []


def test_the_base_tree_is_never_written_to(two: Lab) -> None:
    install(two.machine("director1"))
    base = two.store.read().base
    assert not [path for path in ("root/kept", "etc/systemd/system/own.service") if (base / path).exists()]
    assert (base / "etc/machine-id").read_text() == ""
    mounts = Path("/proc/self/mounts").read_text()
    assert str(disks.DISK_DIRECTORY) not in mounts, "a machine's overlay shows among the host's mounts"


def test_another_process_uses_and_kills_the_same_machines(two: Lab) -> None:
    def command(*words: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
        argv = [sys.executable, "-m", "lab", *words]
        return subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=60, check=False)

    assert command("run", "smoketwo", "director2", "--", "hostname").stdout == "director2\n"
    assert command("kill", "smoketwo", "director2").returncode == 0
    assert not two.machine("director2").running()
    assert command("start", "smoketwo", "director2").returncode == 0
    assert reaches(two.machine("director2"), "director1")


def test_two_labs_with_the_same_addresses_do_not_meet(two: Lab) -> None:
    install(two.machine("director1"))
    twin = Lab.start("smoketwin", topology.named("two"))
    try:
        assert installed(twin.machine("director1")) == []
        twin.machine("director1").kill()
        assert not reaches(twin.machine("director2"), "192.168.200.2")
        assert reaches(two.machine("director2"), "192.168.200.2")
    finally:
        twin.end()
    assert "smoketwin" not in disks.labs()
    assert installed(two.machine("director1")) == ALL_INSTALLED, "the end of one lab took another's disk"


def test_what_a_crashed_run_left_is_ended_at_the_next_start() -> None:
    """Given a lab whose state file is lost, when another takes its name, then nothing of the old one is left."""
    crashed = Lab.start("smokecrash", two_web())
    old = leaders(crashed)
    install(crashed.machine("web1"))
    crashed.store.path.unlink()
    again = Lab.start("smokecrash", one())
    try:
        assert not [process for process in old if process.alive()]
        assert network.namespaces_of("smokecrash") == ["mslab-smokecrash-net", "mslab-smokecrash-web1"]
        assert installed(again.machine("web1")) == []
    finally:
        again.end()


def test_a_start_that_is_killed_halfway_leaves_nothing_behind_after_clean_up() -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    argv = [sys.executable, "-m", "lab", "up", "--topology", "two", "--name", "smokehalf"]
    starting = subprocess.Popen(argv, env=environment, stderr=subprocess.DEVNULL)
    wait_for(
        lambda: cgroups.names("mslab-smokehalf-"), 60.0, "the first machine to be started", interval=0.001
    )
    starting.send_signal(signal.SIGKILL)
    starting.wait()
    store = StateStore("smokehalf")
    with store.locked():
        cleanup.end_lab(store)
    assert network.namespaces_of("smokehalf") == []
    assert cgroups.names("mslab-smokehalf-") == []
    assert "smokehalf" not in disks.labs()
    assert not store.directory.exists()


def test_a_guest_with_its_own_kernel_stands_beside_the_others() -> None:
    lab = Lab.start("smokeuml", mixed())
    try:
        director, web = lab.machine("director1"), lab.machine("web1")
        assert director.run(["hostname"]).stdout == "director1\n"
        assert director.run(["modprobe", "ip_vs"]).rc == 0
        assert reaches(director, "web1")
        _a_cut_cable_carries_again(director, web)
        _a_frozen_guest_answers_nothing(director, web)
        install(director)
        director.kill()
        assert not reaches(web, "director1")
        director.create()
        director.wait_until_up()
        becomes_reachable(web, "director1")
        assert installed(director) == ALL_INSTALLED
    finally:
        processes = leaders(lab)
        lab.end()
    assert not [process for process in processes if process.alive()]
    assert "smokeuml" not in disks.labs()


def _a_cut_cable_carries_again(director: Machine, web: Machine) -> None:
    director.cut("eth0")
    assert not reaches(web, "director1")
    assert director.run(["true"]).rc == 0, "the way in does not go over the cable that was cut"
    director.restore("eth0")
    becomes_reachable(web, "director1")


def _a_frozen_guest_answers_nothing(director: Machine, web: Machine) -> None:
    director.freeze()
    assert not reaches(web, "director1")
    director.thaw()
    becomes_reachable(web, "director1")

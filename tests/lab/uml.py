# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Machines with a kernel of their own: User-Mode-Linux, which has ip_vs where the host's kernel does not.

Debian's user-mode-linux is Linux 6.1 as an ordinary program; no KVM is needed. It is slow where
processes start (Python: 0.3 to 1 s), so only machines that must have its kernel boot this way.
"""

from __future__ import annotations

import shlex
import shutil
import subprocess
import typing as t
from pathlib import Path

from lab import command, network, processes
from lab.platform import Place
from lab.processes import Process
from lab.spec import MANAGEMENT_SUBNET
from lab.state import StateStore

MEMORY = "512M"
CONNECT_TIMEOUT = 5  # seconds until one attempt to reach ssh is given up


class UmlPlatform:
    """The Platform of User-Mode-Linux guests."""

    boot_deadline = 180.0  # seconds; 10 to 20 s on two cores
    # A tap that goes down makes the guest's driver give up for good, so a cable is pulled by letting nothing
    # through the bridge port: the guest keeps its carrier.
    loses_carrier = False
    needs_helper = True

    def __init__(self, place: Place) -> None:
        self._place = place
        self._master: subprocess.Popen[bytes] | None = None

    @property
    def _cards(self) -> list[tuple[str, str]]:
        """(interface, network) in the order of the guest's vec0, vec1, …"""
        spec = self._place.spec
        return [*((i.name, i.network) for i in spec.interfaces), (network.MANAGEMENT, network.MANAGEMENT)]

    def plug(self) -> None:
        """See Platform."""
        self.unplug()
        for interface, bridge in self._cards:
            self._place.network.plug_tap(self._place.spec.name, interface, bridge)

    def unplug(self) -> None:
        """See Platform. The ssh master is a child of ours in the process that booted the guest."""
        self._place.network.unplug(self._place.spec.name)
        control_path(self._place.store, self._place.spec.name).unlink(missing_ok=True)
        if self._master is not None:
            self._master.poll()

    def command_line(self) -> list[str]:
        """See Platform. sh is process 1 of the namespace: the kernel would get no signals as process 1."""
        self._write_seed()
        spec, lab = self._place.spec, self._place.network
        cards = [
            f"vec{number}:transport=tap,ifname={network.port_name(spec.name, interface)},depth=128,gro=1"
            for number, (interface, _bridge) in enumerate(self._cards)
        ]
        return [
            "nsenter", f"--net={network.NAMESPACES / lab.namespace}",
            "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", f"HOME={self._folder}",
            "unshare", "--pid", "--mount-proc", "--fork", "--kill-child",
            "sh", "-c", '"$@"; exit $?', "sh",
            "linux.uml", f"mem={MEMORY}", f"umid={spec.name}", f"uml_dir={self._folder / 'umid'}",
            "root=/dev/root", "rootfstype=hostfs", f"rootflags={self._place.base}", "ro",
            f"ubd0={self._place.disk.image(self._place.first_files)}", "con=null", "con0=null,fd:1", "quiet", *cards,
            "init=/lab-init", f"lab_seed={self._folder / 'seed'}", "systemd.log_target=null", "systemd.show_status=yes",
        ]  # fmt: skip

    def enter(self, leader: Process, argv: t.Sequence[str], terminal: bool = False) -> list[str]:
        """See Platform: ssh, over the master's connection while there is one."""
        options = ["-t"] if terminal else []
        return [*self._ssh(), *options, self._place.spec.management_address, shlex.join(argv)]

    def start_helper(self) -> Process | None:
        """See Platform: keep one ssh connection open, for a login takes a guest a second."""
        if self._master is None or self._master.poll() is not None:
            self._master = subprocess.Popen(
                [*self._ssh(), "-M", "-N", self._place.spec.management_address],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
        check = command.run([*self._ssh(), "-O", "check", self._place.spec.management_address])
        return processes.identify(self._master.pid) if check.rc == 0 else None

    @property
    def _folder(self) -> Path:
        return self._place.store.directory / "uml" / self._place.spec.name

    def _ssh(self) -> list[str]:
        store, name = self._place.store, self._place.spec.name
        return [
            "ssh",
            *ssh_options(store, self._place.network),
            "-o",
            f"ControlPath={control_path(store, name)}",
        ]

    def _write_seed(self) -> None:
        """The folder lab_init.sh reads; a new one at each boot."""
        shutil.rmtree(self._folder, ignore_errors=True)
        seed = self._folder / "seed"
        seed.mkdir(parents=True)
        (seed / "network").write_text(self._network_script())
        (seed / "key").write_text(key_path(self._place.store).with_suffix(".pub").read_text())

    def _network_script(self) -> str:
        spec = self._place.spec
        lines = [f"hostname {spec.name}", "ip link set lo up"]
        addresses = {i.name: [str(address) for address in i.addresses] for i in spec.interfaces}
        addresses[network.MANAGEMENT] = [f"{spec.management_address}/{MANAGEMENT_SUBNET.prefixlen}"]
        for number, (name, _bridge) in enumerate(self._cards):
            mac = network.mac_address(self._place.network.lab, spec.name, name)
            lines.append(f"ip link set vec{number} name {name} address {mac}")
            lines += [f"ip address add {address} dev {name}" for address in addresses[name]]
            lines.append(f"ip link set {name} up")
        return "\n".join(lines) + "\n"


def make_key(store: StateStore) -> None:
    """Make the lab's ssh key."""
    key = key_path(store)
    key.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    command.must(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", f"lab {store.name}", "-f", str(key)])


def key_path(store: StateStore) -> Path:
    """The private key of a lab."""
    return store.directory / "ssh" / "key"


def control_path(store: StateStore, machine: str) -> Path:
    """The socket of the ssh connection that is kept open to a guest; Ansible uses it too."""
    return store.directory / "ssh" / machine


def ssh_options(store: StateStore, lab: network.LabNetwork) -> list[str]:
    """Options that reach a guest through the lab's namespace, and leave the user's own ssh files alone."""
    through = f"nsenter --net={network.NAMESPACES / lab.namespace} socat - TCP:%h:%p"
    options = {
        "User": "root",
        "IdentityFile": str(key_path(store)),
        "IdentitiesOnly": "yes",
        "ProxyCommand": through,
        "StrictHostKeyChecking": "no",
        "UserKnownHostsFile": "/dev/null",
        "LogLevel": "ERROR",
        "ConnectTimeout": str(CONNECT_TIMEOUT),
    }
    words = ["-F", "/dev/null"]
    for name, value in options.items():
        words += ["-o", f"{name}={value}"]
    return words

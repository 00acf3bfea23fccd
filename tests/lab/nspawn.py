# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Machines on the host's own kernel: systemd-nspawn in a network namespace of the lab."""

from __future__ import annotations

import typing as t

from lab import cgroups, command, network
from lab.platform import Place
from lab.processes import Process

# A machine that joins a ready-made network namespace gets none of these by itself. CAP_SYS_NICE and
# CAP_IPC_LOCK are for the real-time priority and the locked memory of the daemon.
CAPABILITIES = "CAP_NET_ADMIN,CAP_NET_RAW,CAP_SYS_NICE,CAP_IPC_LOCK"

NSPAWN_ENVIRONMENT = {
    "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
    # The tree's systemd wants cgroup v2, also where the host's own tree is still v1.
    "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1",
    # Without this /proc/sys/net is read-only and /sys/class/net shows the host's links.
    "SYSTEMD_NSPAWN_API_VFS_WRITABLE": "network",
}


class NspawnPlatform:
    """The Platform of nspawn machines."""

    boot_deadline = 60.0  # seconds; 1 to 3 s on two cores
    loses_carrier = True
    needs_helper = False

    def __init__(self, place: Place) -> None:
        self._place = place

    def plug(self) -> None:
        """See Platform. The namespace dies with the machine, and with it every address it took."""
        self.unplug()
        network.add_namespace(self._place.name)
        for interface in self._place.spec.interfaces:
            self._place.network.plug_veth(self._place.spec, interface)

    def unplug(self) -> None:
        """See Platform."""
        self._place.network.unplug(self._place.spec.name)
        if (network.NAMESPACES / self._place.name).exists():
            command.must(["ip", "netns", "delete", self._place.name])
        cgroups.remove(self._place.name)

    def command_line(self) -> list[str]:
        """See Platform. A cgroup of its own, else two machines' services share one and stop each other.

        --read-only is about the tree, which many machines use at once: the overlay over it is writable.
        """
        upper = self._place.disk.upper(self._place.first_files)
        group = cgroups.create(self._place.name)
        return [
            "sh", "-c", 'echo $$ > "$0/cgroup.procs" && exec "$@"', str(group),
            "env", "-i", *(f"{name}={value}" for name, value in NSPAWN_ENVIRONMENT.items()),
            "systemd-nspawn", "--register=no", "--keep-unit", "--boot", "--console=read-only",
            "--read-only", f"--directory={self._place.base}", f"--overlay={self._place.base}:{upper}:/",
            f"--network-namespace-path={network.NAMESPACES / self._place.name}",
            f"--machine={self._place.name}", f"--hostname={self._place.spec.name}",
            f"--uuid={self._place.machine_id}", f"--capability={CAPABILITIES}",
            "--resolv-conf=off", "--timezone=off", "--link-journal=no", "--", "--show-status=yes",
        ]  # fmt: skip

    def enter(self, leader: Process, argv: t.Sequence[str], terminal: bool = False) -> list[str]:
        """See Platform."""
        return ["nsenter", "--target", str(leader.pid), "--all", *argv]

    def start_helper(self) -> Process | None:
        """See Platform: nsenter needs no helper."""
        return None

# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The wires of a lab, all of them inside network namespaces of its own.

One namespace, mslab-LAB-net, holds a bridge for each network. A machine on the host's kernel has a
namespace mslab-LAB-MACHINE and a veth pair for each interface; a User-Mode-Linux guest has taps. The
port on the bridge is called MACHINE.INTERFACE, so that a capture in mslab-LAB-net reads well.
"""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path

from lab import command
from lab.spec import MANAGEMENT_SUBNET, Interface, LabSpec, MachineSpec

NAMESPACES = Path("/run/netns")
MANAGEMENT = "mgmt"
PREFIX = "mslab-"


@dataclasses.dataclass(frozen=True)
class LabNetwork:
    """The namespaces, bridges and ports of one lab."""

    lab: str

    @property
    def namespace(self) -> str:
        """The namespace of the bridges and of the guests' taps."""
        return f"{PREFIX}{self.lab}-net"

    def machine_namespace(self, machine: str) -> str:
        """The namespace a machine on the host's kernel lives in."""
        return f"{PREFIX}{self.lab}-{machine}"

    def create(self, spec: LabSpec) -> None:
        """Make the namespace and a bridge for each network; the management bridge has the lab's address."""
        add_namespace(self.namespace)
        for network in (*spec.networks, MANAGEMENT):
            # No snooping: VRRP's multicast must flood. No STP: a port forwards at once.
            self._ip("link add", f"br-{network}", "type bridge mcast_snooping 0 stp_state 0 forward_delay 0")
            self._ip("link set", f"br-{network}", "up")
        self._ip(f"address add {MANAGEMENT_SUBNET[-2]}/{MANAGEMENT_SUBNET.prefixlen} dev br-{MANAGEMENT}")

    def plug_veth(self, machine: MachineSpec, interface: Interface) -> None:
        """Join the machine's namespace to a bridge and address its end. The namespace must be there."""
        port = port_name(machine.name, interface.name)
        inside = self.machine_namespace(machine.name)
        mac = mac_address(self.lab, machine.name, interface.name)
        self._ip(f"link add {port} type veth peer name {interface.name} address {mac} netns {inside}")
        self._ip(f"link set {port} master br-{interface.network} up")
        for address in interface.addresses:
            ip(inside, f"address add {address} dev {interface.name}")
        ip(inside, f"link set {interface.name} up")

    def plug_tap(self, machine: str, interface: str, network: str) -> None:
        """Make a tap for a guest and put it on a bridge. A tap has no address of its own."""
        port = port_name(machine, interface)
        self._ip(f"tuntap add mode tap name {port}")
        self._ip(f"link set {port} master br-{network} up")

    def unplug(self, machine: str) -> None:
        """Remove every port of a machine, and with a veth both its ends."""
        for port in self._ports():
            if port.startswith(f"{machine}."):
                self._ip(f"link delete {port}")

    def lose_carrier(self, machine: str, interface: str) -> None:
        """Take the port down: the machine's end of a veth loses its carrier."""
        self._ip(f"link set {port_name(machine, interface)} down")

    def carry(self, machine: str, interface: str) -> None:
        """Undo lose_carrier() and block(). A port that comes up forwards by itself, once its carrier is seen."""
        port = port_name(machine, interface)
        if port in self._ports("up"):
            self._bridge_port_state(machine, interface, "forwarding")
        else:
            self._ip(f"link set {port} up")

    def block(self, machine: str, interface: str) -> None:
        """Let nothing through the port, while both ends keep their carrier."""
        self._bridge_port_state(machine, interface, "disabled")

    def _bridge_port_state(self, machine: str, interface: str, state: str) -> None:
        port = port_name(machine, interface)
        command.must(["bridge", "-netns", self.namespace, "link", "set", "dev", port, "state", state])

    def _ports(self, *only: str) -> list[str]:
        lines = command.must(["ip", "-netns", self.namespace, "-oneline", "link", "show", *only]).splitlines()
        return [line.split(": ")[1].partition("@")[0] for line in lines]

    def _ip(self, *words: str) -> None:
        ip(self.namespace, *words)


def ip(namespace: str, *words: str) -> None:
    """Run ip(8) on a named namespace; words may hold several arguments each."""
    command.must(["ip", "-netns", namespace, *" ".join(words).split()])


def add_namespace(name: str) -> None:
    """Make a network namespace with its loopback up."""
    command.must(["ip", "netns", "add", name])
    ip(name, "link set lo up")


def port_name(machine: str, interface: str) -> str:
    """The name of a machine's port on a bridge; the spec keeps it within 15 characters."""
    return f"{machine}.{interface}"


def mac_address(lab: str, machine: str, interface: str) -> str:
    """A locally administered address that stays the same when the machine boots again."""
    digest = hashlib.sha256(f"{lab}/{machine}/{interface}".encode()).digest()
    return ":".join(f"{byte:02x}" for byte in (0x02, *digest[:5]))


def namespaces_of(lab: str) -> list[str]:
    """Every namespace that carries the lab's prefix, left over or in use."""
    return sorted(path.name for path in NAMESPACES.glob(f"{PREFIX}{lab}-*"))

# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a lab consists of: networks and machines, as read from a JSON document.

    {"networks": {"front": ["192.168.200.0/24"]},
     "machines": {"web1": {"kind": "nspawn", "interfaces": {"eth0": ["192.168.200.100"]}}}}

An interface is on the network whose subnet holds its addresses. Errors carry the path of the value.
"""

from __future__ import annotations

import dataclasses
import enum
import ipaddress
import re
import typing as t

from lab.errors import LabError

# 15 characters are the most a Linux interface name has; a port is called MACHINE.INTERFACE.
MACHINE_NAME = re.compile(r"[a-z][a-z0-9-]{0,8}[a-z0-9]")
LAB_NAME = re.compile(r"[a-z][a-z0-9]{0,15}")  # no hyphen: namespaces are told apart by mslab-LAB-
INTERFACE_NAME = re.compile(r"eth[0-9]")
NETWORK_NAME = re.compile(r"[a-z][a-z0-9]{0,11}")

# User-Mode-Linux guests are reached over a third network, so that cutting front or back never cuts
# the operator off. Machines' addresses are .1, .2, … in the order of the spec; the lab's end is .254.
MANAGEMENT_SUBNET = ipaddress.IPv4Network("192.168.202.0/24")

Subnet = t.Union[ipaddress.IPv4Network, ipaddress.IPv6Network]
Address = t.Union[ipaddress.IPv4Interface, ipaddress.IPv6Interface]


class Kind(str, enum.Enum):
    """How a machine is booted."""

    NSPAWN = "nspawn"
    UML = "uml"


@dataclasses.dataclass(frozen=True)
class Interface:
    """One network card: its name in the machine, the network it is plugged in, its addresses."""

    name: str
    network: str
    addresses: tuple[Address, ...]


@dataclasses.dataclass(frozen=True)
class MachineSpec:
    """One machine; `number` is its place in the spec, counted from 1."""

    name: str
    kind: Kind
    interfaces: tuple[Interface, ...]
    number: int

    def interface(self, name: str) -> Interface:
        """The interface of that name; raises LabError naming the ones there are."""
        for interface in self.interfaces:
            if interface.name == name:
                return interface
        known = ", ".join(interface.name for interface in self.interfaces)
        raise LabError(f"machine {self.name} has no interface {name}; it has {known}")

    @property
    def management_address(self) -> str:
        """Where ssh reaches a User-Mode-Linux guest, seen from the lab's own namespace."""
        return str(MANAGEMENT_SUBNET[self.number])


@dataclasses.dataclass(frozen=True)
class LabSpec:
    """A whole lab."""

    networks: dict[str, tuple[Subnet, ...]]
    machines: tuple[MachineSpec, ...]

    def machine(self, name: str) -> MachineSpec:
        """The machine of that name; raises LabError naming the ones there are."""
        for machine in self.machines:
            if machine.name == name:
                return machine
        raise LabError(f"no machine {name} in this lab; it has {', '.join(m.name for m in self.machines)}")


def lab_name(name: str) -> str:
    """Check the name of a lab and return it."""
    _matches(LAB_NAME, name, "lab name")
    return name


def parse(document: object) -> LabSpec:
    """Read a spec from decoded JSON; raises LabError with the path of the first wrong value."""
    top = _mapping(document, "spec", {"networks", "machines"})
    networks = {
        name: _subnets(subnets, f"networks.{name}")
        for name, subnets in _mapping(top["networks"], "networks").items()
    }
    for name in networks:
        _matches(NETWORK_NAME, name, f"networks.{name}")
    machines = _mapping(top["machines"], "machines")
    return LabSpec(
        networks,
        tuple(
            _machine(name, value, networks, number)
            for number, (name, value) in enumerate(machines.items(), 1)
        ),
    )


def dump(spec: LabSpec) -> dict[str, object]:
    """The JSON document parse() reads."""
    return {
        "networks": {name: [str(subnet) for subnet in subnets] for name, subnets in spec.networks.items()},
        "machines": {
            machine.name: {
                "kind": machine.kind.value,
                "interfaces": {
                    i.name: [str(address.ip) for address in i.addresses] for i in machine.interfaces
                },
            }
            for machine in spec.machines
        },
    }


def _machine(name: str, value: object, networks: dict[str, tuple[Subnet, ...]], number: int) -> MachineSpec:
    path = f"machines.{name}"
    _matches(MACHINE_NAME, name, path)
    fields = _mapping(value, path, {"kind", "interfaces"})
    interfaces = _mapping(fields["interfaces"], f"{path}.interfaces")
    return MachineSpec(
        name,
        _kind(fields["kind"], f"{path}.kind"),
        tuple(
            _interface(i, addresses, networks, f"{path}.interfaces.{i}")
            for i, addresses in interfaces.items()
        ),
        number,
    )


def _interface(name: str, value: object, networks: dict[str, tuple[Subnet, ...]], path: str) -> Interface:
    _matches(INTERFACE_NAME, name, path)
    placed = [_place(text, networks, path) for text in _strings(value, path)]
    if len({network for network, _address in placed}) != 1:
        raise LabError(f"{path}: the addresses of one interface must lie on one network")
    return Interface(name, placed[0][0], tuple(address for _network, address in placed))


def _place(text: str, networks: dict[str, tuple[Subnet, ...]], path: str) -> tuple[str, Address]:
    """The network that holds the address, and the address with that network's prefix length."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError as error:
        raise LabError(f"{path}: {error}") from None
    for network, subnets in networks.items():
        for subnet in subnets:
            if address in subnet:
                return network, ipaddress.ip_interface(f"{address}/{subnet.prefixlen}")
    raise LabError(f"{path}: {address} lies on none of the networks {', '.join(networks)}")


def _subnets(value: object, path: str) -> tuple[Subnet, ...]:
    try:
        subnets = tuple(ipaddress.ip_network(text) for text in _strings(value, path))
    except ValueError as error:
        raise LabError(f"{path}: {error}") from None
    for subnet in subnets:
        if isinstance(subnet, ipaddress.IPv4Network) and subnet.overlaps(MANAGEMENT_SUBNET):
            raise LabError(f"{path}: {subnet} overlaps {MANAGEMENT_SUBNET}, the lab's management network")
    return subnets


def _kind(value: object, path: str) -> Kind:
    try:
        return Kind(value)
    except ValueError:
        raise LabError(f"{path}: {value!r} is none of {', '.join(kind.value for kind in Kind)}") from None


def _mapping(value: object, path: str, keys: t.Collection[str] = ()) -> dict[str, object]:
    """A non-empty mapping; with `keys`, one that has exactly those."""
    if not isinstance(value, dict) or not value:
        raise LabError(f"{path}: must be a mapping with entries, not {value!r}")
    if keys and set(value) != set(keys):
        raise LabError(
            f"{path}: must have exactly the keys {', '.join(sorted(keys))}, has {', '.join(sorted(value))}"
        )
    return value


def _strings(value: object, path: str) -> list[str]:
    if isinstance(value, list) and value and all(isinstance(text, str) for text in value):
        return value
    raise LabError(f"{path}: must be a list of strings, not {value!r}")


def _matches(pattern: re.Pattern[str], text: str, path: str) -> None:
    if not pattern.fullmatch(text):
        raise LabError(f"{path}: {text!r} does not match {pattern.pattern}")

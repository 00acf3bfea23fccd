# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Contradictions between addresses: families, the same one twice, none at all."""

from __future__ import annotations

import typing as t

from .config import Config, VirtualAddress, VrrpInstance
from .consistency_transport import is_link_local
from .problems import Problem
from .vrrp_config import OWNER

_Place = t.Tuple[str, VirtualAddress, t.Optional[str]]
"""Path, the address there, the interface that carries it."""


def address_contradictions(config: Config) -> t.Iterator[Problem]:
    """Every one, at the later of the two places."""
    for instance in config.vrrp_instances.values():
        path = f"vrrp_instances.{instance.name}"
        yield from _none_at_all(path, instance)
        yield from _family(path, instance)
    yield from _without_interface(config)
    yield from _twice(config)


def _none_at_all(path: str, instance: VrrpInstance) -> t.Iterator[Problem]:
    if not instance.virtual_ipaddress and not instance.no_virtual_ipaddress:
        message = "is missing; give the addresses, or no_virtual_ipaddress: true if something else moves them."
        yield Problem(f"{path}.virtual_ipaddress", None, message)


def _family(path: str, instance: VrrpInstance) -> t.Iterator[Problem]:
    """PKT-09, PKT-10."""
    family = instance.family
    for index, address in enumerate(instance.virtual_ipaddress):
        if _version(address) != family:
            message = f"is no IPv{family} address as the first one is; move it to virtual_ipaddress_excluded."
            yield Problem(f"{path}.virtual_ipaddress[{index}]", address.address, message)
    first = instance.virtual_ipaddress[0].address if instance.virtual_ipaddress else ""
    if family == 6 and not is_link_local(first) and not instance.unicast_peer:
        message = "the first IPv6 address must be the virtual router's link-local one; put one of fe80::/10 before it."
        yield Problem(f"{path}.virtual_ipaddress[0]", first, message)


def _without_interface(config: Config) -> t.Iterator[Problem]:
    if config.global_defs.default_interface is None:
        for index, address in enumerate(config.static_ipaddress):
            if address.dev is None:
                message = "names no dev, and there is no default_interface in global_defs; give one of the two."
                yield Problem(f"static_ipaddress[{index}]", address.address, message)


def _twice(config: Config) -> t.Iterator[Problem]:
    """An address has one master; a link-local one has one on each link."""
    seen: t.Dict[t.Tuple[str, t.Optional[str]], str] = {}
    for place, address, interface in _places(config):
        key = (address.address, interface if is_link_local(address.address) else None)
        first = seen.setdefault(key, place)
        if first != place:
            yield Problem(place, address.address, f"is already given at {first}; an address has one master.")


def _places(config: Config) -> t.Iterator[_Place]:
    default = config.global_defs.default_interface
    owned = {
        address.address
        for instance in config.vrrp_instances.values()
        if instance.priority == OWNER
        for address in instance.virtual_ipaddress
    }
    for index, address in enumerate(config.static_ipaddress):
        if address.address not in owned:  # the owner has its addresses for good (OWN-01)
            yield f"static_ipaddress[{index}]", address, address.dev or default
    for instance in config.vrrp_instances.values():
        for key in ("virtual_ipaddress", "virtual_ipaddress_excluded"):
            for index, address in enumerate(getattr(instance, key)):
                yield f"vrrp_instances.{instance.name}.{key}[{index}]", address, address.dev or instance.interface


def _version(address: VirtualAddress) -> int:
    return 6 if ":" in address.address else 4

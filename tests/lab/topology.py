# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The named topologies, with the addressing of keepalived's LVS sample."""

from __future__ import annotations

import typing as t

from lab.errors import LabError
from lab.spec import Kind, LabSpec, parse

NETWORKS = {"front": ["192.168.200.0/24"], "back": ["192.168.201.0/24"]}

INTERFACES: dict[str, dict[str, list[str]]] = {
    "director1": {"eth0": ["192.168.200.2"], "eth1": ["192.168.201.2"]},
    "director2": {"eth0": ["192.168.200.3"], "eth1": ["192.168.201.3"]},
    "web1": {"eth0": ["192.168.200.100"], "eth1": ["192.168.201.100"]},
    "web2": {"eth0": ["192.168.200.101"], "eth1": ["192.168.201.101"]},
    "client": {"eth0": ["192.168.200.200"]},
}

TOPOLOGIES: dict[str, tuple[str, ...]] = {
    "five": ("director1", "director2", "web1", "web2", "client"),
    "two": ("director1", "director2"),
}

DIRECTORS = ("director1", "director2")


def named(topology: str, directors: Kind = Kind.NSPAWN) -> LabSpec:
    """The topology of that name, its directors booted as `directors`, everything else as nspawn."""
    if topology not in TOPOLOGIES:
        raise LabError(f"no topology {topology!r}; there are {', '.join(TOPOLOGIES)}")
    machines: dict[str, t.Any] = {
        name: {
            "kind": (directors if name in DIRECTORS else Kind.NSPAWN).value,
            "interfaces": INTERFACES[name],
        }
        for name in TOPOLOGIES[topology]
    }
    return parse({"networks": NETWORKS, "machines": machines})

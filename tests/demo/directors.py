# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the directors say of themselves, and what their kernels hold."""

from __future__ import annotations

import json
import typing as t
from dataclasses import dataclass

from lab.errors import LabError
from lab.lab import Lab
from lab.machine import Machine

NAMES = ("director1", "director2")


@dataclass(frozen=True)
class Directors:
    """The two directors of a lab; a dead one holds nothing and says nothing."""

    lab: Lab

    def running(self) -> list[Machine]:
        return [self.lab.machine(name) for name in NAMES if self.lab.machine(name).running()]

    def status(self, name: str) -> dict[str, t.Any]:
        """The answer of `mainstay status --json`; empty when the daemon does not answer."""
        machine = self.lab.machine(name)
        if not machine.running():
            return {}
        try:
            answer = machine.run(["mainstay", "status", "--json"])
        except LabError:
            return {}
        return json.loads(answer.stdout) if answer.rc == 0 else {}

    def states(self, name: str) -> dict[str, str]:
        """State of every instance of one director: {"VI_1": "MASTER", …}."""
        instances = self.status(name).get("vrrp", {}).get("instances", {})
        return {instance: seen["state"] for instance, seen in instances.items()}

    def masters(self, instances: t.Sequence[str]) -> set[str]:
        """Every director that says it is master of one of them, and "nobody" when one has none."""
        states = {name: self.states(name) for name in NAMES}
        found = {i: [name for name in NAMES if states[name].get(i) == "MASTER"] for i in instances}
        return {name for masters in found.values() for name in masters or ["nobody"]}

    def holders(self, address: str) -> list[str]:
        """The directors whose kernel holds the address."""
        return [machine.spec.name for machine in self.running() if address in addresses(machine)]

    def pool(self, name: str, service: str) -> dict[str, bool]:
        """{real server's address: whether the kernel gives it new connections} of one director."""
        services = self.status(name).get("lvs", {}).get("virtual_servers", {})
        servers = services.get(service, {}).get("real_servers", [])
        return {server["address"]: server["in_pool"] and server["effective_weight"] > 0 for server in servers}


def addresses(machine: Machine) -> set[str]:
    """Every IPv4 address the machine's kernel holds."""
    links = json.loads(machine.run(["ip", "-json", "-4", "address", "show"]).stdout or "[]")
    return {entry["local"] for link in links for entry in link["addr_info"]}

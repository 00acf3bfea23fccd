# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who holds which address, as the machines' kernels say, again and again."""

from __future__ import annotations

import json
import time
import typing as t
from dataclasses import dataclass

from lab import command
from lab.network import NAMESPACES, LabNetwork


@dataclass(frozen=True)
class Sample:
    """One look at every machine; `at` is seconds of the wall clock."""

    at: float
    holders: t.Mapping[str, t.Sequence[str]]
    """{address: machines that hold it}, every address that is watched."""

    def everything_on(self, machine: str) -> bool:
        """Whether this machine holds all addresses and no other holds one."""
        return all(list(names) == [machine] for names in self.holders.values())


@dataclass(frozen=True)
class Kernels:
    """The kernels of a pair of nspawn machines, asked from outside: a dead or frozen machine answers too."""

    lab: str
    machines: tuple[str, str]
    addresses: tuple[str, ...]

    def look(self) -> Sample:
        """Ask both.

        Between the two answers an address may properly move from the first to the second. So when both seem to hold
        one the first is asked again: what it still holds, both held at the moment when the second was asked.
        """
        at = time.time()
        first, second = self.machines
        held = {name: self._held(name) for name in self.machines}
        if held[first] & held[second]:
            held[first] = self._held(first)
        return Sample(at, {each: [name for name in self.machines if each in held[name]] for each in self.addresses})

    def _held(self, machine: str) -> set[str]:
        namespace = LabNetwork(self.lab).machine_namespace(machine)
        shown = command.run(["ip", "-n", namespace, "-json", "-4", "address", "show"])
        if shown.rc != 0:
            # A machine that was killed takes its namespace along. Anything else is no answer to rely on.
            if (NAMESPACES / namespace).exists():
                raise command.CommandFailed(["ip", "-n", namespace], shown)
            return set()
        links = json.loads(shown.stdout or "[]")
        return {entry["local"] for link in links for entry in link["addr_info"]} & set(self.addresses)

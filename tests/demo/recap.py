# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible's closing recap, read back."""

from __future__ import annotations

import re
from dataclasses import dataclass

HOST = re.compile(r"^(?P<host>\S+)\s+:\s+(?P<counts>ok=\d+.*)$")
COUNT = re.compile(r"(\w+)=(\d+)")


@dataclass(frozen=True)
class HostRecap:
    """The counts of one host."""

    host: str
    changed: int
    unreachable: int
    failed: int


def read(output: str) -> list[HostRecap]:
    """The last recap in what ansible-playbook printed; empty when it never got that far."""
    _, _, recap = output.rpartition("PLAY RECAP")
    found = [HOST.match(line.strip()) for line in recap.splitlines()]
    return [_host(match) for match in found if match]


def _host(match: re.Match[str]) -> HostRecap:
    counts = {name: int(number) for name, number in COUNT.findall(match["counts"])}
    return HostRecap(match["host"], counts["changed"], counts["unreachable"], counts["failed"])

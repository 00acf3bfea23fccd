# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services whose checks are what a story is about."""

from __future__ import annotations

import json
import typing as t

from netns.daemons import Document
from netns.health_director import WEB_PORT, HealthDirector
from netns.pool_lab import NAT_VIP, SERVERS

from lab.waiting import wait_for

PROMPT: Document = {"connect_timeout": 1, "retry": 0, "delay_before_retry": 0.1, "warmup": 0}


def place(port: int = 80, **options: object) -> Document:
    """A service on the NAT address without servers; its checks run several times a second."""
    usual = {"address": NAT_VIP, "port": port, "protocol": "TCP", "lb_algo": "rr", "lb_kind": "NAT"}
    return {**usual, "delay_loop": 0.2, **options}


def service(*checks: Document, port: int = 80, **options: object) -> Document:
    """A service whose first server is checked by the first of these checks, its second by the second."""
    servers = [
        {"address": address, "port": WEB_PORT, "check": {**PROMPT, **check}}
        for address, check in zip(SERVERS.values(), checks)
    ]
    return place(port, **{"real_servers": servers, **options})


def run(director: HealthDirector, definitions: Document | None = None, **services: Document) -> HealthDirector:
    """Start it with these services."""
    defs = {"data_plane": "nftables", "script_user": "root", **(definitions or {})}
    director.write_text(json.dumps({"global_defs": defs, "virtual_servers": services}))
    return t.cast(HealthDirector, director.start())


def await_reason(director: HealthDirector, name: str, words: str, service: str = "web") -> None:
    """Wait until the reason for the server's state has these words."""
    reason = lambda: words in director.servers(service)[name]["reason"]  # noqa: E731
    wait_for(reason, 10, f"{words!r} as the reason of {name} in {service}", evidence=director.evidence)

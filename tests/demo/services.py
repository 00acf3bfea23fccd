# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The services of the example inventories, as the client asks for them."""

from __future__ import annotations

import typing as t

from demo.scenes import Service

WEB_NAT = Service(
    name="web",
    address="192.168.200.19",
    kind="NAT",
    servers={"web1": "192.168.201.100", "web2": "192.168.201.101"},
)
WEB_DIRECT = Service(
    name="web_direct",
    address="192.168.200.16",
    kind="DR",
    servers={"web1": "192.168.200.100", "web2": "192.168.200.101"},
)

SERVICES: t.Mapping[str, t.Sequence[Service]] = {"nftables": (WEB_NAT,), "ipvs": (WEB_NAT, WEB_DIRECT)}

# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Orders that hang on a name which a reload takes away."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from mainstay.daemon.lost_orders import lost_orders
from mainstay.daemon.overrides import ServerOrder
from mainstay.model.config import Config
from mainstay.model.lvs_config import RealServer, VirtualServer

from .test_operations_pools import A, B, begun, config, service, told

OLD = config(service("web", "192.0.2.21", "192.0.2.22"), service("mail", "192.0.2.21"))
RENAMED = config(service("www", "192.0.2.21", "192.0.2.22"), service("mail", "192.0.2.21"))


def order(name: str, server: str, action: str = "maintenance", weight: t.Optional[int] = None) -> ServerOrder:
    return ServerOrder(name, server, action, weight, "uid 0", "2026-01-01T03:00:00.000+00:00", "disk")


def port(number: int) -> Config:
    """The first server of web has this port."""
    servers = RealServer("192.0.2.21", number), RealServer("192.0.2.22")
    return config(VirtualServer("web", "192.0.2.10", 80, protocol="TCP", real_servers=servers))


@pytest.mark.parametrize(
    ("orders", "new", "remedies"),
    [
        ([order("web", A)], RENAMED, [f"'mainstay maintenance www {A}' gives it anew"]),
        ([order("web", A, "weight", 0)], RENAMED, [f"'mainstay weight www {A} 0' gives it anew"]),
        ([order("web", A)], port(8080), ["'mainstay maintenance web 192.0.2.21:8080' gives it anew"]),
        ([order("web", A), order("mail", A)], RENAMED, [f"'mainstay maintenance www {A}' gives it anew"]),
        ([order("web", A), order("www", A)], RENAMED, []),
        ([order("web", A)], OLD, []),
        ([order("web", A)], config(service("web", "192.0.2.22"), service("mail", "192.0.2.21")), []),
        ([order("old", A)], RENAMED, []),
    ],
    ids=["service", "weight", "port", "one of two", "ordered already", "nothing", "only removed", "gone long ago"],
)
def test_what_is_renamed_loses_its_order(orders: t.List[ServerOrder], new: Config, remedies: t.List[str]) -> None:
    assert [one.remedy for one in lost_orders(orders, OLD, new)] == remedies


def test_a_reload_that_renames_a_service_warns_with_the_command(tmp_path: Path) -> None:
    story = begun(tmp_path, OLD)
    story.asks("maintenance", service="web", server=A, reason="disk")
    story.asks("drain", service="web", server=B)
    story.operations.before_configuration(RENAMED)
    story.operations.after_configuration(RENAMED)
    story.config = RENAMED
    lost = [line for line in story.log if "does not follow" in line]
    assert len(lost) == 2 and f"real_server web {A}: the maintenance by uid 0 does not follow to www {A}" in lost[0]
    assert lost[0].endswith(f"'mainstay maintenance www {A}' gives it anew\n") and " warning " in lost[0]
    assert story.asks("maintenance", service="www", server=A)["ok"] and ("www", A, "maintenance", None) in told(story)

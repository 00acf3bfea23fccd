# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of `mainstay events`: one line an event, whatever it is about."""

from __future__ import annotations

import typing as t

import pytest

from mainstay.daemon.pages.events_text import events_page

AT = "2026-03-01T03:09:40.000+01:00"


def row(**event: t.Any) -> t.List[str]:
    """The cells of one event."""
    page = events_page({"events": [{"at": AT, "reason": "", **event}]}).splitlines()
    return [cell for cell in page[1].split("  ") if cell.strip()]


@pytest.mark.parametrize(
    ("event", "cells"),
    [
        (
            {"kind": "RS", "name": "web 192.0.2.21:80", "event": "DOWN", "before": "UP", "priority": 5},
            ["real_server web 192.0.2.21:80", "UP -> DOWN"],
        ),
        ({"kind": "VS", "name": "web", "event": "UP", "before": "", "priority": 9}, ["virtual_server web", "UP"]),
        (
            {"kind": "RS", "name": "web 192.0.2.21:80", "event": "WEIGHT", "weight": 7, "by": "uid 0"},
            ["real_server web 192.0.2.21:80", "WEIGHT 7"],
        ),
        (
            {"kind": "RS", "name": "web 192.0.2.21:80", "event": "DRAIN", "by": "uid 0"},
            ["real_server web 192.0.2.21:80", "DRAIN"],
        ),
        (
            {"kind": "BFD", "name": "gw", "event": "DOWN", "before": "UP", "priority": 0},
            ["bfd_instance gw", "UP -> DOWN"],
        ),
    ],
)
def test_services_servers_and_sessions_are_named_and_have_no_priority(
    event: t.Dict[str, t.Any], cells: t.List[str]
) -> None:
    found = row(**event)
    assert found[1:3] == cells
    assert len(found) == 4, f"a weight is no priority: {found}"


def test_an_instance_has_its_priority() -> None:
    event = {"kind": "INSTANCE", "name": "VI_1", "event": "MASTER", "before": "BACKUP", "priority": 150}
    assert row(**event)[1:4] == ["VI_1", "BACKUP -> MASTER", "150"]

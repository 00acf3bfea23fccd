# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role's drain looks at before it drains: who would be left of each pool."""

from __future__ import annotations

import typing as t

import jinja2
import pytest
import yaml

from .rendering import ROLES

WEB1, WEB2, WEB3 = "192.0.2.21", "192.0.2.22", "192.0.2.23"


def server(address: str, weight: int = 5, **more: t.Any) -> dict[str, t.Any]:
    usual = {"address": address, "weight": weight, "effective_weight": weight, "in_pool": True, "backup": False}
    return {**usual, "state": "up", **more}


def told(variable: str, *servers: t.Mapping[str, t.Any], **service: t.Any) -> str:
    """What one of the role's variables says when WEB1 is to be drained."""
    pool = {"live_weight": 10, "needed": 1, "quorum_up": True, "real_servers": servers, **service}
    tasks = yaml.safe_load((ROLES / "real_server/tasks/drain.yml").read_text(encoding="utf-8"))
    (text,) = [task["vars"][variable] for task in tasks if variable in task.get("vars", {})]
    known = {"results": [{"item": "lb1", "virtual_servers": {"web": pool}}]}
    return jinja2.Template(text).render(__mainstay_directors=known, mainstay_real_server_addresses=[WEB1])


def lost(*servers: t.Mapping[str, t.Any], **service: t.Any) -> str:
    return told("__mainstay_lost", *servers, **service)


def test_a_pool_that_loses_its_quorum_is_named_with_its_figures() -> None:
    said = lost(server(WEB1), server(WEB2), needed=6)
    assert said == "['web on lb1 (live weight 5, needed 6)']"
    assert lost(server(WEB1), server(WEB2), needed=5) == "[]"


@pytest.mark.parametrize(
    "own",
    [
        {"effective_weight": 0, "state": "draining"},
        {"in_pool": False, "effective_weight": 0, "state": "down"},
        {"backup": True},
    ],
    ids=["drained already", "down", "backup"],
)
def test_a_host_that_the_quorum_does_not_count_takes_nothing_away(own: dict[str, t.Any]) -> None:
    assert lost(server(WEB1, **own), server(WEB2), server(WEB3), needed=10) == "[]"


def test_one_that_warms_up_counts_in_full() -> None:
    warming = server(WEB1, effective_weight=1, state="warming")
    assert "live weight 5, needed 6" in lost(warming, server(WEB2), needed=6)


def test_a_quorum_that_is_lost_already_is_not_this_drains_doing() -> None:
    assert lost(server(WEB1), server(WEB2), needed=20, quorum_up=False) == "[]"


def test_the_last_server_is_named() -> None:
    assert told("__mainstay_alone", server(WEB1)) == "['web on lb1']"
    assert told("__mainstay_alone", server(WEB1), server(WEB2)) == "[]"

# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The difference of two configurations."""

from __future__ import annotations

import copy

from hypothesis import HealthCheck, given, settings

from mainstay.model.config import Config
from mainstay.model.load import load_config
from mainstay.model.plan import plan

from .model_samples import GOOD, configs


def test_no_difference_is_falsy() -> None:
    assert not plan(load_config(GOOD), load_config(copy.deepcopy(GOOD)))


def test_each_object_is_added_removed_or_changed_by_name() -> None:
    document = copy.deepcopy(GOOD)
    document["global_defs"]["router_id"] = "lb1"
    document["vrrp_instances"]["VI_1"].update(priority=90, advert_int=2)
    document["virtual_servers"] = {"dns": {"address": "192.0.2.10", "port": 53, "protocol": "UDP"}}

    difference = plan(load_config(GOOD), load_config(document))

    assert difference
    assert difference.sentences() == [
        "global_defs: changed router_id",
        "vrrp_instance VI_1: changed priority, advert_int",
        "virtual_server web: removed",
        "virtual_server dns: added",
    ]


@given(configs(), configs())
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_the_plan_is_empty_exactly_when_nothing_differs(old: Config, new: Config) -> None:
    assert not plan(old, old)
    assert bool(plan(old, new)) == (old != new)


def test_a_group_and_a_check_that_change_are_told() -> None:
    def document(entry: str, **check: object) -> dict:
        server = {"address": "192.0.2.21", "port": 80, "check": {"type": "http", **check}}
        service = {"virtual_server_group": "G", "protocol": "TCP", "real_servers": [server]}
        return {"virtual_server_groups": {"G": {"entries": [entry]}}, "virtual_servers": {"web": service}}

    before = load_config(document("192.0.2.10-20 80"))
    assert not plan(before, load_config(document("192.0.2.10-192.0.2.20 80", path="/")))
    assert plan(before, load_config(document("192.0.2.10-21 80", path="/healthz"))).sentences() == [
        "virtual_server_group G: changed entries",
        "virtual_server web: changed real_servers",
    ]

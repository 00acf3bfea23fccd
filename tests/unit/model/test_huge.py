# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A thousand virtual addresses, ten thousand real servers."""

from __future__ import annotations

import typing as t

import pytest

from mainstay.model.load import load_config
from mainstay.model.plan import plan

INSTANCES, ADDRESSES, SERVICES, SERVERS = 250, 4, 1000, 10


def huge() -> dict[str, t.Any]:
    """As a configuration file says it."""
    instances = {
        f"VI_{number}": {
            "interface": "eth0",
            "virtual_router_id": number,
            "virtual_ipaddress": [f"10.{each}.0.{number}/16" for each in range(ADDRESSES)],
        }
        for number in range(1, INSTANCES + 1)
    }
    services = {
        f"web_{number}": {
            "address": f"10.{number % ADDRESSES}.0.{number // ADDRESSES + 1}",
            "port": 80,
            "protocol": "TCP",
            "lb_algo": "wrr",
            "lb_kind": "NAT",
            "real_servers": [
                {"address": f"172.16.{number // 250}.{number % 250}", "port": 8000 + each, "check": {"type": "tcp"}}
                for each in range(SERVERS)
            ],
        }
        for number in range(SERVICES)
    }
    return {"vrrp_instances": instances, "virtual_servers": services}


@pytest.mark.fault("F25")
def test_a_huge_configuration_loads_and_a_reload_plans_the_one_change() -> None:
    document = huge()
    before = load_config(document)
    assert len(before.vrrp_instances) == INSTANCES and len(before.virtual_servers) == SERVICES

    document["virtual_servers"]["web_7"]["real_servers"][3]["weight"] = 7
    (sentence,) = plan(before, load_config(document)).sentences()
    assert "web_7" in sentence

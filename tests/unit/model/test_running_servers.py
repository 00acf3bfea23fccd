# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A pool is filled in at one go, and comes out as if each server had been filled in by itself."""

from __future__ import annotations

import typing as t

from hypothesis import given, strategies as st

from mainstay.model.load import load_config
from mainstay.model.lvs_defaults import running_server, running_servers

OPTIONS: t.List[t.Dict[str, t.Any]] = [
    {},
    {"weight": 7},
    {"port": 8080},
    {"retry": 3, "check": {"type": "tcp"}},
    {"check": {"type": "tcp"}},
    {"check": {"type": "http", "path": "/health", "status_code": 200}, "virtualhost": "www.example.com"},
    {"inhibit_on_failure": True, "slow_start": 9},
]


@given(st.lists(st.sampled_from(OPTIONS), max_size=8))
def test_what_a_server_says_holds_for_it_alone(pool: t.List[t.Dict[str, t.Any]]) -> None:
    servers = [{"address": f"10.0.0.{number + 1}", **options} for number, options in enumerate(pool)]
    service = {"address": "192.0.2.10", "port": 80, "protocol": "TCP", "weight": 2, "real_servers": servers}
    config = load_config({"virtual_servers": {"web": service}})
    web = config.virtual_servers["web"]

    one_by_one = [running_server(web, server, config) for server in web.real_servers]

    assert list(running_servers(web, config)) == one_by_one

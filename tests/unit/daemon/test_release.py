# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is ours in the kernel. Removing it is proven in tests/netns and tests/kernel."""

from __future__ import annotations

from pathlib import Path

from mainstay.daemon.release import Holdings, holdings, run_release
from mainstay.daemon.run_directory import RunDirectory
from mainstay.lvs.table import ServiceKey
from mainstay.model.load import load_config

from .daemon_process import INSTANCE

SERVICE = {"address": "192.0.2.10", "port": 80, "protocol": "TCP", "lb_algo": "rr"}


def config(plane: str = "ipvs", *vips: str, **services: object) -> object:
    return load_config(
        {
            "global_defs": {"data_plane": plane},
            "vrrp_instances": {"VI_1": {**INSTANCE, "virtual_ipaddress": list(vips or ["192.0.2.10/24"])}},
            "virtual_servers": services,
        }
    )


def test_addresses_count_with_interface_and_prefix_services_with_their_plane() -> None:
    found = holdings([config("nftables", "192.0.2.10/24", "192.0.2.11/24 dev eth1", web=SERVICE)])

    assert found == Holdings(
        addresses=frozenset({("eth0", "192.0.2.10", 24), ("eth1", "192.0.2.11", 24)}),
        services=frozenset({("nftables", ServiceKey("TCP", "192.0.2.10", 80))}),
    )


def test_what_stays_in_the_configuration_is_not_stale() -> None:
    before = holdings([config("ipvs", "192.0.2.10/24", web=SERVICE)])

    assert not before - holdings([config("ipvs", "192.0.2.10/24", web=SERVICE)])
    moved = before - holdings([config("nftables", "192.0.2.10/32", web=SERVICE)])
    assert moved.addresses == frozenset({("eth0", "192.0.2.10", 24)})
    assert moved.services == frozenset({("ipvs", ServiceKey("TCP", "192.0.2.10", 80))})


def test_nothing_is_removed_below_a_living_daemon(tmp_path: Path) -> None:
    living = RunDirectory(str(tmp_path))
    said: list = []

    assert run_release("/nowhere.json", str(tmp_path), said.append) == 1
    assert said[0].startswith("nothing was removed: another mainstayd")
    living.close()


def test_after_an_end_in_order_there_is_nothing_to_do(tmp_path: Path) -> None:
    said: list = []

    assert run_release("/nowhere.json", str(tmp_path), said.append) == 0
    assert said == []

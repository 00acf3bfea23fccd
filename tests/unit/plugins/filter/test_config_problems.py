# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter by which the role judges inventory on the controller."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.mainstay.ha.plugins.filter.config_problems import FilterModule

config_problems = FilterModule().filters()["config_problems"]
INSTANCE = {"interface": "eth0", "virtual_router_id": 51, "virtual_ipaddress": ["192.0.2.10/24"]}


def test_a_configuration_that_the_daemon_would_run_has_no_problems() -> None:
    assert config_problems({"global_defs": {}, "vrrp_instances": {"VI_1": INSTANCE}, "virtual_servers": {}}) == []


def test_a_problem_names_the_variable_the_value_and_what_is_allowed() -> None:
    wrong = {"vrrp_instances": {"VI_1": {**INSTANCE, "virtual_router_id": 300}}}
    assert config_problems(wrong) == [
        "mainstay_vrrp_instances.VI_1.virtual_router_id = 300: must be a whole number from 1 to 255."
    ]


def test_every_problem_is_told_at_once() -> None:
    wrong = {"vrrp_instances": {"VI_1": {"interfac": "eth0"}}, "virtual_servers": {"web": {"real_servers": [{}]}}}
    told = config_problems(wrong)
    assert any("mainstay_vrrp_instances.VI_1.interfac: is not an option. Did you mean interface?" in p for p in told)
    assert any(p.startswith("mainstay_virtual_servers.web.real_servers[0].address: is missing") for p in told)


def test_a_service_of_a_group_is_judged_with_the_group() -> None:
    groups = {"front": {"entries": ["192.0.2.10-12 80", "fwmark 5"]}}
    services = {"web": {"virtual_server_group": "front", "protocol": "TCP"}}
    assert config_problems({"virtual_server_groups": groups, "virtual_servers": services}) == []

    (told,) = config_problems({"virtual_servers": services})
    assert told.startswith("mainstay_virtual_servers.web.virtual_server_group = 'front': is not defined in")


def test_a_key_that_is_no_variable_of_the_role_is_told_as_it_is() -> None:
    (told,) = config_problems({"vrrp_instance": {}})
    assert told.startswith("vrrp_instance: is not an option")


def test_a_list_of_the_top_is_a_variable_too() -> None:
    (told,) = config_problems({"static_ipaddress": ["192.0.2.300"]})
    assert told.startswith("mainstay_static_ipaddress[0] = '192.0.2.300': must be an address")


def test_a_secret_is_not_repeated() -> None:
    authentication = {"auth_type": "PASS", "auth_pass": "much too long a secret"}
    (told,) = config_problems({"vrrp_instances": {"VI_1": {**INSTANCE, "authentication": authentication}}})
    assert told.startswith("mainstay_vrrp_instances.VI_1.authentication.auth_pass: must be text of 1 to 8")
    assert "much too long" not in told


def test_what_no_file_could_hold_is_an_error_of_the_filter() -> None:
    with pytest.raises(AnsibleFilterError, match="no JSON can be made of this"):
        config_problems({"vrrp_instances": {1, 2}})

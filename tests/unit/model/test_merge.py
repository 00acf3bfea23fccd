# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The main file and conf.d become one document; nothing is said twice."""

from __future__ import annotations

import pytest

from mainstay.model.load import load_config
from mainstay.model.merge import merge_documents
from mainstay.model.problems import ConfigError

INSTANCE = {"interface": "eth0", "virtual_router_id": 51, "virtual_ipaddress": ["192.0.2.10/24"]}


def test_files_add_up() -> None:
    merged = merge_documents(
        [
            ("mainstay.json", {"global_defs": {"router_id": "lb1"}, "vrrp_instances": {"VI_1": INSTANCE}}),
            ("conf.d/a.json", {"vrrp_instances": {"VI_2": {"interface": "eth1"}}, "virtual_servers": None}),
            ("conf.d/b.json", {"global_defs": {"data_plane": "nftables"}}),
        ]
    )

    assert merged.document == {
        "global_defs": {"router_id": "lb1", "data_plane": "nftables"},
        "vrrp_instances": {"VI_1": INSTANCE, "VI_2": {"interface": "eth1"}},
    }


def test_a_name_given_by_two_files_is_refused_naming_both() -> None:
    with pytest.raises(ConfigError) as caught:
        merge_documents(
            [
                ("mainstay.json", {"vrrp_instances": {"VI_1": INSTANCE}}),
                ("conf.d/vrrp_instance-VI_1.json", {"vrrp_instances": {"VI_1": INSTANCE}}),
                ("conf.d/c.json", ["not a mapping"]),
            ]
        )

    twice, shape = caught.value.problems
    assert twice.path == "vrrp_instances.VI_1"
    assert "mainstay.json and conf.d/vrrp_instance-VI_1.json" in twice.message
    assert shape.path == "(conf.d/c.json)"


def test_a_problem_names_its_file_when_there_are_several() -> None:
    merged = merge_documents(
        [
            ("mainstay.json", {"vrrp_instances": {"VI_1": INSTANCE}}),
            ("conf.d/b.json", {"vrrp_instances": {"VI_2": {**INSTANCE, "virtual_router_id": 300}}, "colour": 1}),
        ]
    )
    with pytest.raises(ConfigError) as caught:
        load_config(merged.document)

    located = {problem.path: merged.located(problem).message for problem in caught.value.problems}
    assert located["vrrp_instances.VI_2.virtual_router_id"].endswith("(in conf.d/b.json)")
    assert located["colour"].endswith("(in conf.d/b.json)")


def test_a_malformed_section_gets_through_to_be_refused_at_its_path() -> None:
    merged = merge_documents([("mainstay.json", {"vrrp_instances": []}), ("b", {"vrrp_instances": {"VI_1": INSTANCE}})])

    with pytest.raises(ConfigError, match="vrrp_instances = an empty list: must be a mapping"):
        load_config(merged.document)

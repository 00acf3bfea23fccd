# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connection file: how to reach each machine, and nothing a user's inventory would say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from lab import base_tree, inventory, network, topology
from lab.spec import Kind
from lab.state import StateStore


def test_it_is_yaml_with_connection_variables_only(tmp_path: Path) -> None:
    text = inventory.render(topology.named("five", Kind.UML), StateStore("demo", tmp_path))
    document = yaml.safe_load(text)
    assert list(document) == ["all"]
    assert list(document["all"]) == ["hosts"], "groups are the user's inventory's business"
    for name, variables in document["all"]["hosts"].items():
        assert all(variable.startswith("ansible_") for variable in variables), name


def test_a_machine_on_the_hosts_kernel_is_entered_by_the_plugin(tmp_path: Path) -> None:
    store = StateStore("demo", tmp_path)
    variables = inventory.variables(topology.named("two").machine("director2"), store)
    assert variables["ansible_connection"] == "lab_nspawn"
    assert variables["ansible_lab_state"] == str(tmp_path / "demo" / "state.json")
    assert variables["ansible_lab_machine"] == "director2"
    assert (inventory.PLUGIN_FOLDER / "lab_nspawn.py").exists()


def test_a_guest_is_reached_by_ssh_through_the_labs_namespace(tmp_path: Path) -> None:
    store = StateStore("demo", tmp_path)
    variables = inventory.variables(topology.named("two", Kind.UML).machine("director2"), store)
    assert variables["ansible_connection"] == "ssh"
    assert variables["ansible_host"] == "192.168.202.2"
    assert "nsenter --net=/run/netns/mslab-demo-net socat" in str(variables["ansible_ssh_common_args"])


def test_names_fit_the_kernels_fifteen_characters() -> None:
    assert len(network.port_name("director10", "eth9")) <= 15


def test_hardware_addresses_are_local_unicast_and_stay_the_same() -> None:
    first = network.mac_address("demo", "web1", "eth0")
    assert re.fullmatch("02(:[0-9a-f]{2}){5}", first)
    assert first == network.mac_address("demo", "web1", "eth0")
    assert first != network.mac_address("demo", "web2", "eth0")
    assert first != network.mac_address("other", "web1", "eth0")


def test_a_changed_recipe_is_another_base_tree(monkeypatch: pytest.MonkeyPatch) -> None:
    before = base_tree.path()
    monkeypatch.setattr(base_tree, "PACKAGES", (*base_tree.PACKAGES, "cowsay"))
    assert base_tree.path() != before


def test_the_cache_folder_can_be_chosen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MAINSTAY_CACHE", str(tmp_path))
    assert base_tree.path().parent == tmp_path

# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The example inventories are what the README shows, and the daemon would run them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[3]
EXAMPLES = CHECKOUT / "examples"


def judged(tmp_path: Path, *inventories: Path) -> t.Any:
    """What the site playbook's first play (on the controller only) says of these inventories, by Ansible itself."""
    environment = {
        **os.environ,
        "ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.default",
        "ANSIBLE_LOCAL_TEMP": str(tmp_path),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_HOST_PATTERN_MISMATCH": "warning",  # as it is by default: not every example has real_servers
    }
    program = Path(sys.executable).with_name("ansible-playbook")
    sources = [word for path in inventories for word in ("-i", str(path))]
    tags = ["--tags", "director_validate,real_server_validate"]
    command = [str(program), str(CHECKOUT / "playbooks/site.yml"), *sources, *tags]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)


def test_the_readme_shows_the_inventory_as_it_is() -> None:
    shown = (EXAMPLES / "inventory.yml").read_text(encoding="utf-8").split("---\n", 1)[1]
    assert f"```yaml\n{shown}```" in (CHECKOUT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "names",
    [["inventory.yml"], ["inventory.yml", "nftables.yml"], ["inventory.yml", "balancing.yml"], ["sync.yml"]],
    ids="+".join,
)
def test_the_daemon_would_run_the_examples(tmp_path: Path, names: list[str]) -> None:
    done = judged(tmp_path, *(EXAMPLES / name for name in names))
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_mistake_stops_the_play_and_names_variable_value_and_range(tmp_path: Path) -> None:
    instance = {"interface": "eth0", "virtual_router_id": 300, "virtual_ipaddress": ["192.0.2.1"]}
    variables = {"mainstay_vrrp_instances": {"VI_1": instance}}
    wrong = tmp_path / "wrong.json"
    wrong.write_text(json.dumps({"directors": {"vars": variables}}), encoding="utf-8")
    done = judged(tmp_path, EXAMPLES / "inventory.yml", wrong)
    sentence = "mainstay_vrrp_instances.VI_1.virtual_router_id = 300: must be a whole number from 1 to 255"
    assert done.returncode != 0
    assert sentence in done.stdout + done.stderr, done.stdout + done.stderr


def test_a_real_servers_mistake_is_named_too(tmp_path: Path) -> None:
    variables = {"mainstay_real_server_virtual_ipaddress": ["192.168.200.300"]}
    wrong = tmp_path / "wrong.json"
    wrong.write_text(json.dumps({"real_servers": {"vars": variables}}), encoding="utf-8")
    done = judged(tmp_path, EXAMPLES / "inventory.yml", wrong)
    assert done.returncode != 0
    assert "192.168.200.300" in done.stdout + done.stderr

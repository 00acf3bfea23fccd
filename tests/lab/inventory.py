# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How Ansible reaches the machines, as an inventory file of connection variables and nothing else.

Use it beside an ordinary inventory: `ansible-playbook -i inventory.yml -i CONNECTION_FILE …`. The nspawn
machines need the connection plugin of this folder: `python -m lab env` prints the setting.
"""

from __future__ import annotations

import json
import shlex
from pathlib import Path

from lab.network import LabNetwork
from lab.spec import Kind, LabSpec, MachineSpec
from lab.state import StateStore
from lab.uml import control_path, key_path, ssh_options

PLUGIN_FOLDER = Path(__file__).resolve().parent / "connection"


def environment(store: StateStore) -> dict[str, str]:
    """What ansible-playbook needs in its environment, and where the connection file is."""
    return {
        "ANSIBLE_CONNECTION_PLUGINS": str(PLUGIN_FOLDER),
        "MAINSTAY_LAB_INVENTORY": str(store.directory / "connection.yml"),
    }


def render(spec: LabSpec, store: StateStore) -> str:
    """The inventory file as YAML."""
    lines = [
        f"# Connection variables of lab {store.name}; use beside an ordinary inventory.",
        "all:",
        "  hosts:",
    ]
    for machine in spec.machines:
        lines.append(f"    {machine.name}:")
        lines += [f"      {name}: {json.dumps(value)}" for name, value in variables(machine, store).items()]
    return "\n".join(lines) + "\n"


def variables(machine: MachineSpec, store: StateStore) -> dict[str, object]:
    """The connection variables of one machine."""
    common = {"ansible_python_interpreter": "/usr/bin/python3", "ansible_pipelining": True}
    return {
        **(_over_ssh(machine, store) if machine.kind is Kind.UML else _over_nsenter(machine, store)),
        **common,
    }


def _over_nsenter(machine: MachineSpec, store: StateStore) -> dict[str, object]:
    return {
        "ansible_connection": "lab_nspawn",
        "ansible_lab_state": str(store.path),
        "ansible_lab_machine": machine.name,
    }


def _over_ssh(machine: MachineSpec, store: StateStore) -> dict[str, object]:
    """Ansible rides on the connection the lab keeps open, because a login takes a guest a second."""
    return {
        "ansible_connection": "ssh",
        "ansible_host": machine.management_address,
        "ansible_user": "root",
        "ansible_ssh_private_key_file": str(key_path(store)),
        "ansible_ssh_common_args": shlex.join(ssh_options(store, LabNetwork(store.name))),
        "ansible_ssh_args": "-o ControlMaster=auto -o ControlPersist=60s",
        "ansible_control_path": str(control_path(store, machine.name)),
    }

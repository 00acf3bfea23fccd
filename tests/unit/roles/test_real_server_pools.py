# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host that no director balances, or by another address than was said, is refused; nothing ends green for it."""

from __future__ import annotations

import itertools
import typing as t

import jinja2
import pytest
import yaml

from .rendering import ROLES

Task = t.Mapping[str, t.Any]


def tasks(name: str) -> t.Iterator[Task]:
    """Those of an entry point in order, imported ones in their place."""
    for task in yaml.safe_load((ROLES / "real_server/tasks" / name).read_text(encoding="utf-8")):
        imported = task.get("ansible.builtin.import_tasks")
        if imported:
            yield from tasks(imported)
        else:
            yield task


def refusals(entry_point: str, pools: t.Mapping[str, t.Sequence[str]]) -> list[str]:
    """What is said of such pools before anything is ordered."""
    environment = jinja2.Environment(autoescape=False)  # noqa: S701 - sentences are no HTML
    environment.filters["flatten"] = lambda lists: list(itertools.chain.from_iterable(lists))
    known = {
        "__mainstay_pools": pools,
        "inventory_hostname": "web1",
        "mainstay_real_server_addresses": ["192.0.2.99"],
    }
    before = itertools.takewhile(lambda task: "mainstay.ha.ha_maintenance" not in task, tasks(entry_point))
    asserted = [task["ansible.builtin.assert"] for task in before if "ansible.builtin.assert" in task]
    return [
        environment.from_string(one["fail_msg"]).render(known)
        for one in asserted
        if "__mainstay_pools" in one["that"] and not environment.compile_expression(one["that"])(known)
    ]


@pytest.mark.parametrize("entry_point", ["drain.yml", "restore.yml"])
def test_a_host_in_no_pool_is_refused_with_its_addresses_and_the_remedy(entry_point: str) -> None:
    assert refusals(entry_point, {"lb1": [], "lb2": []}) == [
        "No director has a real_server with one of the addresses 192.0.2.99 of web1; "
        "say in mainstay_real_server_addresses by which it is balanced."
    ]
    assert refusals(entry_point, {"lb1": [], "lb2": ["192.0.2.99:80"]}) == [], "one director is enough"

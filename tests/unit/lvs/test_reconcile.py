# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reconciliation: only what differs is edited, and a working pool never runs empty on the way."""

from __future__ import annotations

import typing as t
from dataclasses import replace
from functools import reduce

import pytest
from hypothesis import given, strategies as st

from mainstay.lvs.effects import NotApplicable, apply_operation, operation_service
from mainstay.lvs.operations import (
    AddDestination,
    AddService,
    Operation,
    RemoveDestination,
    RemoveService,
    SetDestination,
    SetService,
)
from mainstay.lvs.reconcile import operations
from mainstay.lvs.table import Destination, ServiceKey, Table, Tunnel

from .tables import KEYS, WEB, server, service, table, tables


def serves(held: Table, key: ServiceKey) -> bool:
    """Can the service give a new connection to anyone?"""
    return key in held and any(server.weight > 0 for server in held[key].destinations.values())


def on_the_way(current: Table, edits: list[Operation]) -> list[Table]:
    """Every table from the current one to the last."""
    steps = [current]
    for edit in edits:
        steps.append(apply_operation(steps[-1], edit))
    return steps


# --- as examples ---------------------------------------------------------------------------------


def test_a_new_service_is_added_empty_and_then_filled() -> None:
    new = service(server(21), server(22, weight=2))
    assert operations({}, table(new), owned=()) == [
        AddService(new),
        AddDestination(WEB, server(21)),
        AddDestination(WEB, server(22, weight=2)),
    ]


def test_what_is_already_right_is_adopted_without_a_single_operation() -> None:
    held = table(service(server(21), server(22)))
    assert operations(held, held, owned=()) == []


def test_scheduler_persistence_weight_and_forwarding_are_changed_in_place() -> None:
    current = table(service(server(21), server(22)))
    changed = service(server(21, weight=5), server(22, lb_kind="DR"), lb_algo="mh", persistence=60)
    assert operations(current, table(changed), owned=()) == [
        SetService(changed),
        SetDestination(WEB, server(21, weight=5)),
        SetDestination(WEB, server(22, lb_kind="DR")),
    ]


def test_when_servers_are_swapped_the_new_one_comes_before_the_old_one_goes() -> None:
    edits = operations(table(service(server(21))), table(service(server(22))), owned=())
    assert edits == [AddDestination(WEB, server(22)), RemoveDestination(WEB, server(21).key)]


def test_when_weights_swap_up_comes_before_down() -> None:
    current = table(service(server(21, weight=1), server(22, weight=0)))
    edits = operations(current, table(service(server(21, weight=0), server(22, weight=1))), owned=())
    assert edits == [SetDestination(WEB, server(22, weight=1)), SetDestination(WEB, server(21, weight=0))]


def test_a_service_that_is_ours_and_no_longer_wanted_goes() -> None:
    assert operations(table(service(server(21))), {}, owned={WEB}) == [RemoveService(WEB)]


def test_a_service_that_is_not_ours_is_left_alone() -> None:
    assert operations(table(service(server(21))), {}, owned=()) == []


def test_a_server_that_someone_put_into_our_pool_goes() -> None:
    current = table(service(server(21), server(99)))
    assert operations(current, table(service(server(21))), owned=()) == [RemoveDestination(WEB, server(99).key)]


@pytest.mark.parametrize("change", [
    {"persistence_timeout": 60}, {"persistence_engine": "sip"}, {"flags": frozenset({"ops"})},
    {"persistence_timeout": 60, "persistence_granularity": 24},
], ids=lambda change: " ".join(change))  # fmt: skip
def test_everything_of_a_service_but_its_key_is_changed_in_place(change: dict[str, t.Any]) -> None:
    changed = replace(service(server(21)), **change)
    assert operations(table(service(server(21))), table(changed), owned=()) == [SetService(changed)]


@pytest.mark.parametrize("change", [
    {"lb_kind": "TUN", "tunnel": Tunnel("gue", 5555)}, {"upper_threshold": 100}, {"lower_threshold": 10}, {"weight": 0},
], ids=lambda change: " ".join(change))  # fmt: skip
def test_everything_of_a_server_but_its_key_is_changed_in_place(change: dict[str, t.Any]) -> None:
    changed = replace(server(21), **change)
    edits = operations(table(service(server(21))), table(service(changed)), owned=())
    assert edits == [SetDestination(WEB, changed)]


@pytest.mark.parametrize(("found", "wanted"), [
    (server(21, lb_kind="TUN"), replace(server(21, lb_kind="TUN"), tunnel=Tunnel())),
    (server(21), replace(server(21), tunnel=Tunnel("gue", 5555))),
], ids=["ipip without a word", "a tunnel that is not used"])  # fmt: skip
def test_two_spellings_of_one_server_are_no_difference(found: Destination, wanted: Destination) -> None:
    assert operations(table(service(found)), table(service(wanted)), owned=()) == []


@pytest.mark.parametrize(("key", "whole"), [(WEB, 32), (ServiceKey("TCP", "2001:db8::10", 80), 128)])
def test_a_prefix_of_the_whole_address_is_no_prefix(key: ServiceKey, whole: int) -> None:
    plain = service(key=key, persistence=60)
    spelt = replace(plain, persistence_granularity=whole)
    assert operations(table(plain), table(spelt), owned=()) == []
    assert operations(table(plain), table(replace(plain, persistence_granularity=24)), owned=()) != []


# --- as properties -------------------------------------------------------------------------------


@given(tables(), tables())
def test_the_operations_arrive_at_the_desired_table(current: Table, desired: Table) -> None:
    assert on_the_way(current, operations(current, desired, owned=KEYS))[-1] == desired


@given(tables(), tables())
def test_a_second_run_has_nothing_to_do(current: Table, desired: Table) -> None:
    reached = reduce(apply_operation, operations(current, desired, owned=KEYS), current)
    assert operations(reached, desired, owned=KEYS) == []


@given(tables(), tables())
def test_a_pool_that_serves_before_and_after_serves_all_the_way(current: Table, desired: Table) -> None:
    for step in on_the_way(current, operations(current, desired, owned=KEYS)):
        for key in KEYS:
            if serves(current, key) and serves(desired, key):
                assert serves(step, key), f"{key} is empty on the way"


@given(tables(), tables(), st.sets(st.sampled_from(KEYS)))
def test_entries_of_others_and_equal_entries_get_no_operation(
    current: Table, desired: Table, owned: set[ServiceKey]
) -> None:
    touched = {operation_service(edit) for edit in operations(current, desired, owned)}
    for key, held in current.items():
        foreign = key not in desired and key not in owned
        assert not (key in touched and (foreign or held == desired.get(key))), f"{key} was touched"


@given(tables(), tables())
def test_an_equal_server_gets_no_operation(current: Table, desired: Table) -> None:
    for edit in operations(current, desired, owned=KEYS):
        if isinstance(edit, SetDestination):
            held = current[edit.service].destinations[edit.destination.key]
            assert held != edit.destination, f"{edit} changes nothing"


# --- what the proofs above stand on: operations are as strict as the kernel's ----------------------


@pytest.mark.parametrize(("operation", "complaint"), [
    (AddService(service()), "service TCP 192.0.2.10:80 exists already"),
    (AddDestination(WEB, server(21)), f"real_server 192.0.2.21:80 of service {WEB} exists already"),
    (SetDestination(WEB, server(22)), f"real_server 192.0.2.22:80 of service {WEB} does not exist"),
    (RemoveDestination(WEB, server(22).key), f"real_server 192.0.2.22:80 of service {WEB} does not exist"),
    (RemoveService(KEYS[0]), "service TCP 192.0.2.10:53 does not exist"),
    (SetService(service(key=KEYS[0])), "service TCP 192.0.2.10:53 does not exist"),
])  # fmt: skip
def test_an_operation_that_does_not_fit_is_refused(operation: Operation, complaint: str) -> None:
    with pytest.raises(NotApplicable, match=complaint):
        apply_operation(table(service(server(21))), operation)

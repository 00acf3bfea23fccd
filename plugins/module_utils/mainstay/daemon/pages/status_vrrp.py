# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The status page's part about VRRP: the sync groups, then every instance.

Below each instance stand, aligned with its state, what led to that state, what its priority is made of, what it tracks
and how that is, and what it hears but cannot take.
"""

from __future__ import annotations

import typing as t

from .page_words import STALE, Row, Section, of, section_of, table, text, time

_ADDRESSES_SHOWN = 12
_ADDRESSES_IN_A_LINE = 2
# Counted for the interface and ordinary: another group of routers lives on the same segment.
_STRANGERS = "virtual_router_id"
_INSTANCE_HEAD = ("INSTANCE", "STATE", "SINCE", "INTERFACE", "VRID", "PRIORITY", "MASTER", "ADDRESSES HELD")
_GROUP_HEAD = ("GROUP", "STATE", "SINCE", "MEMBERS")


def vrrp_trouble(section: Section) -> t.Iterator[str]:
    """What wants a human."""
    for name, instance in section_of(section, "instances").items():
        subject = f"vrrp_instance {text(name)}" + (" is in FAULT" if instance.get("state") == "FAULT" else "")
        yield from (f"{subject}: {text(one)}" for one in instance.get("problems") or ())
    yield from (f"static network: {text(one)}" for one in section_of(section, "static").get("problems") or ())


def vrrp_tables(section: Section) -> t.List[str]:
    instances = section_of(section, "instances")
    if not instances:
        return ["no vrrp_instances", ""]
    mark = "" if section.get("alive") else STALE
    blocks = [_instance_rows(name, instance, mark) for name, instance in instances.items()]
    head, *lines = table(_INSTANCE_HEAD, [row for block in blocks for row in block])
    margin = head.index(_INSTANCE_HEAD[1]) * " "
    page = [*_groups(section_of(section, "groups"), mark), head]
    for block, instance in zip(blocks, instances.values()):
        page += lines[: len(block)]
        page += [margin + one for one in _instance_notes(instance)]
        del lines[: len(block)]
    return [*page, ""]


def _instance_notes(instance: Section) -> t.Iterator[str]:
    if instance.get("last_transition"):
        yield text(instance["last_transition"])
    yield from _priority_notes(instance)
    yield from (tracker_note(one) for one in instance.get("trackers") or ())
    if instance.get("authentication"):
        yield f"authentication: {text(instance['authentication'])}"
    if instance.get("unicast_peers"):
        yield f"unicast peers: {' '.join(text(one) for one in instance['unicast_peers'])}"
    discarded = section_of(section_of(instance, "counters"), "discarded")
    told = [f"{text(number)} for {text(reason)}" for reason, number in discarded.items() if reason != _STRANGERS]
    if told:
        yield f"packets discarded so far: {', '.join(told)}"


def _instance_rows(name: object, instance: Section, mark: str) -> t.List[Row]:
    """One, and one more for each further line of addresses."""
    first, *more = _address_lines(instance)
    blank = [" "] * (len(_INSTANCE_HEAD) - 1)
    return [[*_instance_cells(name, instance, mark), first], *[[*blank, line] for line in more]]


def _instance_cells(name: object, instance: Section, mark: str) -> t.List[object]:
    state = instance.get("state")
    master = "this machine" if state == "MASTER" else instance.get("master") or "unknown"
    return [
        name,
        f"{text(state)}{mark}",
        time(instance.get("since")),
        instance.get("interface"),
        instance.get("virtual_router_id"),
        of(instance.get("effective_priority"), instance.get("priority")),
        master,
    ]


def _address_lines(instance: Section) -> t.List[str]:
    """Those held, some in a line; how many of how many when not all are."""
    held = [text(one) for one in instance.get("addresses_held") or ()]
    configured = len(instance.get("addresses") or ())
    shown = held[:_ADDRESSES_SHOWN]
    lines = [" ".join(shown[at : at + _ADDRESSES_IN_A_LINE]) for at in range(0, len(shown), _ADDRESSES_IN_A_LINE)]
    if len(held) > len(shown):
        lines.append(f"and {len(held) - len(shown)} more, see --json")
    if not held or len(held) < configured:
        lines.insert(0, f"{len(held) or 'none'} of {configured}")
    return lines


def _groups(groups: Section, mark: str) -> t.List[str]:
    """One line each, and what led to its state."""
    if not groups:
        return []
    rows = [
        (name, f"{text(one.get('state'))}{mark}", time(one.get("since")), " ".join(map(text, one.get("members") or ())))
        for name, one in groups.items()
    ]
    head, *lines = table(_GROUP_HEAD, rows)
    margin = head.index(_GROUP_HEAD[1]) * " "
    page = [head]
    for line, one in zip(lines, groups.values()):
        page += [line, margin + text(one.get("last_transition"))]
    return [*page, ""]


def _priority_notes(instance: Section) -> t.Iterator[str]:
    """What the priority is made of, when it is not simply the configured one."""
    parts = [f"{text(one.get('name'))} {one.get('change', 0):+d}" for one in instance.get("priority_because") or ()]
    if instance.get("demoted"):
        parts.append("demoted by an operator")
    if parts:
        made_of = f"{text(instance.get('priority'))} configured, {', '.join(parts)}"
        yield f"priority {text(instance.get('effective_priority'))}: {made_of}"


def tracker_note(tracker: Section) -> str:
    """What is tracked, and how that is."""
    result, why = tracker.get("result"), text(tracker.get("why"))
    since = f" since {time(tracker['since'])}" if tracker.get("since") else ""
    said = why if result is None else text(result) + since + (f" ({why})" if tracker.get("why") else "")
    weight = f", weight {tracker['weight']}" if tracker.get("weight") else ""
    reverse = " reversed" if tracker.get("reverse") else ""
    return f"tracks {text(tracker.get('kind'))} {text(tracker.get('name'))}{weight}{reverse}: {said}"

# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The answer to `mainstay explain` as text: the reason first, then what it hangs on, then what would change it."""

from __future__ import annotations

import typing as t

from .page_words import Section, section_of, text, time
from .status_vrrp import tracker_note


def explain_page(answer: Section) -> str:
    """The whole text, with a line end."""
    lines = [f"vrrp_instance {text(answer.get('instance'))} is {text(answer.get('state'))}"]
    lines += [f"  {line}" for line in _lines(answer)]
    return "\n".join(lines) + "\n"


def _lines(answer: Section) -> t.Iterator[str]:
    status = section_of(answer, "status")
    yield f"because {text(answer.get('why'))}"
    yield text(answer.get("outlook"))
    yield from _demotion_lines(answer.get("demotion"))
    yield from _group_lines(section_of(answer, "group"))
    yield from (f"cause of FAULT: {text(one)}" for one in status.get("faults") or ())
    yield from (tracker_note(one) for one in status.get("trackers") or ())
    yield f"in this state since {time(status.get('since'))}: {text(status.get('last_transition'))}"


def _demotion_lines(order: t.Optional[Section]) -> t.Iterator[str]:
    if order is not None:
        yield demotion_sentence(order)


def demotion_sentence(order: Section) -> str:
    """Who took what out of the election, why, and how it is undone."""
    name = "--all" if order.get("kind") == "ALL" else text(order.get("name"))
    what = "every vrrp_instance" if order.get("kind") == "ALL" else f"{_TITLES.get(str(order.get('kind')), '')}{name}"
    reason = f": {text(order['reason'])}" if order.get("reason") else ", no reason given"
    given = f"demoted by {text(order.get('by'))} at {time(order.get('at'))}{reason}"
    return f"{what} {given}; 'mainstay restore {name}' ends it"


def _group_lines(group: Section) -> t.Iterator[str]:
    if group:
        members = ", ".join(f"{text(name)} {text(state)}" for name, state in section_of(group, "members").items())
        last = text(group.get("last_transition"))
        yield f"member of vrrp_sync_group {text(group.get('name'))}, {text(group.get('state'))} ({last}): {members}"


_TITLES = {"INSTANCE": "vrrp_instance ", "GROUP": "vrrp_sync_group "}

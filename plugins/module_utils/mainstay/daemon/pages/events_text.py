# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The event journal as a page: one line an event, the newest at the end, what it was and why."""

from __future__ import annotations

import typing as t

from .page_words import Row, Section, table, text, time

_HEAD = ("TIME", "OBJECT", "EVENT", "PRIORITY", "WHY")
_ORDERED = "WEIGHT"


def events_page(answer: Section) -> str:
    """The whole page, with a line end."""
    events = answer.get("events") or ()
    lines = table(_HEAD, [_row(event) for event in events]) if events else ["no events"]
    return "\n".join([*_trouble(answer), *lines]) + "\n"


def _trouble(answer: Section) -> t.Iterator[str]:
    if answer.get("problem"):
        yield f"!! events cannot be written, {text(answer['problem'])}; {text(answer.get('dropped'))} are missing"
    elif answer.get("dropped"):
        yield f"!! {text(answer['dropped'])} events could not be written since the daemon started"
    if answer.get("damaged"):
        yield f"!! {text(answer['damaged'])} lines of the journal are damaged and left out"


def _row(event: Section) -> Row:
    priority = event.get("priority") if event.get("kind") in _WITH_PRIORITY else ""
    return (time(event.get("at")), _object(event), _what(event), priority or " ", _why(event))


def _object(event: Section) -> str:
    kind, name = event.get("kind"), event.get("name")
    return _OBJECTS.get(str(kind), "{}").format(text(name))


def _what(event: Section) -> str:
    before, what = event.get("before"), event.get("event")
    if what == _ORDERED:
        return f"{what} {text(event.get('weight'))}"
    moved = before and before != what and what in _STATES
    return f"{text(before)} -> {text(what)}" if moved else text(what)


def _why(event: Section) -> str:
    by = f"by {text(event['by'])}" if event.get("by") else ""
    return ": ".join(part for part in (by, text(event["reason"]) if event.get("reason") else "") if part) or "-"


_WITH_PRIORITY = ("INSTANCE", "GROUP")
_STATES = ("MASTER", "BACKUP", "FAULT", "STOP", "DELETED", "UP", "DOWN")
_OBJECTS = {
    "INSTANCE": "{}",
    "GROUP": "group {}",
    "ALL": "all instances",
    "DAEMON": "{}",
    "VS": "virtual_server {}",
    "RS": "real_server {}",
    "BFD": "bfd_instance {}",
}

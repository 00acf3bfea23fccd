# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The BFD sessions on the status page: one line each; below it why, and of one that is not up what would help."""

from __future__ import annotations

import typing as t

from .page_words import STALE, Section, section_of, table, text, time

_HEAD = ("BFD", "STATE", "SINCE", "NEIGHBOR", "SEND EVERY", "DETECT IN")


def bfd_trouble(section: Section) -> t.Iterator[str]:
    """What wants a human."""
    for name, session in section_of(section, "bfd_instances").items():
        yield from (f"bfd_instance {text(name)}: {text(one)}" for one in session.get("problems") or ())


def bfd_tables(section: Section) -> t.List[str]:
    """Nothing where there is no session."""
    sessions = section_of(section, "bfd_instances")
    if not sessions:
        return []
    mark = "" if section.get("alive") else STALE
    head, *lines = table(_HEAD, [_row(name, session, mark) for name, session in sessions.items()])
    margin = head.index(_HEAD[1]) * " "
    page = [head]
    for line, session in zip(lines, sessions.values()):
        page += [line, *(margin + note for note in _notes(session))]
    return [*page, ""]


def _row(name: object, session: Section, mark: str) -> t.Sequence[object]:
    spans = (session.get(key) for key in ("transmit_interval", "detection_time"))
    shown = ("-" if span is None else f"{span:g} s" for span in spans)
    return name, f"{text(session.get('state'))}{mark}", time(session.get("since")), session.get("neighbor_ip"), *shown


def _notes(session: Section) -> t.Iterator[str]:
    yield text(session.get("why"))
    if session.get("state") != "UP":
        yield text(session.get("outlook"))
    discarded = section_of(section_of(session, "counters"), "discarded")
    if discarded:
        told = ", ".join(f"{text(number)} for {text(reason)}" for reason, number in discarded.items())
        yield f"packets discarded so far: {told}"

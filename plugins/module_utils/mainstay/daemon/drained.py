# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a real server is drained, by the answer to `servers`: what the command line and the modules wait for.

What counts are established connections. Those that are being opened or closed (inactive) are shown; a server is
drained when none is established in two looks in a row, so that a handshake that was under way is seen. A look at the
figures of the look before is none: many connections are counted less often than somebody looks. Whose connections
cannot be counted is not drained: what is not known is not 0.
"""

from __future__ import annotations

import typing as t

from ..lvs.table import endpoint_text

LOOKS = 2
"""So many in a row have to find a server drained."""

Section = t.Mapping[str, t.Any]


class Looks:
    """Those in a row that found everybody drained."""

    def __init__(self) -> None:
        self._row = 0
        self._counted_at: object = None

    def confirm(self, answer: Section, drained: bool) -> bool:
        """One more answer to `servers`, and what it says; whether that is certain now."""
        counted_at = answer["lvs"].get("counted_at")
        if not drained:
            self._row = 0
        elif not self._row or counted_at is None or counted_at != self._counted_at:
            self._row += 1
        self._counted_at = counted_at
        return self._row >= LOOKS


class Look(t.NamedTuple):
    """What one look at the server found."""

    taken: bool
    """The health worker runs the order: no new connection goes there."""
    established: t.Optional[int]
    """None: nobody knows."""
    others: t.Optional[int]
    why: str = ""
    """Why the order is not run, or why connections cannot be counted."""

    @property
    def drained(self) -> bool:
        """Nothing is established and nothing new comes."""
        return self.taken and self.established == 0

    @property
    def blind(self) -> bool:
        """Nothing new comes, and whether something is left cannot be said."""
        return self.taken and self.established is None

    def text(self) -> str:
        """For people."""
        if not self.taken:
            return f"still takes new connections: {self.why}"
        if self.blind:
            return f"connections cannot be counted: {self.why}"
        return f"{self.established} established connections, {self.others} opening or closing"


def server_section(answer: Section, service: str, server: str) -> t.Optional[Section]:
    """What the health worker says of one server; None when it knows none of this name."""
    listed = answer["lvs"]["virtual_servers"].get(service, {}).get("real_servers") or ()
    return next((one for one in listed if endpoint_text(one["address"], int(one["port"] or 0)) == server), None)


def look_at(answer: Section, service: str, server: str) -> Look:
    """What the answer to `servers` says of one server."""
    lvs = answer["lvs"]
    if not lvs.get("alive"):
        return Look(False, None, None, "the health worker does not answer, see 'mainstay status'")
    found = server_section(answer, service, server)
    if found is None:
        return Look(False, None, None, "the health worker does not know it")
    connections = found.get("active_connections"), found.get("inactive_connections")
    if not found.get("override"):
        return Look(False, *connections, "the health worker has not taken the order yet")
    if found.get("in_pool") and found.get("effective_weight"):
        return Look(False, *connections, str(found.get("reason") or "it has a weight"))
    if lvs.get("error"):
        return Look(True, None, None, str(lvs["error"]))
    if None not in connections:
        return Look(True, *connections)
    if found.get("in_pool"):
        return Look(True, None, None, str(lvs.get("uncounted") or "the data plane does not tell of this server yet"))
    return Look(True, 0, 0)

# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is told about one virtual_server: lines for the journal, happenings for scripts, mails and FIFOs.

Everything is told from two decisions, the one before and the one now. A line about a server says what became of it,
why, and what is left of the pool: who reads it at night should not have to ask again. Happenings follow the checks (as
keepalived's notify_up and notify_down do), not an operator's orders: those are told where they are given.
"""

from __future__ import annotations

import typing as t

from ...lvs.health import DOWN, UNCHECKED, UP, WAITING
from ...lvs.member import BACKUP, DAMPED, DRAINING, FORCED, MAINTENANCE, WARMING, Member, Pool
from ...lvs.table import DestinationKey
from ...model.lvs_defaults import RunningService
from ...model.units import Instant, as_seconds, seconds
from ..log_limit import LogLimit
from ..wall_clock import wall_clock
from ..worker import Happening, LogLine, Say

SERVICE, SERVER = "VS", "RS"
_UP, _DOWN, _STOP = "UP", "DOWN", "STOP"

_DAY = seconds(24 * 3600)

_BECAME = {
    UP: "is up",
    WAITING: "waits for its first check",
    UNCHECKED: "is in the pool",
    WARMING: "is up and warming",
    FORCED: "is forced into service",
    DRAINING: "is draining",
    BACKUP: "is ready as a backup",
    DAMPED: "is kept out",
    DOWN: "is down",
    MAINTENANCE: "is in maintenance",
}
_CALM = (UP, UNCHECKED, WARMING, BACKUP, WAITING)


class PoolReport:
    """The story of one virtual_server."""

    def __init__(self, name: str, say: Say) -> None:
        self._name = name
        self._say = say
        self._noted = LogLimit(_DAY)

    def first(self, pool: Pool) -> None:
        """The first decision: nothing has changed, but whoever follows the quorum has to be told that it is there."""
        if pool.quorum_up:
            self._happened(SERVICE, self._name, _UP, pool.live_weight, pool.why, "")
        else:
            self.line("warning", pool.why)

    def changed(self, members: t.Mapping[str, Member], before: Pool, pool: Pool, tries: str) -> None:
        """`tries` stands behind the reason of servers that went down just now: " (2 of 2 tries)"."""
        for server, placed in pool.placed.items():
            same = placed is before.placed.get(server) and pool.memories[server] is before.memories[server]
            if server in before.placed and not same:
                self._server_changed(members[server], before, pool, tries)
        self._round_ended(before, pool)
        self._floor_changed(before, pool)
        self._service_changed(before, pool)

    def ended(self, members: t.Iterable[Member], pool: Pool) -> None:
        """Omega: the pool goes because the service ends, and whoever was told of its coming is told of its going."""
        self.gone(members, pool)
        if pool.quorum_up:
            self._happened(SERVICE, self._name, _STOP, 0, "the service ends", _UP)

    def gone(self, members: t.Iterable[Member], pool: Pool) -> None:
        """Omega: these servers are not kept any more."""
        for member in members:
            if alive(pool, member.name):
                self._server_happened(member, _STOP, "it leaves the pool for good", _UP)

    def leaving(self, servers: t.Iterable[DestinationKey], service: RunningService) -> None:
        """They are not wanted any more, and keep the connections that they have for a while."""
        longest = as_seconds(service.drain_timeout)
        for server in sorted(servers):
            keeps = f"gets no new connections and keeps those that it has for {longest:g} s at most (drain_timeout)"
            self.line("info", f"real_server {server} leaves the pool: it {keeps}")

    def hindered(self, server: str, state: str, hindrance: str) -> None:
        """This host could not check."""
        self.line("warning", f"real_server {server} stays {state}: it could not be checked, {hindrance}")

    def failed(self, server: str, kind: str, reason: str) -> None:
        """One failed probe that changed nothing (log_all_failures)."""
        self.line("info", f"real_server {server}: a {kind} check failed: {reason}")

    def noted(self, server: str, notes: t.Iterable[str], now: Instant) -> None:
        """What a passed check wants to be heard; once a day, whatever figure in it has changed."""
        told = "; ".join(notes)
        if told and self._noted.allows(server, now):
            self.line("warning", f"real_server {server}: {told}")

    def line(self, level: str, message: str) -> None:
        """For the journal."""
        self._say(LogLine(level, f"virtual_server {self._name}", message))

    def _server_changed(self, member: Member, before: Pool, pool: Pool, tries: str) -> None:
        server = member.name
        was, now = before.placed[server], pool.placed[server]
        lived, lives = alive(before, server), alive(pool, server)
        found_well = lived and (was.state, now.state) == (WAITING, UP)
        if was.state != now.state and not found_well:
            level = "info" if now.state in _CALM else "warning"
            again = tries if now.state == DOWN else ""
            self.line(level, f"real_server {server} {_BECAME[now.state]}: {now.why}{again}{_left(pool)}")
        if lived != lives:
            self._server_happened(member, _UP if lives else _DOWN, now.why, _UP if lived else _DOWN)

    def _round_ended(self, before: Pool, pool: Pool) -> None:
        """One line for all servers that passed their first check."""
        if not _waiting(pool) and _waiting(before):
            standing = sum(one.state == UP for one in pool.placed.values())
            self.line("info", f"every real_server has been checked: {standing} of {len(pool.placed)} are up")

    def _floor_changed(self, before: Pool, pool: Pool) -> None:
        if set(pool.floor_holds) == set(before.floor_holds):
            return
        if pool.floor_holds:
            held = ", ".join(pool.floor_holds)
            self.line("error", f"pool_floor keeps servers in service whose checks failed: {held}; look at them now")
        else:
            self.line("info", "pool_floor keeps nobody in service any more: enough servers pass their checks")

    def _service_changed(self, before: Pool, pool: Pool) -> None:
        turned = pool.quorum_up != before.quorum_up
        if turned or _who(pool) != _who(before):
            self.line(*_service_line(pool))
        if turned:
            event, was = (_UP, _DOWN) if pool.quorum_up else (_DOWN, _UP)
            self._happened(SERVICE, self._name, event, pool.live_weight, pool.why, was)

    def _server_happened(self, member: Member, event: str, reason: str, before: str) -> None:
        name = f"{self._name} {member.name}"
        self._happened(SERVER, name, event, member.server.weight, reason, before)

    def _happened(self, kind: str, name: str, event: str, weight: int, reason: str, before: str) -> None:
        self._say(Happening(kind, name, event, weight, reason, before, wall_clock()))


def alive(pool: Pool, server: str) -> bool:
    """Do its checks let it serve? An order of an operator has no say in this."""
    memory, placed = pool.memories.get(server), pool.placed.get(server)
    if memory is None or placed is None:
        return False
    return memory.passing and (placed.state != DAMPED or placed.serving)


def _who(pool: Pool) -> t.Tuple[bool, bool, bool]:
    """Who takes the connections, as far as it is worth a line of the service's own."""
    return pool.serving, pool.sorry_in, pool.backup_in


def _waiting(pool: Pool) -> bool:
    return any(placed.state == WAITING for placed in pool.placed.values())


def _left(pool: Pool) -> str:
    """What is left of the pool, behind a line about one of its servers."""
    serving = sum(placed.serving for placed in pool.placed.values())
    weight = f"live weight {pool.live_weight}, {pool.needed} needed"
    return f"; {serving} of {len(pool.placed)} servers take connections, {weight}"


def _service_line(pool: Pool) -> t.Tuple[str, str]:
    if not pool.serving:
        return "error", f"connections fail until a real_server is up or put back: {pool.why}"
    return ("info" if pool.quorum_up else "error"), pool.why

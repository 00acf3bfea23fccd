# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must hold of every decision on a pool, said a second time and from outside: in terms of what goes in and out."""

from __future__ import annotations

import math
import typing as t
from collections.abc import Callable, Iterator, Sequence

from mainstay.lvs import pool as decisions
from mainstay.lvs.health import DOWN, WAITING
from mainstay.lvs.member import Member, Pool
from mainstay.model.lvs_defaults import RunningService


class Decision(t.NamedTuple):
    """One decision with what it was made of."""

    service: RunningService
    members: Sequence[Member]
    before: Pool | None
    pool: Pool
    now: int
    damped: frozenset[str]
    """Names of servers whose penalty keeps them out."""

    def regular(self) -> list[Member]:
        return [member for member in self.members if not member.server.backup]

    def full(self, member: Member) -> int:
        """The weight that a server would have in service."""
        said, configured = member.override, member.server.weight
        if said is not None and said.action == "force":
            return max(1, configured)
        if said is not None and said.action == "weight":
            return said.weight or 0
        return configured if member.health.weight is None else member.health.weight

    def able(self, member: Member) -> bool:
        """Orders and checks let it serve."""
        if ordered(member, "force"):
            return True
        out = ordered(member, "drain") or ordered(member, "maintenance") or not self.full(member)
        trusted = member.health.state != WAITING or member.health.trusted
        return not out and member.health.state != DOWN and trusted

    def flaps(self, member: Member) -> bool:
        return member.name in self.damped and not ordered(member, "force")

    def live(self, damped_too: bool) -> int:
        """Full weights of the regular servers that are able."""
        able = [member for member in self.regular() if self.able(member)]
        return sum(self.full(member) for member in able if damped_too or not self.flaps(member))

    def serves(self, member: Member) -> bool:
        return bool(self.pool.placed[member.name].weight)

    def reachable(self) -> int:
        return sum(member.server.weight for member in self.regular())

    def stay_at(self) -> int:
        return max(1, max(1, min(self.service.quorum, self.reachable())) - self.service.hysteresis)

    def rise_at(self) -> int:
        quorum = max(1, min(self.service.quorum, self.reachable()))
        return max(quorum, min(quorum + self.service.hysteresis, self.reachable()))


def ordered(member: Member, action: str) -> bool:
    return member.override is not None and member.override.action == action


def complaints(decision: Decision) -> Iterator[str]:
    """What is wrong with the decision, in the words of the promise that it breaks."""
    if list(decision.pool.placed) != [member.name for member in decision.members]:
        yield "broken: every server is placed, and nothing is invented"
        return
    for promise in PROMISES:
        if not promise(decision):
            yield f"broken: {promise.__doc__}"


def report(decision: Decision) -> str:
    """What an engineer needs to see."""
    service, pool = decision.service, decision.pool
    head = (
        f"quorum {service.quorum}, hysteresis {service.hysteresis}, floor {service.pool_floor} %, "
        f"sorry server {service.sorry_server is not None}, was up "
        f"{None if decision.before is None else decision.before.quorum_up}"
    )
    rows = [f"  {m.name} {m.health} {m.override} damped {m.name in decision.damped}" for m in decision.members]
    return "\n".join([head, *rows, f"  -> {pool.why}", *[f"  -> {n} {p}" for n, p in pool.placed.items()]])


def _drained_gets_nothing(d: Decision) -> bool:
    """a server that the operator drains has no weight; a regular one keeps its connections"""
    drained = [m for m in d.members if ordered(m, "drain")]
    zeroed = [m for m in d.members if ordered(m, "weight") and not d.full(m)]
    stays = all(d.pool.placed[m.name].weight == 0 for m in drained if not m.server.backup)
    return stays and not any(d.serves(m) for m in drained + zeroed)


def _maintenance_is_out(d: Decision) -> bool:
    """a server in maintenance is not in the table"""
    return all(d.pool.placed[m.name].weight is None for m in d.members if ordered(m, "maintenance"))


def _forced_serves(d: Decision) -> bool:
    """a forced server is in service with its weight"""
    return all(d.pool.placed[m.name].weight == d.full(m) for m in d.members if ordered(m, "force"))


def _failed_serves_only_by_the_floor(d: Decision) -> bool:
    """a server that its checks keep out serves only where pool_floor holds it"""
    out = [m for m in d.members if m.health.state == DOWN and not ordered(m, "force")]
    distrusted = [m for m in d.members if not m.health.trusted and not ordered(m, "force")]
    held = d.pool.floor_holds
    return all(m.name in held for m in out if d.serves(m)) and not any(d.serves(m) for m in distrusted)


def _never_empty(d: Decision) -> bool:
    """a pool that can serve is never empty"""
    floor = [m for m in d.regular() if _holdable(d, m)]
    anybody = any(d.able(m) for m in d.members) or floor or d.service.sorry_server is not None
    return d.pool.serving == bool(anybody)


def _holdable(d: Decision, member: Member) -> bool:
    taken = member.override is not None and member.override.action in ("drain", "maintenance", "force")
    floor = d.service.pool_floor * d.reachable() > 0
    return floor and member.health.state == DOWN and not taken and d.full(member) > 0


def _quorum_as_keepalived(d: Decision) -> bool:
    """the quorum comes at quorum + hysteresis and goes below quorum - hysteresis, cut to what can be reached"""
    was_up = d.before is None or d.before.quorum_up
    return d.pool.quorum_up == (d.live(damped_too=True) >= (d.stay_at() if was_up else d.rise_at()))


def _steady(d: Decision) -> bool:
    """the same input again gives the same decision, so nothing flaps on a constant input"""
    return _same(decisions.decide(d.service, d.members, d.pool, d.now), d.pool)


def _same(one: Pool, other: Pool) -> bool:
    return (one.placed, one.quorum_up, one.sorry_in, one.floor_holds, one.memories, one.next_change) == (
        other.placed, other.quorum_up, other.sorry_in, other.floor_holds, other.memories, other.next_change,
    )  # fmt: skip


def _sorry_alone(d: Decision) -> bool:
    """the sorry server serves exactly while the quorum is lost and no backup, forced or floor's server serves"""
    floored = d.service.pool_floor and any(d.able(m) or _holdable(d, m) for m in d.regular())
    forced = any(ordered(m, "force") for m in d.members)
    backup = any(d.able(m) for m in d.members if m.server.backup)
    expected = d.service.sorry_server is not None and not (d.pool.quorum_up or floored or forced or backup)
    return d.pool.sorry_in == expected and not (expected and any(d.serves(m) for m in d.members))


def _never_sorry_and_backup(d: Decision) -> bool:
    """sorry server and backup servers never serve together"""
    return not (d.pool.sorry_in and d.pool.backup_in)


def _backup_for_lost_quorum(d: Decision) -> bool:
    """a backup server serves while the quorum is lost and else only when it is forced"""
    backups = [m for m in d.members if m.server.backup]
    if d.pool.quorum_up:
        return not any(d.serves(m) for m in backups if not ordered(m, "force"))
    able = [m for m in backups if d.able(m)]
    return all(d.serves(m) for m in able if not d.flaps(m)) and any(d.serves(m) for m in able) == bool(able)


def _able_serves(d: Decision) -> bool:
    """every able and calm regular server serves unless the sorry server does, with its whole weight unless it warms"""
    calm = [m for m in d.regular() if d.able(m) and not d.flaps(m)]
    return d.pool.sorry_in or all(d.serves(m) and _weight_fits(d, m) for m in calm)


def _weight_fits(d: Decision, member: Member) -> bool:
    placed = d.pool.placed[member.name]
    warms = placed.state == "warming" and member.server.slow_start > 0 and (placed.weight or 0) < d.full(member)
    return warms or placed.weight == d.full(member)


def _damping_yields(d: Decision) -> bool:
    """damping never costs the quorum, and yields to nothing else but the floor"""
    flapping = [m for m in d.regular() if d.able(m) and d.flaps(m)]
    if d.pool.sorry_in:
        return True
    if d.live(damped_too=False) < d.stay_at():
        return all(d.serves(m) for m in flapping)
    return not any(d.serves(m) for m in flapping if m.name not in d.pool.floor_holds)


def _floor_respected(d: Decision) -> bool:
    """pool_floor percent of the configured weight serve, as far as checks alone are against it, and nobody too many"""
    if not d.service.pool_floor:
        return not d.pool.floor_holds
    need = math.ceil(d.reachable() * d.service.pool_floor / 100)
    serving = sum(d.full(m) for m in d.regular() if d.serves(m))
    willing = [m for m in d.regular() if d.able(m) or _holdable(d, m)]
    last = sum(d.full(m) for m in d.members if m.name in d.pool.floor_holds[-1:])
    enough = serving >= need or all(d.serves(m) for m in willing)
    return enough and (not last or serving - last < need)


def _floor_takes_the_latest(d: Decision) -> bool:
    """pool_floor holds damped servers before failed ones, and of those the ones that failed last"""
    by_name = {m.name: m for m in d.members}
    held = [by_name[name] for name in d.pool.floor_holds]
    left = [m for m in d.regular() if _holdable(d, m) and m not in held]
    failed_ones = [m for m in held if m.health.state == DOWN]
    return not any(m.health.since > other.health.since for m in left for other in failed_ones)


def _says_why(d: Decision) -> bool:
    """every server and the service say why, with the operator's name where it is his will"""
    placed = d.pool.placed
    told = all(("alice" in placed[m.name].why) == (m.override is not None) for m in d.members)
    nobody = d.pool.serving or "NOTHING takes new connections" in d.pool.why
    checked = [m for m in d.members if m.override is None and placed[m.name].state != "draining"]
    return told and nobody and all(m.health.reason in placed[m.name].why for m in checked)


def _live_weight_told(d: Decision) -> bool:
    """live weight and needed weight agree with the state of the quorum"""
    return d.pool.quorum_up == (d.pool.live_weight >= d.pool.needed)


PROMISES: list[Callable[[Decision], bool]] = [
    _drained_gets_nothing,
    _maintenance_is_out,
    _forced_serves,
    _failed_serves_only_by_the_floor,
    _never_empty,
    _quorum_as_keepalived,
    _steady,
    _sorry_alone,
    _never_sorry_and_backup,
    _backup_for_lost_quorum,
    _able_serves,
    _damping_yields,
    _floor_respected,
    _floor_takes_the_latest,
    _says_why,
    _live_weight_told,
]

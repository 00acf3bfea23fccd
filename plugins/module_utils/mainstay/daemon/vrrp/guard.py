# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What accept: false drops, for all instances of one worker: who holds which address, and that the kernel has it.

Theory of operation. The table is made when the first instance asks for it and removed with the last. What an instance
holds is a change of the sets alone. Two instances may hold the same address for a moment (a reload moves it), so each
element goes when nobody holds it any more.

Somebody may flush the table (`nft flush ruleset`, as a restarted nftables.service does). The kernel counts every
change of any table; the count is asked for twice a second, and only when it moved is ours read and, if it is not
whole, replaced by a whole one in a single step.

What the kernel refuses is a `problem`, which makes a FAULT of the instances that need the table: they would answer
where they must not. It is tried again with every look.
"""

from __future__ import annotations

import errno
import os
import typing as t

from ...model.units import NANOSECONDS_PER_MILLISECOND, Instant, seconds
from ...net.accept_filter import TABLE, Element, adding_batch, removing_batch, table_batch
from ...net.accept_socket import FilterSocket, remove_table
from ...net.polling import Poller, Timer
from ..log_limit import LogLimit
from ..worker import LogLine, Say

_LOOK = 500 * NANOSECONDS_PER_MILLISECOND
_PERIOD = seconds(60)
_SUBJECT = f"packet filter table inet {TABLE}"

Changed = t.Callable[[Instant], None]
NOTHING: t.FrozenSet[Element] = frozenset()


class AcceptGuard:
    """Our table in the kernel."""

    def __init__(self, poller: Poller, say: Say, changed: Changed) -> None:
        """`changed` is called when there is another `problem`, or none any more."""
        self._poller = poller
        self._say = say
        self._changed = changed
        self._limit = LogLimit(_PERIOD)
        self._needed: t.Set[object] = set()
        self._held: t.Dict[object, t.FrozenSet[Element]] = {}
        self._prepared: t.Dict[object, t.Tuple[t.FrozenSet[Element], bytes, bytes]] = {}
        self._kernel: t.Optional[FilterSocket] = None
        self._made = False
        self._generation = b""
        self._timer: t.Optional[Timer] = None
        self._moved = False
        self.problem = ""
        """Why what is held may not be dropped; empty when it is."""

    def need(self, holder: object, elements: t.FrozenSet[Element]) -> None:
        """`holder` is going to hold these: make the table, prepare the messages."""
        if self._prepared.get(holder, (None,))[0] != elements:
            self._prepared[holder] = elements, adding_batch(elements), removing_batch(elements)
        if holder not in self._needed:
            self._needed.add(holder)
            if not self._made:
                self._make()
            self._come_back()

    def spare(self, holder: object) -> None:
        """`holder` needs the table no more; the last one takes it away."""
        self.hold(holder, NOTHING)
        self._prepared.pop(holder, None)
        self._needed.discard(holder)
        if not self._needed:
            self._remove()

    def hold(self, holder: object, elements: t.FrozenSet[Element]) -> None:
        """From now on exactly these are dropped for `holder`."""
        before = self._held.get(holder, NOTHING)
        if before == elements:
            return
        others = NOTHING.union(*(held for other, held in self._held.items() if other is not holder))
        self._held[holder] = elements
        added, removed = elements - before - others, before - elements - others
        prepared, adding, removing = self._prepared.get(holder, (NOTHING, b"", b""))
        self._order(adding if added == prepared else adding_batch(added))
        self._order(removing if removed == prepared else removing_batch(removed))

    def close(self) -> None:
        """Take the table away, whoever needs it."""
        for holder in list(self._needed):
            self.spare(holder)

    # ---- the kernel

    def _order(self, batch: bytes) -> None:
        if not batch:
            return
        if self._made and self._kernel is not None:
            try:
                self._kernel.change(batch)
                return
            except OSError:
                self._tell_loss()
        self._make()

    def _make(self) -> None:
        """The whole table, with all that is held."""
        try:
            if self._kernel is None:
                self._kernel = FilterSocket()
            self._kernel.change(table_batch(self._all_held()))
        except OSError as error:
            self._made = False
            self._note(_sentence(error))
            return
        self._made, self._generation = True, b""
        self._note("")

    def _note(self, problem: str) -> None:
        if problem != self.problem:
            self.problem, self._moved = problem, True
            level, message = ("error", problem) if problem else ("info", "is there again")
            self._say(LogLine(level, _SUBJECT, message))

    def _remove(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._made:
            try:
                remove_table()
            except OSError as error:
                self._say(LogLine("warning", _SUBJECT, f"cannot be removed: {os.strerror(error.errno or 0)}"))
        if self._kernel is not None:
            self._kernel.close()
            self._kernel = None
        self._made, self.problem = False, ""

    def _all_held(self) -> t.FrozenSet[Element]:
        return NOTHING.union(*self._held.values())

    # ---- twice a second

    def _come_back(self) -> None:
        if self._timer is None:
            self._timer = self._poller.call_at(self._poller.now() + _LOOK, self._look)

    def _look(self, now: Instant) -> None:
        self._timer = None
        if not self._made or not self._is_whole():
            if self._made:
                self._tell_loss()
            self._make()
        if self._moved:
            self._moved = False
            self._changed(now)
        self._come_back()

    def _is_whole(self) -> bool:
        if self._kernel is None:
            return False
        try:
            generation = self._kernel.generation()
            if generation == self._generation:
                return True
            whole = self._kernel.is_whole(self._all_held())
        except OSError:
            return False
        self._generation = generation
        return whole

    def _tell_loss(self) -> None:
        if self._limit.allows("loss", self._poller.now()):
            self._say(LogLine("warning", _SUBJECT, "somebody removed it or a part of it; put back"))


def _sentence(error: OSError) -> str:
    reason = os.strerror(error.errno or 0)
    remedy = _REMEDIES.get(error.errno or 0, _NO_NFTABLES)
    return f"the kernel refuses the packet filter table inet {TABLE}: {reason}{remedy}"


_NO_NFTABLES = "; accept: false and use_vmac need nf_tables (modprobe nf_tables)"
_REMEDIES = {errno.EPERM: "; the daemon needs CAP_NET_ADMIN"}

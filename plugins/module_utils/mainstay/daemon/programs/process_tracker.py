# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One vrrp_track_process: how many of its processes run, and whether that is what it should be."""

from __future__ import annotations

import typing as t

from ...model.tracking import VrrpTrackProcess
from ...model.units import Duration, Instant
from ...net.polling import Poller, Timer
from .process_table import ProcessEntry

_SHORT_NAME = 15
"""Bytes that the kernel keeps of a name."""


def matches(wanted: VrrpTrackProcess, entry: ProcessEntry) -> bool:
    """Whether it is one of the processes that are meant."""
    name, arguments = wanted.process[0], wanted.process[1:]
    same = name == (entry.words[0] if entry.words else "") if wanted.full_command else name[:_SHORT_NAME] == entry.name
    return same and (not arguments or _MATCHERS[wanted.param_match](arguments, entry.words[1:]))


def _exact(wanted: t.Tuple[str, ...], found: t.Tuple[str, ...]) -> bool:
    return wanted == found


def _partial(wanted: t.Tuple[str, ...], found: t.Tuple[str, ...]) -> bool:
    """The first ones are these; others may follow."""
    return wanted == found[: len(wanted)]


def _initial(wanted: t.Tuple[str, ...], found: t.Tuple[str, ...]) -> bool:
    """As partial, and the last one may go on."""
    first, last = wanted[:-1], wanted[-1]
    return len(found) >= len(wanted) and found[: len(first)] == first and found[len(first)].startswith(last)


_MATCHERS: t.Mapping[str, t.Callable[[t.Tuple[str, ...], t.Tuple[str, ...]], bool]] = {
    "exact": _exact,
    "partial": _partial,
    "initial": _initial,
}


class ProcessTracker:
    """One vrrp_track_process of the configuration."""

    def __init__(self, wanted: VrrpTrackProcess, poller: Poller, changed: t.Callable[[ProcessTracker], None]) -> None:
        """`changed` is called when it is up or down now and was not before."""
        self.wanted = wanted
        self.up: t.Optional[bool] = None
        self.count = 0
        self.why_up = ""
        """What decided the verdict."""
        self._poller = poller
        self._changed = changed
        self._pending: t.Optional[Timer] = None

    @property
    def why(self) -> str:
        """A few words for people."""
        limit = "" if self.wanted.quorum_max is None else f", at most {self.wanted.quorum_max}"
        return f"{self.count} running, {self.wanted.quorum} wanted{limit}"

    def look(self, processes: t.Iterable[ProcessEntry], now: Instant) -> None:
        """Count anew. The first count decides at once, later ones after their delay."""
        before, self.count = self.count, sum(matches(self.wanted, entry) for entry in processes)
        if self.up is None:
            self._decide()
        elif self._enough() == self.up:
            self._forget_pending()
        elif self._pending is None:
            delay: Duration = self.wanted.fork_delay if self.count > before else self.wanted.terminate_delay
            if delay:
                self._pending = self._poller.call_at(now + delay, self._turn)
            else:
                self._decide()

    def close(self) -> None:
        """Stop."""
        self._forget_pending()

    def document(self) -> t.Dict[str, object]:
        """For the status."""
        return {"up": self.up, "why": self.why, "count": self.count}

    def _enough(self) -> bool:
        most = self.wanted.quorum_max
        if most == 0:  # must not run: the least number has no meaning then
            return self.count == 0
        return self.count >= self.wanted.quorum and (most is None or self.count <= most)

    def _turn(self, _now: Instant) -> None:
        self._forget_pending()
        if self._enough() != self.up:
            self._decide()

    def _decide(self) -> None:
        self.up, self.why_up = self._enough(), self.why
        self._changed(self)

    def _forget_pending(self) -> None:
        if self._pending is not None:
            self._pending.cancel()
            self._pending = None

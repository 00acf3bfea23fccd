# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All MISC_CHECKs of the running configuration, each program run once however many servers it stands at.

A reload leaves a check that is equal as it was: it neither runs at once nor forgets its verdict.
"""

from __future__ import annotations

import random
import typing as t

from ...model.check_config import MiscCheck
from ...model.units import Instant
from ...net.polling import Poller
from ..check_names import server_of
from ..journal import Journal
from .misc_check import MiscRunner
from .scripts import ScriptRunner

Wanted = t.Mapping[str, MiscCheck]
"""By the name of the result, see check_names."""


class MiscChecks:
    """Runs them."""

    def __init__(
        self,
        poller: Poller,
        journal: Journal,
        runner: ScriptRunner,
        changed: t.Callable[[], None],
        chance: t.Callable[[], float] = random.random,
    ) -> None:
        """`changed` is called when one of them is up, down or of another weight now. `chance` spreads first runs."""
        self._poller = poller
        self._journal = journal
        self._runner = runner
        self._changed = changed
        self._chance = chance
        self._runners: t.Dict[MiscCheck, MiscRunner] = {}
        self._wanted: Wanted = {}

    def configure(self, wanted: Wanted, now: Instant) -> None:
        """Run these from now on."""
        before, self._runners, self._wanted = self._runners, {}, wanted
        fresh: t.List[MiscRunner] = []
        for key, check in wanted.items():
            if check in self._runners:
                continue
            if check in before:
                self._runners[check] = before.pop(check)
            else:
                self._runners[check] = self._made(key, check)
                fresh.append(self._runners[check])
        for one in before.values():
            one.close(now)
        for one in fresh:
            one.start(round((one.check.warmup or 0) * self._chance()))

    def close(self, now: Instant) -> None:
        """Run none any more; what they found stays."""
        for one in self._runners.values():
            one.close(now)

    def results(self) -> t.Dict[str, t.Dict[str, t.Any]]:
        """Of those that have one."""
        found = ((key, self._runners[check].result) for key, check in self._wanted.items())
        return {key: result for key, result in found if result is not None}

    def status(self) -> t.Dict[str, t.Dict[str, object]]:
        """All of them."""
        return {key: self._runners[check].document() for key, check in self._wanted.items()}

    def _made(self, key: str, check: MiscCheck) -> MiscRunner:
        command = check.misc_path
        problem = "" if command is None else self._runner.problem(command)
        if problem:
            self._journal.error(_subject(key), f"{problem}; its runs count as failed")
        return MiscRunner(check, self._runner, self._poller, self._changed, self._failed)

    def _failed(self, check: MiscCheck, reason: str) -> None:
        """One line, however many servers it stands at."""
        keys = [key for key, one in self._wanted.items() if one == check]
        others = f" (and of {len(keys) - 1} more)" if len(keys) > 1 else ""
        self._journal.info(_subject(keys[0]) + others, f"failed: {reason}")


def _subject(key: str) -> str:
    """Whose it is, for people."""
    return f"misc check of {' '.join(server_of(key) or (key,))}"

# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running the operator's programs beside everything else: nothing here waits for one of them.

Each run is proven (script_security), started (script_start) and then only watched (script_run). Not more than a
number of them run at a time; the others wait their turn.
"""

from __future__ import annotations

import collections
import os
import typing as t

from ...model.commands import Command
from ...model.units import Duration, Instant
from ...net.polling import Poller
from . import script_start
from .script_identity import Identity, NoSuchIdentity, identity_of
from .script_run import Done, Run, ScriptResult
from .script_security import ScriptRefused, walk
from .watched_child import Started

MOST_AT_A_TIME = 64


class _Wish(t.NamedTuple):
    """A run that waits for room."""

    command: Command
    arguments: t.Tuple[str, ...]
    timeout: t.Optional[Duration]
    done: Done


class ScriptRunner:
    """Runs commands for the supervisor."""

    def __init__(self, poller: Poller, most: int = MOST_AT_A_TIME) -> None:
        self._poller = poller
        self._most = most
        self._null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
        self._script_user: t.Optional[str] = None
        self._identities: t.Dict[t.Tuple[t.Optional[str], t.Optional[str]], Identity] = {}
        self._running: t.Dict[int, Run] = {}
        self._waiting: t.Deque[_Wish] = collections.deque()

    @property
    def running(self) -> int:
        """How many processes are there."""
        return len(self._running)

    def set_script_user(self, script_user: t.Optional[str]) -> None:
        """global_defs.script_user from now on; users and groups are looked up anew."""
        self._script_user = script_user
        self._identities.clear()

    def problem(self, command: Command) -> str:
        """Why it could not be run at this moment; empty when nothing speaks against it."""
        try:
            identity = self._identity(command)
            os.close(walk(command.argv[0], identity.uid).descriptor)
        except (NoSuchIdentity, ScriptRefused, OSError) as error:
            return str(error)
        return ""

    def user_of(self, command: Command) -> t.Optional[int]:
        """Uid that runs it; None when there is no such user."""
        try:
            return self._identity(command).uid
        except NoSuchIdentity:
            return None

    def run(
        self, command: Command, arguments: t.Sequence[str], timeout: t.Optional[Duration], done: Done
    ) -> t.Optional[Run]:
        """Run it with further arguments; `done` is called once, never before this returns.

        Over the timeout (None: no limit) it is ended. None is returned when it did not start, or not yet.
        """
        wish = _Wish(command, tuple(arguments), timeout, done)
        if len(self._running) >= self._most:
            self._waiting.append(wish)
            return None
        return self._start(wish, self._poller.now())

    def end_all(self, why: str, now: Instant) -> None:
        """Nothing that waits starts any more, everything that runs is ended."""
        while self._waiting:
            self._failed(self._waiting.popleft(), why, now)
        for run in list(self._running.values()):
            run.end(why, now)

    def close(self) -> None:
        """Give the descriptor back."""
        os.close(self._null)

    def _start(self, wish: _Wish, now: Instant) -> t.Optional[Run]:
        try:
            started = self._fork(wish)
        except (NoSuchIdentity, ScriptRefused) as error:
            self._failed(wish, str(error), now)
            return None
        except OSError as error:
            self._failed(wish, f"cannot be started: {error.strerror}", now)
            return None
        run = Run(self._poller, started, wish.timeout, wish.done, lambda at: self._gone(started.pid, at))
        self._running[started.pid] = run
        return run

    def _fork(self, wish: _Wish) -> Started:
        identity = self._identity(wish.command)
        walked = walk(wish.command.argv[0], identity.uid)
        try:
            return script_start.start(walked, [*wish.command.argv, *wish.arguments], identity, self._null)
        finally:
            os.close(walked.descriptor)

    def _identity(self, command: Command) -> Identity:
        key = (command.user, command.group)
        if key not in self._identities:
            self._identities[key] = identity_of(command, self._script_user)
        return self._identities[key]

    def _failed(self, wish: _Wish, reason: str, now: Instant) -> None:
        self._poller.call_at(now, lambda at: wish.done(ScriptResult(None, reason, 0), at))

    def _gone(self, pid: int, now: Instant) -> None:
        del self._running[pid]
        if self._waiting and len(self._running) < self._most:
            self._start(self._waiting.popleft(), now)

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


class Turn:
    """A run that was asked for: it waits for room, then it runs, then it has ended."""

    __slots__ = ("arguments", "command", "done", "run", "runner", "timeout")

    def __init__(
        self,
        runner: ScriptRunner,
        command: Command,
        arguments: t.Sequence[str],
        timeout: t.Optional[Duration],
        done: Done,
    ) -> None:
        self.runner = runner
        self.command = command
        self.arguments = arguments
        self.timeout = timeout
        self.done = done
        self.run: t.Optional[Run] = None
        """While the process is there."""

    @property
    def pid(self) -> t.Optional[int]:
        """None when no process is there."""
        return None if self.run is None else self.run.pid

    def end(self, why: str, now: Instant) -> None:
        """`why` becomes its result: a process is ended, one that waits never starts. Harmless when it has ended."""
        if self.run is not None:
            self.run.end(why, now)
        else:
            self.runner.leave_line(self, why, now)


class ScriptRunner:
    """Runs commands for the supervisor."""

    def __init__(self, poller: Poller, most: int = MOST_AT_A_TIME) -> None:
        self._poller = poller
        self._most = most
        self._null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
        self._script_user: t.Optional[str] = None
        self._identities: t.Dict[t.Tuple[t.Optional[str], t.Optional[str]], Identity] = {}
        self._running: t.Set[Turn] = set()
        self._waiting: t.Deque[Turn] = collections.deque()

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
    ) -> Turn:
        """Run it with further arguments, as soon as there is room; `done` is called once, never before this returns.

        Over the timeout (None: no limit), which counts from its start, it is ended.
        """
        turn = Turn(self, command, arguments, timeout, done)
        self._waiting.append(turn)
        self._serve(self._poller.now())
        return turn

    def leave_line(self, turn: Turn, why: str, now: Instant) -> None:
        """It does not want to start any more; harmless when it is not in line."""
        if turn in self._waiting:
            self._waiting.remove(turn)
            self._failed(turn, why, now)

    def end_all(self, why: str, now: Instant) -> None:
        """Nothing that waits starts any more, everything that runs is ended."""
        for turn in [*self._waiting, *self._running]:
            turn.end(why, now)

    def close(self) -> None:
        """Give the descriptor back."""
        os.close(self._null)

    def _serve(self, now: Instant) -> None:
        while self._waiting and len(self._running) < self._most:
            self._start(self._waiting.popleft(), now)

    def _start(self, turn: Turn, now: Instant) -> None:
        try:
            started = self._fork(turn)
        except (NoSuchIdentity, ScriptRefused) as error:
            self._failed(turn, str(error), now)
            return
        except OSError as error:
            self._failed(turn, f"cannot be started: {error.strerror}", now)
            return
        turn.run = Run(self._poller, started, turn.timeout, turn.done, lambda at: self._gone(turn, at))
        self._running.add(turn)

    def _fork(self, turn: Turn) -> Started:
        identity = self._identity(turn.command)
        walked = walk(turn.command.argv[0], identity.uid)
        try:
            return script_start.start(walked, [*turn.command.argv, *turn.arguments], identity, self._null)
        finally:
            os.close(walked.descriptor)

    def _identity(self, command: Command) -> Identity:
        key = (command.user, command.group)
        if key not in self._identities:
            self._identities[key] = identity_of(command, self._script_user)
        return self._identities[key]

    def _failed(self, turn: Turn, reason: str, now: Instant) -> None:
        self._poller.call_at(now, lambda at: turn.done(ScriptResult(None, reason, 0), at))

    def _gone(self, turn: Turn, now: Instant) -> None:
        turn.run = None
        self._running.discard(turn)
        self._serve(now)

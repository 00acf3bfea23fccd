# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps the connection synchronisation of ip_vs as it should be.

Theory of operation. Told the settings and the roles (sync_role), it reads what runs and makes the difference good: a
thread that is right already is adopted, one with other settings starts anew, one whose role is over is stopped if it is
ours. Ours is what this worker started or adopted, and what sends or receives our very messages: that was started by a
worker that died. Every few seconds it looks again; what somebody else stopped is told and comes back.

What the kernel refuses, and a kernel without ip_vs, is told once and tried again after growing pauses.
"""

from __future__ import annotations

import typing as t

from ...model.units import Instant, as_seconds, seconds
from ...net.data_plane import DataPlaneUnavailable
from ...net.ipvs_sync import SyncControl, SyncSettings
from ...net.polling import Poller, Timer
from ..worker import Arguments, LogLine, Say
from .engines import ReopenPauses

CHECK_PERIOD = seconds(5)
_SUBJECT = "lvs_sync_daemon"

OpenControl = t.Callable[[], SyncControl]
Running = t.Dict[str, SyncSettings]
"""Role -> settings, as the kernel tells them."""


class SyncKeeper:
    """The two threads of one network namespace."""

    def __init__(self, poller: Poller, say: Say, open_control: OpenControl = SyncControl) -> None:
        self._poller = poller
        self._say = say
        self._open_control = open_control
        self._settings: t.Optional[SyncSettings] = None
        self._roles: t.Optional[t.Tuple[str, ...]] = None
        """None: not decided yet."""
        self._control: t.Optional[SyncControl] = None
        self._running: Running = {}
        self._ours: t.Dict[str, t.Tuple[SyncSettings, SyncSettings]] = {}
        """What we wanted when we started or adopted it, and as what the kernel told it: it may have rounded a size."""
        self._problem = ""
        self._pauses = ReopenPauses()
        self._repairs = 0
        self._timer: t.Optional[Timer] = None

    def want(self, arguments: Arguments, _now: Instant) -> None:
        """Settings (None: none any more) and roles (None: leave alone what runs until this is known)."""
        settings, roles = arguments["settings"], arguments["roles"]
        self._settings = None if settings is None else SyncSettings(**settings)
        self._roles = None if roles is None else tuple(roles)
        self._pauses.forget()
        self._keep()

    def stop(self) -> None:
        """End what is ours."""
        if self._settings is not None:
            self._roles = ()
            self._keep()
        self._settings = None
        self._let_go()

    def status(self) -> t.Optional[t.Dict[str, object]]:
        """For the status answer; None when there is nothing to keep."""
        if self._settings is None:
            return None
        retry = f"; tried again in {as_seconds(self._pauses.latest):g} s" if self._problem else ""
        return {
            "interface": self._settings.interface,
            "syncid": self._settings.syncid,
            "wanted": None if self._roles is None else list(self._roles),
            "running": sorted(self._running),
            "problem": f"{self._problem}{retry}" or None,
            "repairs": self._repairs,
        }

    # ---- look, repair, look again

    def _keep(self) -> None:
        """Make it so, and look again later."""
        self._cancel_timer()
        if self._roles is None or (self._settings is None and not self._ours):
            return
        try:
            problem = self._settle(self._opened())
        except DataPlaneUnavailable as unavailable:
            problem = str(unavailable)
            self._let_go()
        self._judge(problem)
        if self._settings is None and not problem:
            self._let_go()
        else:
            period = self._pauses.next() if problem else CHECK_PERIOD
            self._timer = self._poller.call_at(self._poller.now() + period, self._look)

    def _look(self, _now: Instant) -> None:
        self._timer = None
        self._keep()

    def _settle(self, control: SyncControl) -> str:
        """What is in the way; empty when everything runs that should, and nothing of ours that should not."""
        self._running = control.read()
        wanted = self._wanted()
        complaints = [self._stop_if_wrong(control, role, wanted.get(role)) for role in list(self._running)]
        complaints += [
            self._start(control, role, settings) for role, settings in wanted.items() if role not in self._running
        ]
        return "; ".join(one for one in complaints if one)

    def _wanted(self) -> Running:
        settings = self._settings
        return {} if settings is None else dict.fromkeys(self._roles or (), settings)

    def _stop_if_wrong(self, control: SyncControl, role: str, wanted: t.Optional[SyncSettings]) -> str:
        running, ours = self._running[role], self._ours.get(role)
        if wanted is not None and (wanted.met_by(running) or ours == (wanted, running)):
            if ours is None:
                self._tell("info", f"the {role} runs already as it should")
            self._ours[role] = (wanted, running)
            return ""
        if wanted is None and not self._is_ours(role, running):
            return ""
        refusal = control.stop(role)
        if refusal:
            return f"the {role} cannot be stopped: {refusal}"
        del self._running[role]
        self._ours.pop(role, None)
        self._tell("info", f"the {role} on {running.interface} is stopped")
        return ""

    def _is_ours(self, role: str, running: SyncSettings) -> bool:
        if role in self._ours and self._ours[role][1] == running:
            return True
        return self._settings is not None and self._settings.same_stream(running)

    def _start(self, control: SyncControl, role: str, settings: SyncSettings) -> str:
        vanished = role in self._ours
        refusal = control.start(role, settings)
        if refusal:
            return f"the {role} cannot be started: {refusal}"
        running = control.read().get(role)
        if running is None:
            return f"the {role} ended as soon as it ran"
        self._running[role], self._ours[role] = running, (settings, running)
        if vanished:
            self._repairs += 1
            self._tell("warning", f"the {role} was stopped by somebody else; it runs again")
        else:
            self._tell("info", f"the {role} runs on {settings.interface} with syncid {settings.syncid}")
        return ""

    # ---- the way to the kernel

    def _opened(self) -> SyncControl:
        if self._control is None:
            self._control = self._open_control()
        return self._control

    def _let_go(self) -> None:
        self._cancel_timer()
        if self._control is not None:
            self._control.close()
        self._control = None
        self._running = {}

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None

    def _judge(self, problem: str) -> None:
        if problem and problem != self._problem:
            self._tell("error", problem)
        if self._problem and not problem:
            self._pauses.forget()
            self._tell("info", "works now")
        self._problem = problem

    def _tell(self, level: str, message: str) -> None:
        self._say(LogLine(level, _SUBJECT, message))

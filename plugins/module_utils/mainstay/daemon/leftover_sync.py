# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Threads of lvs_sync_daemon that a daemon which died left in the kernel."""

from __future__ import annotations

import typing as t

from ..net.data_plane import DataPlaneAbsent, DataPlaneUnavailable
from ..net.ipvs_sync import SyncControl, SyncSettings
from .leftover_devices import Outcome


def stop_sync(ours: t.Collection[SyncSettings]) -> Outcome:
    """Stop what sends or receives our messages; threads of another syncid are somebody else's."""
    outcome = Outcome([], [])
    try:
        control = SyncControl()
    except DataPlaneAbsent:  # then nothing of it runs
        return outcome
    except DataPlaneUnavailable as unavailable:
        return Outcome([], [f"lvs_sync_daemon may run on: {unavailable}"])
    try:
        for role, running in control.read().items():
            if any(one.same_stream(running) for one in ours):
                _stop(control, role, running, outcome)
    except DataPlaneUnavailable as unavailable:
        outcome.refused.append(f"lvs_sync_daemon may run on: {unavailable}")
    finally:
        control.close()
    return outcome


def _stop(control: SyncControl, role: str, running: SyncSettings, outcome: Outcome) -> None:
    what = f"the {role} of lvs_sync_daemon on {running.interface}"
    refusal = control.stop(role)
    if refusal:
        outcome.refused.append(f"{what} runs on: {refusal}")
    else:
        outcome.removed.append(f"stopped {what}")

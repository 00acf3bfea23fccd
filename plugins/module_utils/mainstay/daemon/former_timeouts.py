# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The timeouts of ip_vs that stood there before lvs_timeouts changed them, in a file of the run directory.

It is there from the moment before they are changed until they are put back. So the successor of a worker that was
killed, a daemon that starts after a dead one, and `mainstay release` know them too. A boot forgets both.
"""

from __future__ import annotations

import contextlib
import json
import os
import typing as t
from dataclasses import asdict

from ..net.data_plane import DataPlaneAbsent, DataPlaneUnavailable
from ..net.ipvs_timeouts import TimeoutControl, Timeouts
from .leftover_devices import Outcome
from .state_directory import replace_file, stored

_FILE = "lvs_timeouts.json"


class FormerTimeouts:
    """The file."""

    def __init__(self, folder: str) -> None:
        """`folder`: the run directory."""
        self._path = os.path.join(folder, _FILE)

    def read(self) -> t.Optional[Timeouts]:
        """None: nothing is changed. Raises OSError, and ValueError when the file cannot be understood."""
        try:
            with open(self._path, encoding="utf-8") as file:
                content = stored(file.read())
        except FileNotFoundError:
            return None
        keys = list(vars(Timeouts()))
        if not isinstance(content, dict) or not all(isinstance(content.get(key), int) for key in keys):
            raise ValueError(f"{self._path} does not hold the numbers {', '.join(keys)}")
        return Timeouts(*(content[key] for key in keys))

    def write(self, timeouts: Timeouts) -> None:
        """Raises OSError."""
        replace_file(self._path, json.dumps(asdict(timeouts)))

    def forget(self) -> None:
        """They are put back."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._path)


def put_back(folder: str, open_control: t.Callable[[], TimeoutControl] = TimeoutControl) -> Outcome:
    """After a daemon that did not end in order."""
    former = FormerTimeouts(folder)
    try:
        timeouts = former.read()
        if timeouts is None:
            return Outcome([], [])
        refusal = _write(timeouts, open_control)
    except (OSError, ValueError, DataPlaneUnavailable) as error:
        refusal = str(error)
    if refusal:
        return Outcome([], [f"lvs_timeouts stay as they are: {refusal}"])
    former.forget()
    return Outcome(["put the timeouts of ip_vs back"], [])


def _write(timeouts: Timeouts, open_control: t.Callable[[], TimeoutControl]) -> str:
    """Without ip_vs there is nothing to put back: a module that comes again has its own.

    Raises DataPlaneUnavailable.
    """
    try:
        control = open_control()
    except DataPlaneAbsent:
        return ""
    try:
        return control.write(timeouts)
    finally:
        control.close()

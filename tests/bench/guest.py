# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measuring inside the User-Mode-Linux guest of tests/kernel, which has ip_vs."""

from __future__ import annotations

import json
import tempfile
import typing as t
from pathlib import Path

from kernel.run import EXCHANGE_IN_GUEST, run_guest

REMARK = "inside User-Mode-Linux, where system calls are dearer than on a machine's own kernel"


class GuestFailed(Exception):
    """The guest did not measure anything."""


def in_guest(command: t.Callable[[str], str]) -> t.Any:
    """What a program writes in a guest of its own, as JSON; `command` makes shell words from the path of the result."""
    with tempfile.TemporaryDirectory(prefix="mainstay-bench-") as folder:
        exchange = Path(folder)
        (exchange / "command").write_text("/run/modprobe ip_vs && " + command(f"{EXCHANGE_IN_GUEST}/result"))
        (exchange / "output").touch()
        if run_guest(exchange) != 0:
            raise GuestFailed("the program in the guest failed; see above")
        return json.loads((exchange / "result").read_text())

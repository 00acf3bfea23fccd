# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`drain --wait`: look until no connection of the server is established, with a line that tells how far it is."""

from __future__ import annotations

import sys
import time

from ..daemon.client import request
from ..daemon.drained import Looks, look_at
from .output import GOOD, REFUSED, complain, printable, write

LEFT = 3
"""Exit status: connections are left."""
UNKNOWN = 4
"""Exit status: whether connections are left cannot be said."""
INTERRUPTED = 130
"""Of a program that Ctrl-C ended, as every shell has it."""
_PAUSE = 0.5  # seconds between two looks
_BLIND_FOR = 10.0  # seconds; what cannot be counted for so long is not waited for
_LINE_EVERY = 10.0  # seconds between two lines where there is no terminal


def wait_until_drained(run_directory: str, service: str, server: str, patience: float) -> int:
    """`patience` in seconds. The exit status: whether its connections are gone."""
    progress = Progress(f"{service} {server}", sys.stdout.isatty())
    deadline = time.monotonic() + patience
    blind_since = float("inf")
    looks = Looks()
    try:
        while True:
            answer = request("servers", run_directory, service=service)
            if not answer.get("ok"):
                progress.end()
                complain(str(answer.get("error")))
                return REFUSED
            look = look_at(answer, service, server)
            if looks.confirm(answer, look.drained):
                progress.end(f"drained, {look.others} connections are opening or closing")
                return GOOD
            blind_since = min(blind_since, time.monotonic()) if look.blind else float("inf")
            if look.blind and time.monotonic() >= min(deadline, blind_since + _BLIND_FOR):
                progress.end(f"not known whether it is drained: {look.text()}; the order still holds")
                return UNKNOWN
            if time.monotonic() >= deadline:
                progress.end(f"not drained after {patience:g} s: {look.text()}; the order still holds")
                return LEFT
            progress.show(look.text())
            time.sleep(min(_PAUSE, max(0.0, deadline - time.monotonic())))
    except KeyboardInterrupt:
        progress.end("not waited for any more; the order still holds")
        return INTERRUPTED


class Progress:
    """One line that changes on a terminal; elsewhere a line when something changed, and now and then."""

    def __init__(self, subject: str, terminal: bool) -> None:
        self._subject = subject
        self._terminal = terminal
        self._began = time.monotonic()
        self._width = 0
        self._told = ""
        self._told_at = 0.0

    def show(self, text: str) -> None:
        """What is so now."""
        line = f"{self._subject}: {text}"
        if self._terminal:
            self._overwrite(f"{line}, {time.monotonic() - self._began:.0f} s")
        elif line != self._told and time.monotonic() - self._told_at >= (_LINE_EVERY if self._told else 0.0):
            self._told, self._told_at = line, time.monotonic()
            write(f"{printable(line)}\n")

    def end(self, text: str = "") -> None:
        """The last line."""
        if self._terminal and (text or self._width):
            self._overwrite(f"{self._subject}: {text}" if text else "")
            write("\n" if text else "")
        elif text:
            write(f"{printable(f'{self._subject}: {text}')}\n")

    def _overwrite(self, line: str) -> None:
        shown = printable(line)
        write(f"\r{shown.ljust(self._width)}")
        self._width = len(shown)

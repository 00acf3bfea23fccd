# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Log lines to standard error: with the journal's priorities below systemd, with the time elsewhere."""

from __future__ import annotations

import contextlib
import os
import sys
import time
import typing as t

from .worker import LogLine

_PRIORITIES = {"error": 3, "warning": 4, "info": 6}
"""syslog(3)."""


class Journal:
    """Writes typed lines as text."""

    def __init__(self, write: t.Optional[t.Callable[[str], object]] = None, under_systemd: t.Optional[bool] = None):
        """`write` takes lines of text; None is standard error."""
        self._write = write or _to_standard_error
        self._under_systemd = "JOURNAL_STREAM" in os.environ if under_systemd is None else under_systemd

    def say(self, line: LogLine) -> None:
        """One line; line ends inside the message become blanks."""
        text = " ".join(f"{line.subject}: {line.message}".split())
        if self._under_systemd:
            self._write(f"<{_PRIORITIES.get(line.level, 6)}>{text}\n")
        else:
            self._write(f"{_local_time()} {line.level:7} {text}\n")

    def info(self, subject: str, message: str) -> None:
        """Something went as it should."""
        self.say(LogLine("info", subject, message))

    def warning(self, subject: str, message: str) -> None:
        """Something needs a look."""
        self.say(LogLine("warning", subject, message))

    def error(self, subject: str, message: str) -> None:
        """Something does not work."""
        self.say(LogLine("error", subject, message))


def _to_standard_error(text: str) -> None:
    """Whoever read it may have gone; that must not end a daemon that holds addresses."""
    with contextlib.suppress(OSError):
        os.write(sys.stderr.fileno(), text.encode("utf-8", "backslashreplace"))


def _local_time() -> str:
    now = time.time_ns()
    return time.strftime("%H:%M:%S", time.localtime(now // 1_000_000_000)) + f".{now // 1_000_000 % 1000:03}"

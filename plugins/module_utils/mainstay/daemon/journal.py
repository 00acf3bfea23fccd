# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Log lines to standard error: with the journal's priorities below systemd, with the time elsewhere.

Nobody waits for the reader of the log. What it has no room for is dropped, and how much that was is said when there
is room again.
"""

from __future__ import annotations

import os
import select
import sys
import time
import typing as t

from .worker import LogLine

_PRIORITIES = {"error": 3, "warning": 4, "info": 6}
"""syslog(3)."""


Write = t.Callable[[str], bool]
"""Takes one line of text; False when it had to be dropped."""


class Journal:
    """Writes typed lines as text."""

    def __init__(self, write: t.Optional[Write] = None, under_systemd: t.Optional[bool] = None):
        """`write`: None is standard error."""
        self._write = write or _to_standard_error
        self._under_systemd = "JOURNAL_STREAM" in os.environ if under_systemd is None else under_systemd
        self._dropped = 0

    def say(self, line: LogLine) -> None:
        """One line; line ends inside the message become blanks."""
        if self._dropped:
            self._tell_dropped()
        if not self._write(self._text(line)):
            self._dropped += 1

    def _tell_dropped(self) -> None:
        message = f"{self._dropped} lines of this log were dropped, its reader was too slow"
        if self._write(self._text(LogLine("warning", "log", message))):
            self._dropped = 0

    def _text(self, line: LogLine) -> str:
        text = " ".join(f"{line.subject}: {line.message}".split())
        if self._under_systemd:
            return f"<{_PRIORITIES.get(line.level, 6)}>{text}\n"
        return f"{_local_time()} {line.level:7} {text}\n"

    def info(self, subject: str, message: str) -> None:
        """Something went as it should."""
        self.say(LogLine("info", subject, message))

    def warning(self, subject: str, message: str) -> None:
        """Something needs a look."""
        self.say(LogLine("warning", subject, message))

    def error(self, subject: str, message: str) -> None:
        """Something does not work."""
        self.say(LogLine("error", subject, message))


def _to_standard_error(text: str) -> bool:
    """Whoever read it may have gone; that must not end a daemon that holds addresses."""
    poll = select.poll()
    try:
        poll.register(sys.stderr.fileno(), select.POLLOUT)
        if not poll.poll(0):
            return False
        os.write(sys.stderr.fileno(), _piece(text))
    except OSError:
        return False
    return True


def _piece(text: str) -> bytes:
    """What a pipe or socket that is ready takes whole and at once: PIPE_BUF bytes at most."""
    encoded = text.encode("utf-8", "backslashreplace")
    if len(encoded) <= select.PIPE_BUF:
        return encoded
    return encoded[: select.PIPE_BUF - 4].decode("utf-8", "ignore").encode("utf-8") + b"...\n"


def _local_time() -> str:
    now = time.time_ns()
    return time.strftime("%H:%M:%S", time.localtime(now // 1_000_000_000)) + f".{now // 1_000_000 % 1000:03}"

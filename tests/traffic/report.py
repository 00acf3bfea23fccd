# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run of requests says: who answered, what failed, how long nobody answered."""

from __future__ import annotations

import collections
import json
import typing as t
from dataclasses import dataclass


@dataclass(frozen=True)
class Request:
    """One request; times are seconds of the client's wall clock."""

    at: float
    took: float
    server: str | None
    error: str | None

    @property
    def answered_at(self) -> float:
        return self.at + self.took


@dataclass(frozen=True)
class Report:
    """A whole run, in the order of the requests."""

    requests: tuple[Request, ...]

    @property
    def answers(self) -> dict[str, int]:
        """How often each server answered, most first."""
        counted = collections.Counter(each.server for each in self.requests if each.server)
        return {server: count for server, count in counted.most_common() if server}

    @property
    def failures(self) -> tuple[Request, ...]:
        return tuple(each for each in self.requests if each.error)

    def longest_gap(self) -> float:
        """The longest time without an answer, in seconds: between two answers, or up to the end of the run.

        The start of the run counts as an answer, so that a run that begins in an outage shows it.
        """
        if not self.requests:
            return 0.0
        answers = [each.answered_at for each in self.requests if not each.error]
        instants = [self.requests[0].at, *answers, self.requests[-1].answered_at]
        return max(later - earlier for earlier, later in zip(instants, instants[1:]))

    def after(self, instant: float) -> Report:
        """The requests that began after `instant`."""
        return Report(tuple(each for each in self.requests if each.at > instant))

    def before(self, instant: float) -> Report:
        """The requests that began before `instant`."""
        return Report(tuple(each for each in self.requests if each.at < instant))

    def summary(self) -> str:
        """One line for people."""
        who = ", ".join(f"{server} {count}" for server, count in self.answers.items()) or "nobody answered"
        return f"{who}; {len(self.failures)} of {len(self.requests)} failed; longest gap {self.longest_gap():.2f} s"


def read(text: str) -> Report:
    """The report of what traffic/client.py wrote; a cut last line (the client was killed) is left out."""
    lines = text.splitlines(keepends=True)
    whole: t.Iterable[str] = (line for line in lines if line.endswith("\n"))
    return Report(tuple(Request(**json.loads(line)) for line in whole if line.strip()))

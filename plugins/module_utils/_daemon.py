# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The daemon as a module asks it: a refusal is a failure of the task. Private to this collection."""

from __future__ import annotations

import typing as t

from ._patience import Failure
from .mainstay.daemon.client import request

Answer = t.Mapping[str, t.Any]

_TIMEOUT = 10.0  # seconds


class Daemon:
    """Asks with this run's folder; in a rehearsal orders are looked at and not given."""

    def __init__(self, run_directory: str, rehearsal: bool) -> None:
        self._run_directory = run_directory
        self._rehearsal = rehearsal

    def ask(self, verb: str, patience: float = _TIMEOUT, **arguments: t.Any) -> Answer:
        """What changes nothing. Raises Failure with the daemon's own sentence, and DaemonUnreachable."""
        answer = request(verb, self._run_directory, patience, **arguments)
        # The status alone is no answer to a question that could be refused: it says nothing of ok.
        if not answer.get("ok", "error" not in answer):
            raise Failure(f"{answer.get('error')}")
        return answer

    def order(self, verb: str, **arguments: t.Any) -> t.Optional[str]:
        """What changes something; what stands against its lasting. Raises as `ask`."""
        answer = self.ask(verb, **arguments, **({"dry_run": True} if self._rehearsal else {}))
        problem = answer.get("problem")
        return None if problem is None else str(problem)

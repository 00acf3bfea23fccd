# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs PROGRAM as USER (empty: whom the service runs as) for SECONDS at most; prints how it ended, as JSON."""

from __future__ import annotations

import json
import sys

from mainstay.daemon.programs.script_run import ScriptResult
from mainstay.daemon.programs.scripts import ScriptRunner
from mainstay.daemon.reactor import Reactor
from mainstay.model.commands import Command
from mainstay.model.units import Instant, seconds


def main(program: str, user: str, timeout: str) -> None:
    loop = Reactor()
    runner = ScriptRunner(loop)

    def done(result: ScriptResult, _now: Instant) -> None:
        sys.stdout.write(json.dumps({"reason": result.reason, "output": result.output}))
        loop.stop()

    runner.run(Command((program,), user=user or None), (), seconds(float(timeout)), done)
    loop.run()


if __name__ == "__main__":
    main(*sys.argv[1:])

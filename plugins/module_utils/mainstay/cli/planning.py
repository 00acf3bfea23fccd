# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verb `plan`: what a reload would change, and whether it would move a virtual IP."""

from __future__ import annotations

import json
import os
import sys
import typing as t

from .output import BAD_CONFIGURATION, GOOD, AddVerb, printable, problem_line, write

if t.TYPE_CHECKING:
    import argparse

_HELP = (
    "Show what a reload to FILE would change: which virtual IPs it would move and which connections it would end (!!), "
    "or may (!?). Nothing is changed. Exit status 0: shown, 2: FILE is refused, 1: no daemon."
)


def add_verb(verb: AddVerb) -> argparse.ArgumentParser:
    """It wants --run-dir too."""
    plan = verb("plan", _plan, _HELP)
    plan.add_argument("file", metavar="FILE")
    plan.add_argument("--conf-dir", metavar="DIR", help="its conf.d (default: the folder conf.d beside FILE)")
    plan.add_argument("--json", action="store_true", help="everything, for programs")
    return plan


def _plan(options: argparse.Namespace) -> int:
    from ..daemon.configuration_files import read_configuration
    from ..daemon.health.engines import why_absent
    from ..daemon.pages.planning import reload_plan
    from ..model.problems import ConfigError

    try:
        wanted = read_configuration(options.file, options.conf_dir)
    except ConfigError as error:
        for problem in error.problems:
            sys.stderr.write(f"{printable(problem_line(options.file, problem))}\n")
        return BAD_CONFIGURATION
    plan = reload_plan(wanted, options.run_dir, why_absent if os.geteuid() == 0 else None)
    write(json.dumps(plan.document(), indent=2) + "\n" if options.json else plan.page())
    return GOOD

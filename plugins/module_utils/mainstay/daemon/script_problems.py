# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs of a configuration that this machine could not run: told by check-config before they are missed.

No reason to refuse the file: a program may be installed after it, and the file may be another machine's.
"""

from __future__ import annotations

import os
import typing as t

from ..model.config import Config
from ..model.config_commands import commands
from ..model.problems import Problem
from .programs.script_identity import NoSuchIdentity, identity_of
from .programs.script_security import ScriptRefused, walk


def script_problems(config: Config) -> t.Iterator[Problem]:
    """One for each command that would not start if it were wanted now."""
    for path, command in commands(config):
        try:
            identity = identity_of(command, config.global_defs.script_user)
            os.close(walk(command.argv[0], identity.uid).descriptor)
        except (NoSuchIdentity, ScriptRefused, OSError) as error:
            yield Problem(path, None, f"could not be run: {error}.")

# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tasks of a check, with what only this process knows: how to search a page in bounds, and its host's name."""

from __future__ import annotations

import os
import re
import typing as t
from dataclasses import replace

from ..model.check_config import Check, SmtpCheck
from ..net.bounded_search import bounded_search
from ..probes.build import probe_tasks
from ..probes.task import ProbeTask


def check_tasks(check: Check, address: str, port: int, report: bool = False) -> t.Tuple[ProbeTask, ...]:
    """What to say to the real server `address`:`port`, see probe_tasks; raises ValueError as it does."""
    if isinstance(check, SmtpCheck) and check.helo_name is None:
        check = replace(check, helo_name=_host_name())
    return probe_tasks(check, address, port, bounded_search, report)


def _host_name() -> str:
    """The host's name as it can stand in a command; the kernel takes any bytes for it."""
    return re.sub(r"[^A-Za-z0-9.-]", "-", os.uname().nodename).strip("-.") or "localhost"

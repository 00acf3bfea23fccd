# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The proportional set size of a process, read without anything that a machine's own Python has not."""

from __future__ import annotations

import re


def pss_of(smaps_rollup: str) -> int:
    """The proportional set size in bytes."""
    found = re.search(r"^Pss:\s+(\d+) kB$", smaps_rollup, re.MULTILINE)
    assert found is not None, smaps_rollup
    return int(found[1]) * 1024

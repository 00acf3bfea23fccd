# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The errors a lab raises; __main__ turns them into one line and exit status 1."""

from __future__ import annotations


class LabError(Exception):
    """Something the lab was asked for cannot be done; the text names the object and the remedy."""


class DeadlinePassed(LabError):
    """A condition did not come true in time; the text says what was waited for and what was seen."""

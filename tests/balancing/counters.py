# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connections as an engine counts them, for a test that has nothing else to do meanwhile."""

from __future__ import annotations

from mainstay.net.data_plane import Counters, DataPlane


def counted(plane: DataPlane) -> Counters:
    """The figures at the end of a whole count."""
    (counters,) = [found for found in plane.counters() if found is not None]
    return counters

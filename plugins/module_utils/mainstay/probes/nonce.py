# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbers that a stranger cannot guess, from what is told to us anyway."""

from __future__ import annotations

from ..model.sha256 import sha256
from ..model.units import Instant


def nonce(now: Instant, subject: str, size: int) -> bytes:
    """`size` bytes (at most 32) that tell this run's answer from a forged or an older one.

    A pure package has no source of randomness. What it has is the instant of the start in nanoseconds of a clock
    that begins at boot: who does not see our packets cannot know it to the last twenty bits, and the kernel's choice
    of a source port comes on top. Who does see them could copy a random number just as well.
    """
    return bytes.fromhex(sha256(f"{now} {subject}".encode()))[:size]

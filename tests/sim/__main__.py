# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell the story of some seeds: python -m sim SEED [SEED ...], or python -m sim FIRST-LAST for a verdict on many."""

from __future__ import annotations

import sys

from .run import simulate


def main(arguments: list[str]) -> int:
    failed = False
    for argument in arguments:
        first, _, last = argument.partition("-")
        for seed in range(int(first), int(last or first) + 1):
            outcome = simulate(seed)
            if not last:
                print("\n".join(outcome.story))
            if outcome.breach or not last:
                print(outcome.breach or f"seed {seed}: every invariant held; trace {outcome.digest[:16]}")
            failed |= outcome.breach is not None
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

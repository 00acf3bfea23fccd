# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell the story of one seed (--seed N), or give a verdict on many (--seeds N)."""

from __future__ import annotations

import argparse
import sys
import time
from multiprocessing import Pool

from .run import simulate

_CHUNK = 200


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m sim", description=__doc__)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--seed", type=int, help="tell the story of this one")
    what.add_argument("--seeds", type=int, help="how many to try")
    parser.add_argument("--first", type=int, default=1, help="the first of them (default 1)")
    parser.add_argument("--jobs", type=int, default=2, help="processes (default 2)")
    arguments = parser.parse_args()
    if arguments.seed is not None:
        return _tell(arguments.seed)
    return _judge(arguments.first, arguments.seeds, arguments.jobs)


def _tell(seed: int) -> int:
    outcome = simulate(seed)
    print("\n".join(outcome.story))
    print(outcome.breach or f"seed {seed}: every invariant held; trace {outcome.digest[:16]}")
    return int(outcome.breach is not None)


def _judge(first: int, count: int, jobs: int) -> int:
    began = time.monotonic()
    chunks = [range(start, min(start + _CHUNK, first + count)) for start in range(first, first + count, _CHUNK)]
    breaches = 0
    with Pool(jobs) as pool:
        for found in pool.imap(_breaches, chunks):
            breaches += len(found)
            for breach in found:
                print(breach, flush=True)
    spent = time.monotonic() - began
    per_minute = 60 * count / spent
    print(f"{count} seeds from {first}: {breaches} breaches; {spent:.0f} s, {per_minute:.0f} seeds a minute")
    return int(breaches > 0)


def _breaches(seeds: range) -> list[str]:
    return [breach for breach in (simulate(seed).breach for seed in seeds) if breach]


if __name__ == "__main__":
    sys.exit(main())

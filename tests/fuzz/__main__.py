# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fuzz from the command line; the exit status is 1 when something was found."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from .codec import Finding, Tally, fuzz

# A process takes the next share when it is done with one; a share is some seconds.
_SHARE = 100_000


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="fuzz", description=__doc__)
    parser.add_argument("target", choices=["codec", "wire"], help="wire: two daemons between namespaces (root)")
    parser.add_argument("--count", type=int, default=1_000_000, help="packets (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of the first share; each has the next one")
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args(arguments)
    return {"codec": _codec, "wire": _wire}[options.target](options)


def _codec(options: argparse.Namespace) -> int:
    counts = [_SHARE] * (options.count // _SHARE) + ([options.count % _SHARE] if options.count % _SHARE else [])
    seeds = range(options.seed, options.seed + len(counts))
    whole, began = Tally(), time.monotonic()
    with ProcessPoolExecutor(options.processes) as pool:
        try:
            for share in pool.map(fuzz, counts, seeds):
                whole.add(share)
        except Finding as finding:
            print(f"FOUND {finding}")
            pool.shutdown(cancel_futures=True)
            return 1
    print("\n".join(whole.lines()))
    span = time.monotonic() - began
    print(f"nothing found; seeds {seeds[0]} to {seeds[-1]}, {span:.0f} s, {whole.count / span:.0f} packets/s")
    return 0


def _wire(options: argparse.Namespace) -> int:
    from netns.segment import Segment, remove_leftovers  # needs root, iproute2 and scapy

    from .wire import Broken, fuzz_wire

    remove_leftovers()
    segment = Segment("fuzz")
    with tempfile.TemporaryDirectory(prefix="mainstay-fuzz-") as folder:
        try:
            print("\n".join(fuzz_wire(options.count, options.seed, segment, Path(folder))))
        except Broken as broken:
            print(f"FOUND {broken}")
            return 1
        finally:
            segment.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

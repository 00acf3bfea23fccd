# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading a process's memory out of /proc."""

from __future__ import annotations

from bench.memory import mappings
from bench.pss import pss_of

MAPS = """\
00400000-00402000 r--p 00000000 fe:00 1234                       /usr/bin/python3.11
00e5b000-00e5c000 rw-p 00000000 00:00 0                          [heap]
7f1c00000000-7f1c00001000 rw-p 00000000 00:00 0
7ffd4a1f2000-7ffd4a1f4000 r-xp 00000000 00:00 0                  [vdso]
ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0          [vsyscall]
"""
ROLLUP = """\
00400000-7ffd4a1f4000 ---p 00000000 00:00 0                      [rollup]
Rss:               21708 kB
Pss:                9000 kB
Pss_Dirty:          7000 kB
"""


def test_the_mappings_of_a_process_are_its_own_not_the_kernels() -> None:
    assert list(mappings(MAPS)) == [
        (0x400000, 0x402000),
        (0xE5B000, 0xE5C000),
        (0x7F1C00000000, 0x7F1C00001000),
    ]


def test_pss_is_read_in_bytes() -> None:
    assert pss_of(ROLLUP) == 9000 * 1024

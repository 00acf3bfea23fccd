# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A pattern over a stranger's bytes: found, not found, or given up in time."""

from __future__ import annotations

import re
import signal

from mainstay.net.bounded_search import bounded_search


def test_tells_whether_the_pattern_occurs() -> None:
    assert bounded_search(re.compile(b"b+"), b"abc") is True
    assert bounded_search(re.compile(b"x"), b"abc") is False


def test_a_page_made_to_be_searched_for_ever_is_given_up() -> None:
    """Two to the power of a thousand steps: that this test ends is the proof."""
    assert bounded_search(re.compile(b"(a+)+$"), b"a" * 1000 + b"b") is None
    assert bounded_search(re.compile(b"a"), b"a") is True, "the next search is not disturbed"


def test_who_used_the_signal_before_has_it_back_and_no_timer_is_left() -> None:
    heard: list[int] = []
    before = signal.signal(signal.SIGALRM, lambda number, _frame: heard.append(number))
    try:
        bounded_search(re.compile(b"(a+)+$"), b"a" * 1000 + b"b")
        assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
        signal.raise_signal(signal.SIGALRM)
        assert heard == [signal.SIGALRM]
    finally:
        signal.signal(signal.SIGALRM, before)

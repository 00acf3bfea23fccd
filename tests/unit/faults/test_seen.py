# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sentences of `make faults`."""

from __future__ import annotations

from dataclasses import replace

from faults.seen import Seen, sentence

QUIET = Seen(watched=10.0, nobody=0.0, both=0.0, takeovers=0, both_in_the_end=False, rests=True)


def test_nothing_that_happened_is_said_so() -> None:
    assert sentence([QUIET] * 3) == "nobody held it for 0 s, both for 0 s, no takeover"


def test_the_median_is_told_and_the_worst_where_it_differs() -> None:
    runs = [replace(QUIET, nobody=nobody, takeovers=1) for nobody in (0.61, 0.62, 3.0)]
    assert sentence(runs) == "nobody held it for 0.62 s (worst 3.00 s), both for 0 s, one takeover"


def test_two_holders_that_go_on_are_no_span() -> None:
    going_on = replace(QUIET, both=6.5, both_in_the_end=True, takeovers=1, rests=False)
    assert sentence([going_on]) == (
        "nobody held it for 0 s, both for 6.50 s and on, one takeover, not back at rest by itself"
    )
    assert sentence([replace(going_on, both=9.9)], returns=False).startswith("nobody held it for 0 s, both held it all")


def test_a_pair_that_never_came_to_rest_is_said_so() -> None:
    assert sentence([]) == "did not come to rest any more"

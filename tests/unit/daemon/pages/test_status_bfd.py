# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""BFD sessions on the status page."""

from __future__ import annotations

import typing as t

from mainstay.daemon.pages.status_text import status_page

UP = {
    "state": "UP",
    "since": "2026-11-22T14:00:00.123+00:00",
    "why": "192.0.2.2 says UP: both hear each other",
    "outlook": "goes DOWN after 0.300 s without a packet of 192.0.2.2",
    "neighbor_ip": "192.0.2.2",
    "transmit_interval": 0.1,
    "detection_time": 0.3,
    "problems": [],
    "counters": {"discarded": {}},
}
DOWN = {
    **UP,
    "state": "DOWN",
    "why": "no packet from 192.0.2.2 for 0.300 s",
    "outlook": "comes up with the first packet of 192.0.2.2",
    "transmit_interval": None,
    "detection_time": None,
    "problems": ["cannot send to 192.0.2.2: Network is unreachable"],
    "counters": {"discarded": {"ttl": 3}},
}


def page(alive: bool = True, **sessions: t.Any) -> list[str]:
    vrrp = {"alive": alive, "instances": {}, "bfd_instances": sessions}
    return status_page({"vrrp": vrrp, "lvs": {"alive": True}, "config": {}}).splitlines()


def test_a_session_that_is_up_has_its_line_and_why() -> None:
    lines = page(gw=UP)
    at = next(index for index, line in enumerate(lines) if line.startswith("BFD"))
    assert lines[at : at + 3] == [
        "BFD  STATE  SINCE                NEIGHBOR   SEND EVERY  DETECT IN",
        "gw   UP     2026-11-22 14:00:00  192.0.2.2  0.1 s       0.3 s",
        "     192.0.2.2 says UP: both hear each other",
    ]
    assert not any("goes DOWN" in line for line in lines)


def test_one_that_is_down_says_what_would_help_and_what_it_cannot_take() -> None:
    lines = page(gw=DOWN)
    assert "     comes up with the first packet of 192.0.2.2" in lines
    assert "     packets discarded so far: 3 for ttl" in lines
    assert "!! bfd_instance gw: cannot send to 192.0.2.2: Network is unreachable" in lines


def test_a_silent_worker_has_a_question_mark_and_no_sessions_have_no_table() -> None:
    assert any(line.startswith("gw   UP?") for line in page(alive=False, gw=UP))
    assert not any(line.startswith("BFD") for line in page())


def test_nothing_of_it_can_steer_a_terminal() -> None:
    assert "\x1b" not in "\n".join(page(gw={**DOWN, "why": "\x1b[2J", "outlook": "\x1b[2J", "problems": ["\x1b"]}))

# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Explanations and events as a tired operator reads them."""

from __future__ import annotations

import typing as t

from mainstay.daemon.pages.events_text import events_page
from mainstay.daemon.pages.explain_text import explain_page
from mainstay.daemon.vrrp.explain import explanation

from ..vrrp.lab import PEER, Story, advert

ORDER = {"kind": "GROUP", "name": "web", "by": "uid 0", "at": "2026-03-01T03:00:04.000+01:00", "reason": "new kernel"}
EVENT = {
    "at": "2026-03-01T03:00:04.123+01:00",
    "kind": "INSTANCE",
    "name": "VI_1",
    "event": "MASTER",
    "before": "BACKUP",
    "priority": 150,
    "reason": "no advert in time",
}


def explained(story: Story, **more: t.Any) -> str:
    answer = explanation(story.runner, {}, story.tracking, story.poller.now())
    return explain_page({**answer, "demotion": None, **more})


def test_a_backup_tells_whom_it_hears_and_what_would_change_that() -> None:
    story = Story().started()
    story.hears(advert(150))

    lines = explained(story).splitlines()

    assert lines[0] == "vrrp_instance VI_1 is BACKUP"
    assert lines[1] == f"  because {PEER} advertises 150 > my 100"
    assert lines[2].startswith(
        "  becomes MASTER in 3.609 s unless an advert of priority 100 or higher arrives, or when"
    )


def test_the_cause_of_a_fault_the_group_and_who_demoted_it() -> None:
    story = Story().started()
    story.port.standing = type(story.port.standing)(story.port.standing.link, None, "no IPv4 address on eth0")
    story.runner.look(story.poller.now())
    group = {"name": "web", "state": "FAULT", "members": {"VI_1": "FAULT", "VI_2": "FAULT"}, "last_transition": "x"}

    page = explained(story, group=group, demotion=ORDER)

    assert "cause of FAULT: no IPv4 address on eth0\n" in page
    assert "member of vrrp_sync_group web, FAULT (x): VI_1 FAULT, VI_2 FAULT\n" in page
    assert (
        "vrrp_sync_group web demoted by uid 0 at 2026-03-01 03:00:04: new kernel; 'mainstay restore web' ends it"
        in page
    )


def test_one_line_an_event() -> None:
    page = events_page({"events": [EVENT, {**EVENT, "kind": "GROUP", "name": "web", "event": "FAULT"}]})

    head, first, second = page.splitlines()
    assert head.split() == ["TIME", "OBJECT", "EVENT", "PRIORITY", "WHY"]
    assert first.split("  ")[0] == "2026-03-01 03:00:04"
    assert "BACKUP -> MASTER" in first and first.endswith("no advert in time") and " 150 " in first
    assert "group web" in second and "BACKUP -> FAULT" in second


def test_what_is_missing_or_damaged_stands_above() -> None:
    page = events_page({"events": [], "problem": "/x: No space left on device", "dropped": 3, "damaged": 2})

    assert page.splitlines() == [
        "!! events cannot be written, /x: No space left on device; 3 are missing",
        "!! 2 lines of the journal are damaged and left out",
        "no events",
    ]


def test_nothing_in_it_steers_a_terminal() -> None:
    hostile = {**EVENT, "name": "\x1b[2J", "reason": "\x1b]0;x\x07"}
    assert "\x1b" not in events_page({"events": [hostile]})
    assert "\x1b" not in explained(Story().started(), demotion={**ORDER, "reason": "\x1b[2J"})

# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What happened, on disk: every event one line, over restarts, damage and full disks."""

from __future__ import annotations

import errno
import json
import os
import stat
import typing as t
from pathlib import Path

import pytest

from mainstay.daemon import event_journal
from mainstay.daemon.event_budget import BURST, REFILL
from mainstay.daemon.event_journal import EventJournal
from mainstay.daemon.journal import Journal
from mainstay.daemon.worker import Happening

SECOND = 1_000_000_000


class Story:
    """A journal in a folder, and the daemon's log."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "events.jsonl"
        self.log: t.List[str] = []
        self.journal = self.again()

    def again(self) -> EventJournal:
        """The daemon starts anew."""
        self.journal = EventJournal(str(self.folder), Journal(lambda text: bool(self.log.append(text)) or True))
        return self.journal

    def happens(self, name: str = "VI_1", event: str = "MASTER", at: int = 0, kind: str = "INSTANCE") -> None:
        told = Happening(kind, name, event, 100, "no advert in time", "BACKUP", "2026-03-01T03:00:04.000+01:00")
        self.journal.happened(told, at)

    def told(self, count: int = 1000, name: t.Optional[str] = None) -> t.List[str]:
        return [one["event"] for one in self.journal.recent(count, name).events]


@pytest.fixture
def story(tmp_path: Path) -> Story:
    return Story(tmp_path)


def test_events_are_there_after_a_restart_oldest_first(story: Story) -> None:
    story.journal.daemon("START", "version 1")
    story.happens()

    events = story.again().recent(10).events

    assert [one["event"] for one in events] == ["START", "MASTER"]
    assert events[1]["at"] == "2026-03-01T03:00:04.000+01:00", "the time of the event, not of writing it down"
    assert (events[1]["name"], events[1]["before"], events[1]["priority"]) == ("VI_1", "BACKUP", 100)
    assert stat.S_IMODE(story.file.stat().st_mode) == 0o640


def test_the_mode_does_not_hang_on_the_umask(story: Story) -> None:
    before = os.umask(0o077)
    try:
        story.happens()
    finally:
        os.umask(before)
    assert stat.S_IMODE(story.file.stat().st_mode) == 0o640


def test_a_name_selects_and_what_concerns_all_is_always_told(story: Story) -> None:
    story.happens("VI_1")
    story.happens("VI_2", "BACKUP")
    story.journal.operator({"kind": "GROUP", "name": "web", "instances": ["VI_2"], "event": "DEMOTE", "reason": ""})
    story.journal.operator({"kind": "ALL", "name": "", "instances": [], "event": "RESTORE", "reason": ""})

    assert story.told(name="VI_1") == ["MASTER", "RESTORE"]
    assert story.told(name="VI_2") == ["BACKUP", "DEMOTE", "RESTORE"]
    assert story.told(count=1, name="web") == ["RESTORE"]


def test_two_files_are_the_most_there_ever_is(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_journal, "MAXIMUM_BYTES", 2000)
    for number in range(100):
        story.happens(f"VI_{number}")

    assert sorted(path.name for path in story.folder.iterdir()) == ["events.jsonl", "events.jsonl.1"]
    assert all(path.stat().st_size <= 2000 for path in story.folder.iterdir())
    events = story.journal.recent(1000).events
    assert [one["name"] for one in events] == [f"VI_{number}" for number in range(100 - len(events), 100)]
    assert len(events) > 10


def test_a_damaged_line_and_a_torn_end_cost_themselves_alone(story: Story) -> None:
    story.happens()
    with story.file.open("ab") as file:
        file.write(b'\xff\x00 nonsense\n[1]\n' + b"[" * 100_000 + b'\n{"event": "MAS')
    story.again()
    story.happens(event="FAULT")

    recent = story.journal.recent(10)
    assert [one["event"] for one in recent.events] == ["MASTER", "FAULT"]
    assert recent.damaged == 4


@pytest.mark.fault("F23")
def test_a_full_disk_costs_events_and_says_how_many(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """F23."""
    story.happens()
    whole, write = story.file.read_bytes(), os.write
    monkeypatch.setattr(os, "write", lambda descriptor, content: write(descriptor, content[:5]))
    story.happens(event="BACKUP")
    story.happens(event="FAULT")

    assert story.file.read_bytes() == whole, "half a line is cut off again"
    assert story.journal.status()["dropped"] == 2
    assert os.strerror(errno.ENOSPC) in str(story.journal.problem)
    assert sum("cannot be written" in line for line in story.log) == 1

    monkeypatch.undo()
    story.happens(event="BACKUP")
    assert story.told() == ["MASTER", "DROPPED", "BACKUP"]
    assert story.journal.recent(2).events[0]["reason"].startswith("2 events, ")
    assert story.journal.status() == {"dropped": 2, "problem": None}


@pytest.mark.parametrize("obstacle", ["missing", "folder", "link", "pipe"])
@pytest.mark.fault("F24")
def test_a_state_directory_that_cannot_be_used_fails_nobody(story: Story, tmp_path: Path, obstacle: str) -> None:
    """F24."""
    if obstacle == "missing":
        story.folder = tmp_path / "nothing"
        story.again()
    elif obstacle == "folder":
        story.file.mkdir()
    elif obstacle == "link":
        story.file.symlink_to(tmp_path / "victim")
    else:
        os.mkfifo(story.file)

    story.happens()

    assert (story.journal.dropped, story.told() if obstacle != "pipe" else []) == (1, [])
    assert not (tmp_path / "victim").exists()


def test_a_file_that_was_moved_away_is_made_anew(story: Story) -> None:
    story.happens()
    story.file.rename(story.folder / "saved")
    story.happens(event="BACKUP")

    assert [json.loads(line)["event"] for line in story.file.read_text().splitlines()] == ["BACKUP"]


def test_lesser_adverts_do_not_push_history_out(story: Story) -> None:
    for number in range(100):
        story.happens(event="MASTER_RX_LOWER_PRI", at=number * SECOND)

    assert len(story.told()) == 2, "one a minute for each instance"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("web", ["UP", "DOWN"]),
        ("web 192.0.2.21:80", ["DOWN"]),
        ("192.0.2.21:80", ["DOWN"]),
        ("mail", ["DRAIN"]),
        ("we", []),
    ],
)
def test_a_service_is_asked_for_with_its_servers_and_a_server_by_its_endpoint(
    story: Story, name: str, told: t.List[str]
) -> None:
    story.happens(kind="VS", name="web", event="UP")
    story.happens(kind="RS", name="web 192.0.2.21:80", event="DOWN")
    story.journal.operator({"kind": "RS", "name": "mail 192.0.2.22:25", "event": "DRAIN", "by": "uid 0", "reason": ""})
    assert [one["event"] for one in story.journal.recent(10, name).events] == told


@pytest.mark.parametrize(("kind", "name"), [("BFD", "gw"), ("RS", "web 192.0.2.21:80"), ("VS", "web")])
def test_what_flaps_does_not_push_history_out(story: Story, kind: str, name: str) -> None:
    story.happens("VI_1")
    for number in range(24 * 3600):
        story.happens(name, "DOWN" if number % 2 else "UP", number * SECOND, kind)

    assert len(story.told()) == 1 + BURST + 24 * 6 - 1, "a day of it: twenty, then one in ten minutes"
    assert story.told()[0] == "MASTER"
    reasons = [one["reason"] for one in story.journal.recent(1000, name).events]
    assert reasons[BURST - 2] == "no advert in time"
    assert (
        reasons[BURST - 1]
        == "no advert in time; it flaps: from here on one of its events in ten minutes is written down"
    )
    assert reasons[BURST + 1].startswith("no advert in time; ")
    assert reasons[BURST + 1].endswith(" events before this one were not written down")


def test_the_beginning_of_a_session_is_no_event(story: Story) -> None:
    story.happens("gw", "START", kind="BFD")
    assert story.told() == []


def test_one_server_that_flaps_costs_the_others_nothing_and_quiet_gives_it_all_back(story: Story) -> None:
    for _number in range(100):
        story.happens("web 192.0.2.21:80", "DOWN", kind="RS")
    story.happens("web 192.0.2.22:80", "DOWN", kind="RS")
    assert len(story.told()) == BURST + 1

    later = 2 * BURST * REFILL
    for _number in range(100):
        story.happens("web 192.0.2.21:80", "UP", later, "RS")
    assert story.told().count("UP") == BURST

# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""track_file: a number in a real file, seen when it changes, whatever way it is changed."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

import pytest

from mainstay.daemon.journal import Journal
from mainstay.daemon.programs.file_trackers import FileTrackers
from mainstay.model.tracking import TrackFile

from .script_lab import Loop

NO_NUMBER = "holds no whole number of up to 18 digits "


class Story:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "load"
        self.loop = Loop()
        self.log: list[str] = []
        self.published: list[int] = []
        journal = Journal(lambda text: bool(self.log.append(text)) or True, under_systemd=True)
        self.trackers = FileTrackers(self.loop, journal, lambda: self.published.append(self.value()))

    def configure(self, **options: t.Any) -> None:
        path = options.pop("file", str(self.path))
        self.trackers.configure({"load": TrackFile("load", path, **options)})

    def value(self) -> int:
        return t.cast(int, self.trackers.results({"load"})["file:load"]["value"])

    def becomes(self, number: int) -> None:
        self.loop.until(lambda: self.value() == number, f"{number}; it is {self.value()}")


@pytest.fixture
def story(folder: Path) -> t.Iterator[Story]:
    made = Story(folder)
    yield made
    made.trackers.close()
    made.loop.close()


def test_the_number_is_there_at_once(story: Story) -> None:
    story.path.write_text("-10\n")
    story.configure()
    assert story.value() == -10


@pytest.mark.parametrize(("text", "number"), [("7", 7), (" +7 \n", 7), ("-3\nrest", -3), ("0", 0)])
def test_a_whole_number_and_nothing_else_counts(story: Story, text: str, number: int) -> None:
    story.path.write_text(text)
    story.configure()
    assert story.value() == number and not story.log


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "holds nothing"),
        (b" \n", "holds nothing"),
        (b"x\n", NO_NUMBER + "('x')"),
        (b"7x", NO_NUMBER + "('7x')"),
        (b"1.5", NO_NUMBER + "('1.5')"),
        (b"0x10", NO_NUMBER + "('0x10')"),
        (b"9" * 30, NO_NUMBER + "('99999999999999999999...')"),
        (b"\x1b[2J\xff\x00", NO_NUMBER + r"('\x1b[2J\ufffd\x00')"),
    ],
)
def test_anything_else_is_0_and_a_warning_that_shows_it(story: Story, content: bytes, told: str) -> None:
    story.path.write_bytes(content)
    story.configure()
    assert story.trackers.results({"load"}) == {"file:load": {"value": 0, "why": told}}
    (line,) = story.log
    assert line.rstrip().endswith(f"track_file load: {story.path} {told}; it counts as 0")


def test_garbage_in_the_place_of_0_is_news_and_nobody_says_that_it_holds_0(story: Story) -> None:
    story.path.write_text("0")
    story.configure()
    story.path.write_text("abc")
    story.loop.until(lambda: bool(story.published), "the garbage is told")
    assert story.trackers.results({"load"})["file:load"]["why"] == NO_NUMBER + "('abc')"
    assert len(story.log) == 1 and "it counts as 0" in story.log[0]
    story.path.write_text("0")
    story.loop.until(lambda: len(story.published) == 2, "the number is told")
    assert story.trackers.results({"load"}) == {"file:load": {"value": 0, "why": ""}}
    assert len(story.log) == 2 and "track_file load: holds 0 now" in story.log[1]


def test_a_missing_file_counts_0_until_it_comes_and_again_when_it_goes(story: Story) -> None:
    story.configure()
    assert story.value() == 0 and "cannot be read: No such file" in story.log[0]
    story.path.write_text("5")
    story.becomes(5)
    story.path.unlink()
    story.becomes(0)


def test_writing_replacing_and_writing_through_a_descriptor_that_stays_open_are_seen(story: Story) -> None:
    story.path.write_text("1")
    story.configure()
    story.path.write_text("2")
    story.becomes(2)
    (story.folder / "new").write_text("3")
    os.replace(story.folder / "new", story.path)
    story.becomes(3)
    with story.path.open("w") as file:
        file.write("4\n")
        file.flush()
        story.becomes(4)
    assert story.published == [2, 3, 4], "and no moment of 0 between emptying and writing"


def test_a_link_is_followed_and_seen_when_it_leads_elsewhere(story: Story) -> None:
    for name, number in (("a", "1"), ("b", "2")):
        (story.folder / name).mkdir()
        (story.folder / name / "load").write_text(number)
    (story.folder / "now").symlink_to("a")
    story.path.symlink_to("now/load")
    story.configure()
    (story.folder / "a" / "load").write_text("11")
    story.becomes(11)
    (story.folder / "next").symlink_to("b")
    os.replace(story.folder / "next", story.folder / "now")
    story.becomes(2)
    (story.folder / "b" / "load").write_text("22")
    story.becomes(22)


def test_a_folder_that_comes_later_is_found(story: Story) -> None:
    story.configure(file=str(story.folder / "later" / "load"))
    (story.folder / "later").mkdir()
    (story.folder / "later" / "load").write_text("6")
    story.becomes(6)
    (story.folder / "later" / "load").write_text("7")
    story.becomes(7)


@pytest.mark.parametrize(("path", "why"), [("/proc/sys/kernel/pid_max", "lies on proc"), ("/dev/null", "is no file")])
def test_pseudo_files_are_refused(story: Story, path: str, why: str) -> None:
    story.configure(file=path)
    assert story.value() == 0 and why in story.log[0]


def test_a_planted_fifo_does_not_hang_us(story: Story) -> None:
    os.mkfifo(story.path)
    story.configure()
    assert "is no file" in story.log[0]


def test_init_file_makes_the_file_at_the_start_but_never_in_a_reload(story: Story) -> None:
    story.configure(init_file=9)
    assert story.path.read_text() == "9\n" and story.value() == 9
    story.path.write_text("4")
    story.configure(init_file=9, init_file_overwrite=True)
    assert story.path.read_text() == "4" and story.value() == 4


@pytest.mark.parametrize(("overwrite", "left"), [(False, "4"), (True, "9\n")])
def test_init_file_overwrites_only_when_asked(story: Story, overwrite: bool, left: str) -> None:
    story.path.write_text("4")
    story.configure(init_file=9, init_file_overwrite=overwrite)
    assert story.path.read_text() == left


def test_a_full_disk_costs_the_init_file_alone(story: Story) -> None:
    story.configure(file="/dev/full", init_file=9, init_file_overwrite=True)
    assert "init_file: /dev/full cannot be written: No space left on device" in story.log[0]
    assert story.value() == 0


def test_init_file_does_not_follow_a_planted_link(story: Story) -> None:
    victim = story.folder / "victim"
    victim.write_text("precious")
    story.path.symlink_to(victim)
    story.configure(init_file=9, init_file_overwrite=True)
    assert victim.read_text() == "precious"
    assert "cannot be written" in story.log[0]


def test_what_is_not_configured_any_more_is_not_watched(story: Story) -> None:
    story.path.write_text("1")
    story.configure()
    before = len(os.listdir("/proc/self/fd"))
    story.trackers.configure({})
    assert story.trackers.results({"load"}) == {}
    assert len(os.listdir("/proc/self/fd")) == before - 1

# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is told of instances and groups, to which program and FIFO, in which order."""

from __future__ import annotations

import dataclasses
import os
import typing as t
from pathlib import Path

import pytest

from mainstay.model.commands import Command
from mainstay.model.vrrp_config import Notifications

from .notifier_lab import Story
from .script_lab import lines


@pytest.fixture
def story(folder: Path) -> t.Iterator[Story]:
    made = Story(folder)
    yield made
    made.close()


# ---- programs


def test_each_state_has_its_program_then_the_generic_one_with_keepalived_s_arguments(story: Story) -> None:
    story.configure(story.all_programs())
    story.happens("BACKUP", "MASTER", "FAULT", "STOP")
    assert story.calls() == [
        "notify_backup ",
        "notify INSTANCE VI_1 BACKUP 150",
        "notify_master ",
        "notify INSTANCE VI_1 MASTER 150",
        "notify_fault ",
        "notify INSTANCE VI_1 FAULT 150",
        "notify_stop ",
        "notify INSTANCE VI_1 STOP 150",
    ]


def test_groups_are_told_as_groups_with_priority_0(story: Story) -> None:
    story.configure(Notifications(), group=Notifications(notify=story.program("notify")))
    story.happens("MASTER", kind="GROUP", name="VG_1", priority=0)
    assert story.calls() == ["notify GROUP VG_1 MASTER 0"]


@pytest.mark.parametrize("state", ["MASTER", "BACKUP", "FAULT", "STOP"])
def test_each_state_of_a_group_has_its_program_too(story: Story, state: str) -> None:
    names = ("notify_master", "notify_backup", "notify_fault", "notify_stop")
    programs = Notifications(**{name: story.program(name) for name in names})
    story.configure(Notifications(), group=programs)
    story.happens(state, kind="GROUP", name="VG_1", priority=0)
    assert story.calls() == [f"notify_{state.lower()} "]


def test_an_event_that_is_no_state_has_its_own_program_only(story: Story) -> None:
    story.configure(story.all_programs())
    story.happens("MASTER_RX_LOWER_PRI", "MASTER_PRIORITY")
    assert story.calls() == ["notify_master_rx_lower_pri "]


def test_a_state_that_is_told_again_is_no_news(story: Story) -> None:
    story.configure(Notifications(notify=story.program("notify")))
    story.happens("BACKUP", "BACKUP", "MASTER", "MASTER", "BACKUP")
    assert [call.split()[3] for call in story.calls()] == ["BACKUP", "MASTER", "BACKUP"]


def test_an_instance_without_programs_is_told_to_nobody(story: Story) -> None:
    story.configure(Notifications())
    story.happens("MASTER")
    story.happens("MASTER", name="unknown")
    assert story.calls() == []


def test_a_program_that_fails_is_named_in_the_log(story: Story) -> None:
    bad = story.lab.program("bad", "echo no route; exit 4")
    story.configure(Notifications(notify_master=bad))
    story.happens("MASTER")
    story.calls()
    assert f"vrrp_instance VI_1: {bad.argv[0]} for MASTER: exit status 4: no route" in story.log[0]


def test_a_removed_instance_is_told_as_fault_by_the_programs_that_it_had(story: Story) -> None:
    story.configure(story.all_programs())
    story.happens("BACKUP")
    story.configure(None)
    story.happens("DELETED")
    assert story.calls()[2:] == ["notify_fault ", "notify INSTANCE VI_1 FAULT 150"]
    story.happens("MASTER")
    assert len(story.calls()) == 4, "what comes after it is no part of the configuration"


def test_a_removed_instance_with_notify_deleted_is_told_as_deleted(story: Story) -> None:
    programs = dataclasses.replace(story.all_programs(), notify_deleted=story.program("notify_deleted"))
    story.configure(programs)
    story.happens("BACKUP")
    story.configure(None)
    story.happens("DELETED")
    assert story.calls()[2:] == ["notify_deleted ", "notify INSTANCE VI_1 DELETED 150"]


# ---- mails


def test_a_mail_is_written_once_for_each_new_state_of_whatever_wants_mails(story: Story) -> None:
    story.configure(Notifications(), group=Notifications(smtp_alert=False), smtp_alert_vrrp=True)
    story.happens("BACKUP", "BACKUP", "MASTER", "MASTER_RX_LOWER_PRI", "MASTER_PRIORITY", "MASTER", "STOP")
    story.happens("MASTER", kind="GROUP", name="VG_1", priority=0)
    assert [(one.name, one.event) for one in story.mailed] == [("VI_1", "BACKUP"), ("VI_1", "MASTER"), ("VI_1", "STOP")]


def test_a_removed_instance_is_mailed_as_deleted_if_it_had_mails(story: Story) -> None:
    story.configure(Notifications(smtp_alert=True))
    story.happens("MASTER")
    story.configure(None)
    story.happens("DELETED")
    assert [one.event for one in story.mailed] == ["MASTER", "DELETED"]


def test_nothing_is_mailed_of_what_wants_none(story: Story) -> None:
    story.configure(Notifications(), group=Notifications())
    story.happens("MASTER", "FAULT")
    story.happens("MASTER", kind="GROUP", name="VG_1", priority=0)
    assert story.mailed == []


# ---- FIFOs


def test_lines_are_keepalived_s_and_wait_for_a_reader_that_comes_later(story: Story, folder: Path) -> None:
    fifo = folder / "fifo"
    story.configure(Notifications(), group=Notifications(), notify_fifo=str(fifo))
    story.happens("BACKUP", "MASTER", "MASTER_RX_LOWER_PRI")
    story.happens("MASTER", kind="GROUP", name="VG_1", priority=0)
    assert story.fifo_lines(fifo) == (
        'INSTANCE "VI_1" BACKUP 150\nINSTANCE "VI_1" MASTER 150\nINSTANCE "VI_1" MASTER_RX_LOWER_PRI 150\n'
        'GROUP "VG_1" MASTER 0\n'
    )
    assert fifo.stat().st_mode & 0o777 == 0o600


def test_both_fifos_get_what_vrrp_has_to_tell(story: Story, folder: Path) -> None:
    both = {"notify_fifo": str(folder / "one"), "vrrp_notify_fifo": str(folder / "two")}
    story.configure(Notifications(), **both)
    story.happens("MASTER")
    assert story.fifo_lines(folder / "one") == story.fifo_lines(folder / "two") == 'INSTANCE "VI_1" MASTER 150\n'


@pytest.mark.parametrize(
    ("instance", "group", "everywhere", "told"),
    [
        (None, None, False, False),
        (True, None, False, True),
        (None, True, False, True),
        (None, None, True, True),
        (False, True, True, False),
    ],
)
def test_priority_lines_come_where_they_are_asked_for(
    story: Story, folder: Path, instance: bool | None, group: bool | None, everywhere: bool, told: bool
) -> None:
    story.configure(
        Notifications(notify_priority_changes=instance),
        group=Notifications(notify_priority_changes=group),
        vrrp_notify_priority_changes=everywhere,
        notify_fifo=str(folder / "fifo"),
    )
    story.happens("MASTER", "MASTER_PRIORITY")
    assert ("MASTER_PRIORITY" in story.fifo_lines(folder / "fifo")) is told


@pytest.mark.parametrize("asked", [False, True])
def test_states_are_repeated_after_a_reload_when_asked_for(story: Story, folder: Path, asked: bool) -> None:
    defs = {"notify_fifo": str(folder / "fifo"), "fifo_write_vrrp_states_on_reload": asked}
    story.configure(Notifications(), **defs)
    story.happens("BACKUP", "MASTER")
    story.fifo_lines(folder / "fifo")
    story.configure(Notifications(), **defs)
    story.happens("FAULT")
    repeated = 'INSTANCE "VI_1" MASTER 150\n' if asked else ""
    assert story.fifo_lines(folder / "fifo") == repeated + 'INSTANCE "VI_1" FAULT 150\n'


def reader(story: Story) -> Command:
    """Writes down its process id and what it reads; ends when told to by a line."""
    text = f'echo "started $2 $$" >> {story.calls_file}; exec cat "$2" >> {story.calls_file}'
    return Command((*story.lab.program("reader", text).argv, "argument"))


def test_a_reader_is_started_with_the_path_as_its_last_argument_and_not_doubled_by_a_reload(
    story: Story, folder: Path
) -> None:
    command = reader(story)
    for _reload in range(3):
        story.configure(Notifications(), notify_fifo=str(folder / "fifo"), notify_fifo_script=command)
    story.happens("MASTER")
    story.lab.loop.until(lambda: len(lines(story.calls_file)) == 2, "the line to be read")
    started, line = lines(story.calls_file)
    assert started.startswith(f"started {folder}/fifo ") and line == 'INSTANCE "VI_1" MASTER 150'
    assert story.lab.runner.running == 1


def test_each_fifo_has_a_reader_of_its_own(story: Story, folder: Path) -> None:
    command = reader(story)
    both = {"vrrp_notify_fifo": str(folder / "two"), "vrrp_notify_fifo_script": command}
    story.configure(Notifications(), notify_fifo=str(folder / "one"), **both)
    story.happens("MASTER")
    story.lab.loop.until(lambda: len(lines(story.calls_file)) == 2, "the line to be read")
    assert lines(story.calls_file)[0].startswith(f"started {folder}/two ") and story.lab.runner.running == 1


def test_a_reader_that_dies_is_started_again_and_misses_nothing(story: Story, folder: Path) -> None:
    story.configure(Notifications(), notify_fifo=str(folder / "fifo"), notify_fifo_script=reader(story))
    story.lab.loop.until(lambda: lines(story.calls_file), "the reader to start")
    os.kill(int(lines(story.calls_file)[0].split()[2]), 9)
    story.lab.loop.until(lambda: story.log, "its end to be told")
    assert "its reader ended (was killed by SIGKILL); a new one starts in 1 s" in story.log[0]
    story.happens("MASTER")
    story.lab.loop.until(lambda: len(lines(story.calls_file)) == 3, "the line to be read by the next one")


def test_at_the_end_a_reader_reads_the_rest_and_ends(story: Story, folder: Path) -> None:
    story.configure(Notifications(), notify_fifo=str(folder / "fifo"), notify_fifo_script=reader(story))
    story.lab.loop.until(lambda: lines(story.calls_file), "the reader to start")
    story.happens("STOP")
    story.notifier.close_fifos(story.lab.loop.now())
    story.lab.loop.until(lambda: story.notifier.read_out, "the reader to end")
    assert lines(story.calls_file)[1:] == ['INSTANCE "VI_1" STOP 150']
    assert not (folder / "fifo").exists()


def test_a_fifo_that_cannot_be_used_is_told_and_programs_run_all_the_same(story: Story, folder: Path) -> None:
    (folder / "fifo").write_text("planted")
    story.configure(Notifications(notify=story.program("notify")), notify_fifo=str(folder / "fifo"))
    story.happens("MASTER")
    assert story.calls() == ["notify INSTANCE VI_1 MASTER 150"]
    assert "is there and is no FIFO; remove it" in story.log[0]
    assert (folder / "fifo").read_text() == "planted"

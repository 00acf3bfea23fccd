# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs run beside the supervisor: what they get, what they cannot do to it, how they end."""

from __future__ import annotations

import errno
import os
import shutil
import typing as t
from pathlib import Path

import pytest

from mainstay.daemon.programs import script_start
from mainstay.daemon.programs.scripts import ScriptRunner
from mainstay.model.commands import Command
from mainstay.model.units import as_seconds, seconds
from mainstay.net.polling import READABLE

from ...scripted_poller import ScriptedPoller
from .script_lab import Book, ScriptLab, gone, lines

NOBODY = 65534


@pytest.fixture
def lab(folder: Path) -> t.Iterator[ScriptLab]:
    made = ScriptLab(folder)
    yield made
    made.close()


# ---- results


def test_status_0_is_good_and_its_output_is_kept(lab: ScriptLab) -> None:
    result = lab.run(lab.program("good", "echo out; echo err >&2; echo $1 $2"), "INSTANCE", "VI 1")
    assert result.good and result.reason == "exit status 0"
    assert sorted(result.output.split("\n")) == ["", "INSTANCE VI 1", "err", "out"]


def test_another_status_is_told_with_the_first_line_of_output(lab: ScriptLab) -> None:
    result = lab.run(lab.program("bad", "echo no route; echo more; exit 3"))
    assert not result.good and result.reason == "exit status 3: no route"


def test_death_by_a_signal_is_named(lab: ScriptLab) -> None:
    assert lab.run(lab.program("dies", "kill -SEGV $$")).reason == "was killed by SIGSEGV"


def test_a_binary_and_a_file_without_an_interpreter_line_run_too(lab: ScriptLab) -> None:
    bare = lab.folder / "bare"
    bare.write_text("echo through sh $1\n")
    bare.chmod(0o755)
    assert lab.run(Command(("/bin/echo", "hello"))).output == "hello\n"
    assert lab.run(Command((str(bare), "one"))).output == "through sh one\n"


def test_a_script_knows_its_own_name(lab: ScriptLab) -> None:
    command = lab.program("notify", 'echo "$0"')
    assert lab.run(command).output.strip() == command.argv[0]


# ---- what it gets


def test_the_surroundings_are_plain(lab: ScriptLab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LD_PRELOAD", "")
    monkeypatch.setenv("SECRET", "x")
    command = lab.program(
        "env", "env; echo umask=$(umask); echo at=$(pwd); echo core=$(ulimit -c); cat; ls /proc/$$/fd"
    )
    inherited = os.open("/dev/null", os.O_RDONLY)
    os.set_inheritable(inherited, True)
    said = lab.run(command).output.split()
    os.close(inherited)
    names = {line.partition("=")[0] for line in said if "=" in line}
    assert names == {"PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "PWD", "umask", "at", "core"}
    assert {"umask=0077", "at=/", "core=0"} <= set(said)
    # 10 or so is the shell's own descriptor of the script.
    assert len([word for word in said if word.isdigit()]) == 4, said


def test_it_is_alone_in_its_session_at_the_usual_priority(lab: ScriptLab) -> None:
    os.setpriority(os.PRIO_PROCESS, 0, -5)
    try:
        said = lab.run(lab.program("ps", "cut -d' ' -f1,5,6,19,41 /proc/self/stat; cut -d' ' -f1 /proc/$$/stat"))
    finally:
        os.setpriority(os.PRIO_PROCESS, 0, 0)
    _cut, group, session, nice, policy, shell = said.output.split()
    assert (group, session, nice, policy) == (shell, shell, "0", "0")


def test_another_user_runs_it_with_his_groups_and_without_ours(lab: ScriptLab) -> None:
    command = lab.program("id", "id -u; id -g; id -G; echo $USER; grep CapEff /proc/self/status")
    uid, gid, groups, name, _word, capabilities = lab.run(Command(command.argv, user="nobody")).output.split()
    assert (uid, gid, groups, name) == (str(NOBODY), str(NOBODY), str(NOBODY), "nobody")
    assert int(capabilities, 16) == 0


def test_another_group_takes_the_place_of_the_user_s_own(lab: ScriptLab) -> None:
    command = lab.program("id", "id -u; id -g")
    assert lab.run(Command(command.argv, user="nobody", group="daemon")).output.split() == [str(NOBODY), "1"]


# ---- refusals


def test_a_program_that_others_can_change_is_not_started(lab: ScriptLab) -> None:
    marker = lab.folder / "ran"
    command = lab.program("open", f"touch {marker}", mode=0o777)
    assert "can be written by everybody" in lab.run(command).reason
    assert "can be written by everybody" in lab.runner.problem(command)
    assert not marker.exists()


def test_root_has_to_be_said(lab: ScriptLab) -> None:
    lab.runner.set_script_user(None)
    reason = lab.run(lab.program("good", "true")).reason
    assert (
        reason == "there is no user mainstay on this machine; create it, or name another one with script_user or user"
    )
    assert lab.run(Command(lab.program("said", "true").argv, user="root")).good


def test_unknown_users_and_groups_are_named(lab: ScriptLab) -> None:
    assert "no user nobody-at-all" in lab.run(Command(("/bin/true",), user="nobody-at-all")).reason
    assert "no group no-group-at-all" in lab.run(Command(("/bin/true",), group="no-group-at-all")).reason


def test_what_cannot_be_executed_says_why(lab: ScriptLab) -> None:
    broken = lab.folder / "broken"
    broken.write_text("#!/no/such/interpreter\n")
    broken.chmod(0o755)
    assert lab.run(Command((str(broken),))).reason == "cannot execute: No such file or directory"


def test_without_the_capability_another_user_is_a_clear_failure(
    lab: ScriptLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(_groups: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "setgroups", refused)
    result = lab.run(Command(("/bin/true",), user="nobody"))
    assert not result.good
    assert "cannot become nobody (the service needs CAP_SETUID, CAP_SETGID" in result.reason


@pytest.mark.parametrize("call", ["fork", "pipe2", "pidfd_open"])
@pytest.mark.fault("F10", "F11")
def test_no_room_for_a_process_or_a_descriptor_is_a_failed_run_and_nothing_is_left(
    lab: ScriptLab, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    """F11."""
    before = len(os.listdir("/proc/self/fd"))

    def refused(*_arguments: object) -> t.NoReturn:
        raise OSError(errno.EAGAIN, "Resource temporarily unavailable")

    with monkeypatch.context() as broken:
        broken.setattr(script_start.os, call, refused)
        result = lab.run(lab.program("good", "true"))
    assert not result.good and result.reason == "cannot be started: Resource temporarily unavailable"
    assert len(os.listdir("/proc/self/fd")) == before
    assert lab.run(lab.program("good", "true")).good


# ---- programs that do not behave


def test_one_that_hangs_is_ended_and_named(lab: ScriptLab) -> None:
    result = lab.run(lab.program("hangs", "sleep 100"), timeout=seconds(0.2))
    assert result.status is None and result.reason == "did not end within 0.2 s"


def test_one_that_ignores_sigterm_is_killed_a_second_later(lab: ScriptLab) -> None:
    result = lab.run(lab.program("stubborn", "trap '' TERM; while :; do sleep 1; done"), timeout=seconds(0.1))
    assert result.reason == "did not end within 0.1 s"
    assert as_seconds(result.took) > 1


def test_its_children_of_the_same_group_end_with_it(lab: ScriptLab) -> None:
    children = lab.folder / "children"
    stubborn = f"(trap '' TERM; (sh -c 'echo $$ >> {children}; exec sleep 100') & wait) &"
    result = lab.run(lab.program("forks", f"{stubborn}\n{stubborn}\nwait"), timeout=seconds(0.5))
    assert not result.good
    pids = [int(line) for line in lines(children)]
    assert len(pids) == 2
    lab.loop.until(lambda: all(gone(pid) for pid in pids), f"{pids} to be gone")


def test_a_flood_of_output_is_cut(lab: ScriptLab) -> None:
    result = lab.run(lab.program("flood", "yes"), timeout=seconds(1))
    assert result.reason == "did not end within 1 s"
    assert result.output == "y\n" * 2048


def test_a_background_program_that_keeps_the_output_open_does_not_hold_up_the_result(lab: ScriptLab) -> None:
    pids = lab.folder / "pids"
    result = lab.run(lab.program("daemonises", f"sleep 60 & echo $! > {pids}; echo done"))
    assert result.good and result.output == "done\n"
    os.kill(int(lines(pids)[0]), 9)


def test_not_too_many_run_at_a_time_and_all_get_their_turn(lab: ScriptLab) -> None:
    runner = ScriptRunner(lab.loop, most=2)
    runner.set_script_user("root")
    book, command, most = Book(), lab.program("short", "sleep 0.05"), 0

    def all_ended() -> bool:
        nonlocal most
        most = max(most, runner.running)
        return len(book.results) == 6

    for _number in range(6):
        runner.run(command, (), seconds(5), book)
    lab.loop.until(all_ended, "six runs")
    assert most == 2 and all(result.good for result in book.results)
    runner.close()


def test_at_the_end_what_waits_is_not_started_but_told(lab: ScriptLab) -> None:
    runner = ScriptRunner(lab.loop, most=1)
    runner.set_script_user("root")
    book = Book()
    for _number in range(3):
        runner.run(lab.program("hangs", "sleep 100"), (), seconds(100), book)
    runner.end_all("the end", lab.loop.now())
    lab.loop.until(lambda: len(book.results) == 3, "three results")
    assert {result.reason for result in book.results} == {"the end"} and not runner.running
    runner.close()


@pytest.fixture
def narrow(lab: ScriptLab) -> t.Iterator[ScriptRunner]:
    """A runner with room for one, which hangs."""
    runner = ScriptRunner(lab.loop, most=1)
    runner.set_script_user("root")
    yield runner
    runner.end_all("the story is over", lab.loop.now())
    lab.loop.until(lambda: not runner.running, "every program to be gone")
    runner.close()


def test_one_that_is_not_wanted_any_more_is_not_started_when_its_turn_comes(
    lab: ScriptLab, narrow: ScriptRunner
) -> None:
    marker, book, late = lab.folder / "ran", Book(), Book()
    first = narrow.run(lab.program("hangs", "sleep 100"), (), seconds(100), book)
    second = narrow.run(lab.program("marks", f"touch {marker}"), (), seconds(100), late)

    second.end("is not wanted any more", lab.loop.now())
    lab.loop.until(lambda: late.results, "the end of what waited")
    assert [result.reason for result in late.results] == ["is not wanted any more"]
    first.end("nor is this", lab.loop.now())
    lab.loop.until(lambda: book.results and not narrow.running, "the end of the one that hangs")
    assert not marker.exists() and len(late.results) == 1


def test_one_that_had_to_wait_can_be_ended_when_it_runs(lab: ScriptLab, narrow: ScriptRunner) -> None:
    book, hangs = Book(), lab.program("hangs", "sleep 100")
    first = narrow.run(hangs, (), seconds(100), Book())
    second = narrow.run(hangs, (), seconds(100), book)
    first.end("makes room", lab.loop.now())
    lab.loop.until(lambda: second.pid is not None, "the second one to run")

    second.end("is not wanted any more", lab.loop.now())
    lab.loop.until(lambda: book.results, "its end")
    assert book.results[0].reason == "is not wanted any more"


def test_ending_what_has_ended_is_harmless(
    lab: ScriptLab, narrow: ScriptRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its number may be somebody else's by now."""
    signalled: list[int] = []
    turn = narrow.run(lab.program("good", "true"), (), seconds(10), Book())
    lab.loop.until(lambda: not narrow.running, "its end")
    monkeypatch.setattr(os, "killpg", lambda pid, _signal: signalled.append(pid))
    turn.end("too late", lab.loop.now())
    assert (signalled, turn.pid) == ([], None)


def test_one_that_cannot_start_keeps_nobody_behind_it_waiting(lab: ScriptLab, narrow: ScriptRunner) -> None:
    book, good, bad = Book(), lab.program("good", "true"), Command(("/no/such/program",))
    for command in (good, bad, bad, good):
        narrow.run(command, (), seconds(10), book)
    lab.loop.until(lambda: len(book.results) == 4, "four results")
    assert sorted(result.good for result in book.results) == [False, False, True, True]


def test_a_program_is_not_blamed_for_the_sleep_of_the_daemon(lab: ScriptLab) -> None:
    """A machine that was suspended, or a daemon that was stopped: the program gets its time once more."""
    poller, book = ScriptedPoller(), Book()
    runner = ScriptRunner(poller)
    runner.set_script_user("root")
    turn = runner.run(lab.program("hangs", "exec sleep 100"), (), seconds(5), book)
    pid = turn.pid
    assert pid is not None
    poller.freeze_until(poller.clock + seconds(60))
    assert not gone(pid) and not book.results

    poller.run_for(seconds(5.5))
    lab.loop.until(lambda: gone(pid), "the program to be ended")
    poller.watched[max(poller.watched)][1](READABLE, poller.clock)  # its pidfd, opened last
    assert [result.reason for result in book.results] == ["did not end within 5 s"]
    runner.close()


def test_no_descriptor_and_no_zombie_stays(lab: ScriptLab) -> None:
    command = lab.program("good", "echo x")
    lab.run(command)
    before = os.listdir("/proc/self/fd")
    for _number in range(20):
        lab.run(command)
    assert len(os.listdir("/proc/self/fd")) == len(before)
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_a_program_moved_aside_between_look_and_start_is_not_run(
    lab: ScriptLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    marker = lab.folder / "ran"
    command = lab.program("notify", "true")
    other = lab.program("other", f"touch {marker}")

    def swapped(_parent: int) -> None:
        shutil.move(other.argv[0], command.argv[0])

    monkeypatch.setattr(script_start, "_die_with", swapped)
    assert "was replaced while it was looked at" in lab.run(command).reason
    assert not marker.exists()

# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that hold servers in maintenance: which names mean whom, and that coming and going is seen."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import types
import typing as t
from pathlib import Path

import pytest

from mainstay.daemon.journal import Journal
from mainstay.daemon.programs import maintenance_directory
from mainstay.daemon.programs.maintenance_directory import MaintenanceDirectory
from mainstay.daemon.programs.maintenance_memory import file_system
from mainstay.model.config import Config
from mainstay.model.units import seconds

from ..test_overrides import CONFIG
from .script_lab import Loop


class Story:
    """A directory that is watched."""

    def __init__(self, folder: Path) -> None:
        self.state = folder
        self.folder = folder / "held"
        self.loop = Loop()
        self.log: t.List[str] = []
        self.changes = 0
        self.begin()

    def begin(self) -> None:
        """A daemon starts."""
        journal = Journal(lambda text: bool(self.log.append(text)) or True)
        self.directory = MaintenanceDirectory(self.loop, journal, str(self.state), self._changed)

    def _changed(self) -> None:
        self.changes += 1

    def watch(self, mode: int = 0o755) -> None:
        self.folder.mkdir(exist_ok=True)
        self.folder.chmod(mode)
        self.directory.configure(str(self.folder))

    def restart(self, while_down: t.Callable[[], object], *, configured: bool = True) -> None:
        """The daemon ends, something happens, another one starts."""
        self.directory.close()
        while_down()
        self.begin()
        self.directory.configure(str(self.folder) if configured else None)

    def status(self) -> t.Dict[str, t.Any]:
        return self.directory.status(CONFIG)

    def held(self, config: Config = CONFIG) -> t.List[str]:
        return sorted(" ".join(one) for one in self.directory.orders(config))

    def await_held(self, *servers: str) -> None:
        self.loop.until(lambda: self.held() == sorted(servers), f"{servers} to be held")

    def close(self) -> None:
        self.directory.close()
        self.loop.close()


@pytest.fixture
def story(tmp_path: Path) -> t.Iterator[Story]:
    made = Story(tmp_path)
    yield made
    made.close()


@pytest.mark.parametrize(
    ("name", "held"),
    [
        ("web", ["web 192.0.2.21:80", "web 192.0.2.22:8080", "web 192.0.2.22:8081"]),
        ("web@192.0.2.22:8080", ["web 192.0.2.22:8080"]),
        ("web@192.0.2.21", ["web 192.0.2.21:80"]),
        ("192.0.2.21", ["mark 192.0.2.21:0", "web 192.0.2.21:80"]),
        ("six@[2001:db8::21]:443", ["six [2001:db8::21]:443"]),
        ("2001:db8::21", ["six [2001:db8::21]:443"]),
    ],
)
def test_a_file_that_comes_is_seen_and_its_removal_too(story: Story, name: str, held: t.List[str]) -> None:
    story.watch()
    (story.folder / name).touch()
    story.await_held(*held)
    (story.folder / name).unlink()
    story.await_held()
    assert story.changes == 2 and story.log == []


@pytest.mark.parametrize("name", ["wbe", "web@192.0.2.29:80", "192.0.2.99", "web@192.0.2.22", "x@y@z"])
def test_a_name_that_means_nobody_is_told_once_and_shown(story: Story, name: str) -> None:
    story.watch()
    (story.folder / name).touch()
    story.loop.until(lambda: story.changes, "the file to be seen")
    assert story.held() == story.held() == []
    assert len(story.log) == 1 and f"the file {name!a} means no real_server" in story.log[0]
    assert story.directory.status(CONFIG)["files"] == {name: []}


def test_hidden_files_are_left_alone(story: Story) -> None:
    story.watch()
    (story.folder / ".web.swp").touch()
    (story.folder / "mark").touch()
    story.await_held("mark 192.0.2.21:0")
    assert story.log == []


@pytest.mark.parametrize("mode", [0o777, 0o1777])
def test_a_directory_that_everybody_may_write_takes_nobody_out(story: Story, mode: int) -> None:
    story.folder.mkdir()
    (story.folder / "web").touch()
    story.watch(mode)
    assert story.held() == []
    assert "everybody may write it; take that away with chmod o-w; no file in it counts" in story.log[0]

    story.folder.chmod(0o755)
    story.loop.until(story.held, "the directory to be trusted")
    assert "can be used now" in story.log[-1] and story.directory.problem == ""


def test_a_directory_that_is_not_there_yet_counts_when_it_comes_and_goes(story: Story) -> None:
    story.directory.configure(str(story.folder))
    assert "No such file or directory; no file in it counts" in story.directory.problem
    story.folder.mkdir(mode=0o755)
    (story.folder / "mark").touch()
    story.await_held("mark 192.0.2.21:0")
    (story.folder / "mark").unlink()
    story.await_held()
    story.folder.rmdir()
    story.folder.mkdir(mode=0o755)
    (story.folder / "web@192.0.2.21:80").touch()
    story.await_held("web 192.0.2.21:80")


@pytest.mark.parametrize("other", [None, "another"], ids=["dropped", "changed"])
def test_a_reload_away_from_a_missing_directory_is_survived(story: Story, other: t.Optional[str]) -> None:
    story.directory.configure(str(story.folder))
    story.directory.configure(None if other is None else str(story.folder.parent / other))
    passed: t.List[int] = []
    story.loop.call_at(story.loop.now() + seconds(1.5), passed.append)
    story.loop.until(lambda: passed, "the missing directory to be looked for, if it still were")
    assert story.held() == [] and story.changes == 0


@pytest.mark.parametrize("touched", [999999999999, -999999999999, 2**62, 253402300799, -62135596800])
def test_a_file_of_an_impossible_date_holds_its_server_and_nothing_up(
    story: Story, touched: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """tmpfs keeps such dates and ext4 does not, so the date is played."""
    story.watch()
    monkeypatch.setattr(maintenance_directory, "os", _OsOfDate(touched))
    (story.folder / "mark").touch()
    story.await_held("mark 192.0.2.21:0")
    (order,) = story.directory.orders(CONFIG).values()
    assert order.at == "unknown" or len(order.at) == len("2026-01-01T03:00:00.000+00:00"), order


class _OsOfDate:
    """os, where every entry of a directory was touched then."""

    def __init__(self, touched: int) -> None:
        self._touched = touched

    def __getattr__(self, name: str) -> t.Any:
        return getattr(os, name)

    @contextlib.contextmanager
    def scandir(self, path: str) -> t.Iterator[t.Iterator[t.Any]]:
        with os.scandir(path) as entries:
            yield (types.SimpleNamespace(name=one.name, stat=self._stat) for one in entries)

    def _stat(self, follow_symlinks: bool) -> t.Any:
        return types.SimpleNamespace(st_mtime=float(self._touched), st_uid=0)


# ---- only a good look ends a maintenance

WEB_1 = "web 192.0.2.21:80"


def in_use(story: Story) -> None:
    """One server is held."""
    story.watch()
    (story.folder / "web@192.0.2.21:80").touch()
    story.await_held(WEB_1)


def test_rights_that_become_too_wide_end_no_maintenance(story: Story) -> None:
    in_use(story)
    story.folder.chmod(0o777)
    story.loop.until(lambda: story.directory.problem, "the alarm")
    assert story.held() == [WEB_1] and story.changes == 1
    assert "everybody may write it" in story.directory.problem and "(web@192.0.2.21:80)" in story.directory.problem
    assert story.directory.problem in story.log[-1]

    (story.folder / "mark").touch()
    turn_for(story, 0.2)
    assert story.held() == [WEB_1], "nobody is taken out by what anybody may make"
    (story.folder / "mark").unlink()
    story.folder.chmod(0o755)
    story.loop.until(lambda: not story.directory.problem, "the directory to be trusted")
    (story.folder / "web@192.0.2.21:80").unlink()
    story.await_held()


def test_a_directory_that_vanishes_ends_no_maintenance_and_an_empty_one_does(story: Story) -> None:
    in_use(story)
    shutil.rmtree(story.folder)
    story.loop.until(lambda: story.directory.problem, "the alarm")
    assert "No such file or directory; what was there before still counts" in story.directory.problem
    assert "to end that, make it a readable directory without them" in story.directory.problem
    story.directory.configure(str(story.folder))
    assert story.held() == [WEB_1], "a reload changes nothing about it"
    story.folder.mkdir(mode=0o755)
    story.await_held()
    assert story.directory.problem == ""


@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE, errno.EACCES])
def test_a_directory_that_cannot_be_read_ends_no_maintenance_and_is_tried_again(
    story: Story, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_path: str) -> t.Any:
        raise OSError(number, os.strerror(number))

    in_use(story)
    with monkeypatch.context() as patch:
        patch.setattr(maintenance_directory, "_files_in", broken)
        (story.folder / "mark").touch()
        story.loop.until(lambda: story.directory.problem, "the alarm")
        assert os.strerror(number) in story.directory.problem and story.held() == [WEB_1]
    story.await_held("mark 192.0.2.21:0", WEB_1)
    assert story.directory.problem == "" and "can be used now" in story.log[-1]


def test_an_unmount_ends_no_maintenance(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given the mount point without its file system (another st_dev, empty), nobody has removed those files."""
    in_use(story)
    found = maintenance_directory._files_in
    with monkeypatch.context() as patch:
        patch.setattr(maintenance_directory, "_files_in", lambda _path: ((-1, "other"), {}))
        (story.folder / "anything").touch()
        story.loop.until(lambda: story.directory.problem, "the alarm")
        assert "is on another file system than before; what was there before still counts" in story.directory.problem
        assert story.held() == [WEB_1]
        patch.setattr(maintenance_directory, "_files_in", lambda path: ((-1, "other"), found(path)[1]))
        story.loop.until(lambda: not story.directory.problem, "it to be mounted again")
        (story.folder / "web@192.0.2.21:80").unlink()
        story.await_held()


# ---- over a restart


def test_a_start_without_the_directory_ends_no_maintenance_and_says_since_when(story: Story) -> None:
    in_use(story)
    story.restart(lambda: shutil.rmtree(story.folder))
    assert story.held() == [WEB_1]
    assert "No such file or directory; what was there before still counts" in story.status()["problem"]
    since = story.status()["since"]
    assert since

    story.restart(lambda: None)
    assert (story.held(), story.status()["since"]) == ([WEB_1], since), "over as many starts as it takes"

    story.folder.mkdir(mode=0o755)
    story.await_held()
    assert (story.status()["problem"], story.status()["since"]) == ("", "")
    story.restart(lambda: shutil.rmtree(story.folder))
    assert story.held() == [], "what has ended does not come back"


def test_a_file_that_was_removed_while_no_daemon_ran_has_ended(story: Story) -> None:
    in_use(story)
    story.restart((story.folder / "web@192.0.2.21:80").unlink)
    assert (story.held(), story.status()["problem"]) == ([], "")


def test_a_mount_that_did_not_come_back_ends_no_maintenance(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    in_use(story)
    monkeypatch.setattr(maintenance_directory, "file_system", lambda _path: (1, "nothing mounted"))
    story.restart((story.folder / "web@192.0.2.21:80").unlink)
    assert story.held() == [WEB_1]
    assert "is on another file system than before; what was there before still counts" in story.status()["problem"]


def test_a_mount_with_another_number_after_a_boot_is_the_same(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    in_use(story)
    _number, mounted = file_system(str(story.folder))
    assert mounted
    monkeypatch.setattr(maintenance_directory, "file_system", lambda _path: (1, mounted))
    story.restart((story.folder / "web@192.0.2.21:80").unlink)
    assert (story.held(), story.status()["problem"]) == ([], "")


def test_a_start_without_it_in_the_configuration_forgets_it(story: Story) -> None:
    in_use(story)
    story.restart(lambda: shutil.rmtree(story.folder), configured=False)
    story.restart(lambda: None)
    assert story.held() == []


@pytest.mark.parametrize("text", ["{", '{"files": 1}', '{"files": [{"name": 5}]}'])
def test_a_damaged_memory_is_an_alarm_until_the_directory_is_seen(story: Story, text: str) -> None:
    memory = story.state / "maintenance.json"
    in_use(story)
    story.restart(lambda: (memory.write_text(text), shutil.rmtree(story.folder)))
    assert story.held() == []
    assert "maintenance.json" in story.status()["problem"]
    story.watch()
    story.loop.until(lambda: not story.status()["problem"], "the directory to be seen")
    assert memory.read_text() == '{\n  "files": []\n}\n'


def test_a_disk_that_keeps_nothing_is_an_alarm_and_the_file_counts(story: Story) -> None:
    (story.state / "maintenance.json").mkdir()
    (story.state / "maintenance.json.damaged").write_text("in the way")
    in_use(story)
    assert "a start without the directory brings its servers back into service" in story.status()["problem"]


def turn_for(story: Story, length: float) -> None:
    passed: t.List[int] = []
    story.loop.call_at(story.loop.now() + seconds(length), passed.append)
    story.loop.until(lambda: passed, "the time to pass")

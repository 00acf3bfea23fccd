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

from mainstay.daemon.journal import Journal
from mainstay.daemon.programs.notifier import Notifier
from mainstay.daemon.worker import Happening
from mainstay.lvs.table import endpoint_text
from mainstay.model.commands import Command
from mainstay.model.config import Config, GlobalDefs
from mainstay.model.lvs_config import GroupEntry, RealServer, VirtualServer, VirtualServerGroup
from mainstay.model.vrrp_config import Notifications, VrrpInstance, VrrpSyncGroup

from .script_lab import ScriptLab, lines


class Story:
    """A notifier whose programs write down how they were called."""

    def __init__(self, folder: Path) -> None:
        self.lab = ScriptLab(folder)
        self.folder = folder
        self.log: list[str] = []
        self.mailed: list[Happening] = []
        journal = Journal(lambda text: bool(self.log.append(text)) or True, under_systemd=True)
        self.called: list[tuple[str, ...]] = []
        self.notifier = Notifier(self.lab.loop, journal, self.lab.runner, self._mail)
        self.calls_file = folder / "calls"

    def _mail(self, happening: Happening, called: tuple[str, ...]) -> None:
        self.mailed.append(happening)
        self.called.append(called)

    def program(self, name: str) -> Command:
        return self.lab.program(name, f'echo "{name} $@" >> {self.calls_file}')

    def all_programs(self) -> Notifications:
        names = ("notify_master", "notify_backup", "notify_fault", "notify_stop", "notify")
        return Notifications(
            **{name: self.program(name) for name in names},
            notify_master_rx_lower_pri=self.program("notify_master_rx_lower_pri"),
        )

    def configure(self, instance: Notifications | None, group: Notifications | None = None, **defs: t.Any) -> None:
        instances = {"VI_1": VrrpInstance("VI_1", "eth0", 51, notifications=instance)} if instance is not None else {}
        groups = {"VG_1": VrrpSyncGroup("VG_1", ("VI_1",), notifications=group)} if group is not None else {}
        config = Config(GlobalDefs(**defs), vrrp_instances=instances, vrrp_sync_groups=groups)
        self.notifier.configure(config, self.lab.loop.now())

    def happens(self, *events: str, kind: str = "INSTANCE", name: str = "VI_1", priority: int = 150) -> None:
        for event in events:
            happening = Happening(kind, name, event, priority, "because", "BACKUP", "2026-01-01T00:00:00+00:00")
            self.notifier.happened(happening, self.lab.loop.now())

    def calls(self) -> list[str]:
        self.lab.loop.until(lambda: self.notifier.idle, "every program to end")
        return lines(self.calls_file)

    def fifo_lines(self, path: Path) -> str:
        reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        try:
            return os.read(reader, 65536).decode()
        finally:
            os.close(reader)

    def close(self) -> None:
        self.notifier.close_fifos(self.lab.loop.now())
        self.lab.loop.until(lambda: self.notifier.read_out, "readers to end")
        self.lab.close()


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


# ---- services and servers


WEB = VirtualServer("web", "192.0.2.10", 80, protocol="TCP", real_servers=(RealServer("192.0.2.21", 8080),))
SERVER = "web 192.0.2.21:8080"


class PoolStory(Story):
    """One service; its programs write down how they were called."""

    def serve(self, service: VirtualServer = WEB, **defs: t.Any) -> None:
        config = Config(
            GlobalDefs(**defs),
            virtual_server_groups={"pages": VirtualServerGroup("pages", (GroupEntry(fwmark=9),))},
            virtual_servers={service.name: service},
        )
        self.notifier.configure(config, self.lab.loop.now())

    def with_programs(self, **options: t.Any) -> VirtualServer:
        own = {key: self.program(key) for key in ("notify_up", "notify_down")}
        servers = tuple(dataclasses.replace(server, **own) for server in WEB.real_servers)
        quorum = {key: self.program(key) for key in ("quorum_up", "quorum_down")}
        return dataclasses.replace(WEB, real_servers=servers, **quorum, **options)

    def server(self, *events: str) -> None:
        self.happens(*events, kind="RS", name=SERVER, priority=1)

    def service(self, *events: str) -> None:
        self.happens(*events, kind="VS", name="web", priority=1)


@pytest.fixture
def pools(folder: Path) -> t.Iterator[PoolStory]:
    made = PoolStory(folder)
    yield made
    made.close()


def test_servers_and_services_have_their_programs_without_further_arguments(pools: PoolStory) -> None:
    pools.serve(pools.with_programs())
    pools.service("UP", "DOWN")
    pools.server("DOWN", "UP")
    calls = pools.calls()
    assert [call for call in calls if "quorum" in call] == ["quorum_up ", "quorum_down "]
    assert [call for call in calls if "notify" in call] == ["notify_down ", "notify_up "]


def test_a_state_that_a_new_worker_finds_again_is_no_news(pools: PoolStory) -> None:
    pools.serve(pools.with_programs())
    pools.service("UP", "UP", "DOWN", "DOWN", "UP")
    assert pools.calls() == ["quorum_up ", "quorum_down ", "quorum_up "]


@pytest.mark.parametrize(
    ("service", "vs", "rs"),
    [
        (WEB, "[192.0.2.10]:tcp:80", "[192.0.2.21]:tcp:8080"),
        (
            dataclasses.replace(
                WEB, address="2001:db8::10", protocol="UDP", real_servers=(RealServer("2001:db8::21", 8080),)
            ),
            "[2001:db8::10]:udp:80",
            "[2001:db8::21]:udp:8080",
        ),
        (dataclasses.replace(WEB, address=None, port=None, protocol=None, fwmark=5), "FWM 5", "[192.0.2.21]:none:8080"),
        (
            dataclasses.replace(WEB, address=None, port=None, virtual_server_group="pages"),
            "[pages]:0",
            "[192.0.2.21]:tcp:8080",
        ),
    ],
    ids=["address", "IPv6", "mark", "group"],
)
def test_the_lines_are_those_of_keepalived(pools: PoolStory, service: VirtualServer, vs: str, rs: str) -> None:
    """As keepalived 2.2.7 wrote them in the kernel tests' guest."""
    path = pools.folder / "fifo"
    pools.serve(service, lvs_notify_fifo=str(path))
    server = f"web {endpoint_text(service.real_servers[0].address, 8080)}"
    pools.service("UP")
    pools.happens("DOWN", kind="RS", name=server)
    pools.service("DOWN")
    assert pools.fifo_lines(path) == f"VS {vs} UP\nRS {rs} {vs} DOWN\nVS {vs} DOWN\n"


def test_each_fifo_gets_its_part(pools: PoolStory) -> None:
    paths = {key: pools.folder / key for key in ("notify_fifo", "vrrp_notify_fifo", "lvs_notify_fifo")}
    pools.serve(**{key: str(path) for key, path in paths.items()})
    pools.happens("MASTER")
    pools.service("UP")
    instance, service = 'INSTANCE "VI_1" MASTER 150\n', "VS [192.0.2.10]:tcp:80 UP\n"
    assert pools.fifo_lines(paths["notify_fifo"]) == instance + service
    assert pools.fifo_lines(paths["vrrp_notify_fifo"]) == instance
    assert pools.fifo_lines(paths["lvs_notify_fifo"]) == service


def test_with_omega_the_end_runs_the_down_programs_and_writes_no_line(pools: PoolStory) -> None:
    """The worker says STOP of services with omega alone."""
    path = pools.folder / "fifo"
    pools.serve(pools.with_programs(omega=True, smtp_alert=True), lvs_notify_fifo=str(path))
    pools.service("UP")
    pools.service("STOP")
    pools.server("STOP")
    assert sorted(pools.calls()) == ["notify_down ", "quorum_down ", "quorum_up "]
    assert pools.fifo_lines(path) == "VS [192.0.2.10]:tcp:80 UP\n"
    assert [one.event for one in pools.mailed] == ["UP"]


def test_mails_of_services_are_asked_for_and_of_servers_not_refused(pools: PoolStory) -> None:
    pools.serve()
    pools.service("UP", "DOWN")
    pools.server("DOWN")
    assert [(one.kind, one.event) for one in pools.mailed] == [("RS", "DOWN")]
    assert pools.called == [("[192.0.2.21]:tcp:8080", "[192.0.2.10]:tcp:80")]
    pools.serve(smtp_alert_checker=False)
    pools.server("UP")
    assert len(pools.mailed) == 1
    pools.serve(dataclasses.replace(WEB, smtp_alert=True), smtp_alert_checker=False)
    pools.service("UP")
    assert pools.called[-1] == ("[192.0.2.10]:tcp:80",)


def test_a_service_that_left_has_its_last_word_and_begins_anew_when_it_comes_back(pools: PoolStory) -> None:
    service = pools.with_programs(omega=True)
    pools.serve(service)
    pools.service("UP")
    pools.serve(dataclasses.replace(WEB, name="other"))
    pools.service("STOP")
    pools.serve(service)
    pools.service("UP")
    assert pools.calls() == ["quorum_up ", "quorum_down ", "quorum_up "]


def test_bfd_sessions_are_nobody_s_to_tell(pools: PoolStory) -> None:
    path = pools.folder / "fifo"
    pools.serve(notify_fifo=str(path))
    pools.happens("DOWN", kind="BFD", name="gw")
    pools.service("UP")
    assert pools.fifo_lines(path) == "VS [192.0.2.10]:tcp:80 UP\n"

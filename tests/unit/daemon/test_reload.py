# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The transaction of a reload, on a clock that the test moves; tests/unit/daemon/test_supervisor.py has it whole."""

from __future__ import annotations

import typing as t

from mainstay.daemon.journal import Journal
from mainstay.daemon.reload import PATIENCE, Reloader
from mainstay.daemon.status import ConfigState
from mainstay.model.check_config import HttpsCheck, Tls
from mainstay.model.config import Config, GlobalDefs
from mainstay.model.lvs_config import RealServer, VirtualServer

from ..scripted_poller import ScriptedPoller

SECOND = 1_000_000_000


class Story:
    """A host whose worker confirms when the test says so, and a file that takes 8 s to read."""

    def __init__(self) -> None:
        self.poller = ScriptedPoller()
        self.late: t.List[str] = []
        self.answers: t.List[t.Mapping[str, object]] = []
        self.files = 0
        self.services: t.Dict[str, VirtualServer] = {}
        self.problem: t.Optional[str] = None
        self.silent = False
        state = ConfigState("mainstay.json", Config())
        self.reloader = Reloader(self.poller, Journal(lambda _text: True), state, self._read, self)

    def _read(self) -> Config:
        self.files += 1
        self.poller.clock += 8 * SECOND
        return Config(global_defs=GlobalDefs(router_id=f"lb{self.files}"), virtual_servers=self.services)

    def reload_begins(self, now: int) -> None:
        pass

    def run_configuration(self, _config: Config) -> None:
        self.late = ["health worker"]

    def unconfirmed(self) -> t.List[str]:
        return self.late

    def ask_data_plane(self, taken: t.Callable[[t.Optional[str]], None]) -> None:
        if not self.silent:
            taken(self.problem)

    def reload_ends(self, result: t.Mapping[str, t.Any]) -> None:
        pass

    def asked(self) -> Story:
        self.reloader.request(self.answers.append, self.poller.clock)
        return self

    def confirmed(self) -> None:
        self.late = []
        self.reloader.worker_confirmed()


CHANGED = ["global_defs: changed router_id"]


def test_the_workers_have_their_time_however_long_reading_took() -> None:
    story = Story().asked()

    story.poller.run_for(PATIENCE - 1)
    assert story.answers == []
    story.confirmed()

    assert story.answers == [{"ok": True, "changed": CHANGED}]
    story.poller.run_for(PATIENCE)
    assert len(story.answers) == 1


def test_who_has_not_confirmed_then_is_named() -> None:
    story = Story().asked()

    story.poller.run_for(PATIENCE)

    assert story.answers == [{"ok": True, "changed": CHANGED, "unconfirmed": ["health worker"]}]


def test_who_asks_meanwhile_shares_the_next_one() -> None:
    story = Story().asked().asked().asked()
    assert story.files == 1

    story.confirmed()
    assert (len(story.answers), story.files) == (1, 2)
    story.confirmed()

    assert (len(story.answers), story.files) == (3, 2)
    assert story.poller.pending == []


ABSENT = "data_plane ipvs: this kernel has no ip_vs; nftables serves on until then"


def test_the_answer_warns_of_a_data_plane_that_is_not_there_and_the_next_one_does_not_repeat_it() -> None:
    story = Story()
    story.problem = ABSENT
    story.asked().confirmed()
    story.problem = None
    story.asked().confirmed()
    assert story.answers == [{"ok": True, "changed": CHANGED, "warnings": [ABSENT]}, {"ok": True, "changed": CHANGED}]


def test_who_does_not_say_how_the_data_plane_is_holds_nobody_up() -> None:
    story = Story()
    story.silent = True
    story.asked().confirmed()
    assert story.answers == []
    story.poller.run_for(PATIENCE)
    assert story.answers == [{"ok": True, "changed": CHANGED}]


def test_the_answer_warns_of_files_that_no_check_can_use() -> None:
    story = Story()
    check = HttpsCheck(tls=Tls(verify="full", ca_file="/nowhere/ca.pem"))
    pool = (RealServer(address="192.0.2.21", port=443, checks=(check,)),)
    web = VirtualServer(name="web", address="192.0.2.10", port=443, protocol="TCP", real_servers=pool)
    story.services = {"web": web}
    story.asked().confirmed()
    (answer,) = story.answers
    assert answer["ok"] is True
    assert "ca_file /nowhere/ca.pem: No such file or directory" in str(answer["warnings"])

# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people may ask and change over the control socket, with a worker that the test plays."""

from __future__ import annotations

import os
import types
import typing as t
from pathlib import Path

import pytest

from mainstay.daemon.journal import Journal
from mainstay.daemon.operations import PATIENCE, Operations, fingerprints
from mainstay.model.config import Config
from mainstay.model.dump import config_document
from mainstay.model.load import load_config
from mainstay.net.local_sockets import Peer

from ..scripted_poller import ScriptedPoller
from .daemon_process import INSTANCE

ROOT, SELF, MEMBER = Peer(7, 0, 0), Peer(8, os.geteuid(), 0), Peer(9, 4711, 4711)
SECRET, KEY = "hush-123", "0123456789abcdef0123456789abcdef"
VERSION_2 = {"version": 2, "authentication": {"auth_type": "PASS", "auth_pass": SECRET}}
CONFIG = load_config(
    {
        "vrrp_instances": {
            "VI_1": INSTANCE,
            "VI_2": {**INSTANCE, "virtual_router_id": 52, "virtual_ipaddress": ["192.0.2.11/24"], **VERSION_2},
            "VI_3": {
                **INSTANCE,
                "virtual_router_id": 53,
                "virtual_ipaddress": ["192.0.2.12/24"],
                "auth_hmac": {"keys": [{"id": 1, "key": KEY}], "active_key": 1},
            },
        },
        "vrrp_sync_groups": {"pair": {"group": ["VI_2", "VI_3"]}},
    }
)


class PlayedWorker:
    """The link to a vrrp worker that answers when the test says so."""

    def __init__(self) -> None:
        self.told: t.List[t.List[str]] = []
        self.taken: t.Callable[[t.Any], None] = lambda _answer: None
        self.cancelled = False

    def tell(self, verb: str, arguments: t.Dict[str, t.Any]) -> None:
        assert verb == "demoted"
        self.told.append(arguments["instances"])

    def ask(self, verb: str, arguments: t.Dict[str, t.Any], taken: t.Callable[[t.Any], None]) -> t.Callable[[], None]:
        assert (verb, arguments) == ("explain", {"instance": "VI_1"})
        self.taken = taken
        return self._cancel

    def _cancel(self) -> None:
        self.cancelled = True


class PlayedHealthWorker:
    """The link to a health worker that only listens."""

    pid = as_of = None
    section: t.Mapping[str, t.Any] = {}
    role = types.SimpleNamespace(punctual=False)

    def __init__(self) -> None:
        self.told: t.List[t.List[t.Dict[str, t.Any]]] = []

    def tell(self, verb: str, arguments: t.Dict[str, t.Any]) -> None:
        assert verb == "overrides"
        self.told.append(arguments["servers"])

    def alive(self, _now: int) -> bool:
        return False


class Story:
    """The operations of one daemon."""

    def __init__(self, folder: Path, config: Config = CONFIG) -> None:
        self.poller = ScriptedPoller()
        self.worker = PlayedWorker()
        self.health = PlayedHealthWorker()
        self.log: t.List[str] = []
        self.config = config
        self.operations = Operations(
            self.poller,
            Journal(lambda text: bool(self.log.append(text)) or True),
            str(folder),
            t.cast(t.Any, self.worker),
            t.cast(t.Any, self.health),
            lambda: self.config,
        )
        self.answers: t.List[t.Any] = []

    def asks(self, verb: str, peer: Peer = ROOT, **arguments: t.Any) -> t.Any:
        self.operations.verbs[verb]({**arguments, "verb": verb}, peer, self.answers.append)
        return self.answers[-1] if self.answers else None

    def events(self) -> t.List[t.Tuple[str, str, str]]:
        told = self.asks("events")["events"]
        return [(one["event"], one["name"], one.get("by", "")) for one in told]


@pytest.fixture
def story(tmp_path: Path) -> Story:
    return Story(tmp_path)


def test_a_rehearsal_of_a_demotion_changes_nothing_and_refuses_the_same(story: Story) -> None:
    wanted = story.asks("demote", names=["VI_2"], dry_run=True)
    assert [(one["kind"], one["name"]) for one in wanted["orders"]] == [("GROUP", "pair")]
    assert "Did you mean VI_" in story.asks("demote", names=["VI_l"], dry_run=True)["error"]
    assert "is not demoted" in story.asks("restore", names=["VI_1"], dry_run=True)["error"]
    assert story.worker.told == [] and story.events() == []

    story.asks("demote", names=["VI_1"])
    assert [one["name"] for one in story.asks("restore", all=True, dry_run=True)["orders"]] == ["VI_1"]
    assert story.worker.told == [["VI_1"]]


def test_demote_tells_the_worker_the_journal_and_whoever_asks(story: Story) -> None:
    answer = story.asks("demote", names=["VI_1"], reason="new kernel")

    assert answer["ok"] is True and answer["demoted"] == ["VI_1"] and answer["problem"] is None
    assert story.worker.told == [["VI_1"]]
    assert story.events() == [("DEMOTE", "VI_1", "uid 0")]
    (order,) = story.operations.status()["demotions"]["orders"]  # type: ignore[index]
    assert (order["name"], order["by"], order["reason"]) == ("VI_1", "uid 0", "new kernel")
    assert "vrrp_instance VI_1: DEMOTE by uid 0: new kernel" in story.log[-1]

    assert story.asks("restore", all=True)["demoted"] == []
    assert story.worker.told[-1] == []
    assert story.events()[-1] == ("RESTORE", "VI_1", "uid 0")


@pytest.mark.parametrize("verb", ["demote", "restore"])
def test_only_root_and_the_daemon_s_own_user_change_anything(story: Story, verb: str) -> None:
    answer = story.asks(verb, MEMBER, all=True)

    assert answer == {"ok": False, "error": "uid 4711 may look but not change anything; become root"}
    assert (story.worker.told, story.events()) == ([], [])
    assert story.asks(verb, SELF, all=True)["ok"] is True


@pytest.mark.parametrize(
    ("verb", "request_", "refused"),
    [
        ("demote", {}, "name instances or groups, or ask for all of them"),
        ("demote", {"names": ["VI_1"], "all": True}, "one of both"),
        ("demote", {"names": "VI_1"}, "names must be a list"),
        ("demote", {"names": [1]}, "names must be a list"),
        ("demote", {"names": ["VI_9"]}, "there is no vrrp_instance or vrrp_sync_group VI_9. Did you mean VI_"),
        ("demote", {"all": True, "reason": "\x1b[2J"}, "reason must be text"),
        ("demote", {"all": True, "reason": "x" * 201}, "at most 200"),
        ("restore", {"names": ["VI_1"]}, "VI_1 is not demoted"),
        ("events", {"count": 0}, "count must be a whole number from 1 to 1000"),
        ("events", {"count": True}, "count must be"),
        ("events", {"name": 1}, "the request needs name"),
        ("explain", {}, "the request needs instance"),
        ("explain", {"instance": "VI_11"}, "Did you mean VI_1?"),
        ("explain", {"instance": "pair"}, "pair is a vrrp_sync_group; explain one of its members: VI_2, VI_3"),
        ("running", {}, "the request needs salt"),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_sentence(
    story: Story, verb: str, request_: t.Dict[str, t.Any], refused: str
) -> None:
    answer = story.asks(verb, **request_)

    assert answer["ok"] is False and refused in answer["error"], answer
    assert story.worker.told == []


def test_an_explanation_tells_who_demoted_it(story: Story) -> None:
    story.asks("demote", names=["VI_1"], reason="new kernel")
    story.asks("explain", MEMBER, instance="VI_1")
    story.worker.taken({"ok": True, "state": "BACKUP"})

    answer = story.answers[-1]
    assert (answer["state"], answer["demotion"]["reason"]) == ("BACKUP", "new kernel")
    assert story.poller.pending == []


def test_a_worker_that_hangs_or_dies_keeps_nobody_waiting(story: Story) -> None:
    story.asks("explain", instance="VI_1")
    assert story.answers == []
    story.poller.run_for(PATIENCE)
    assert story.answers[0]["error"] == "the vrrp worker does not answer; see 'mainstay status'"
    assert story.worker.cancelled

    story.asks("explain", instance="VI_1")
    story.worker.taken(None)
    assert len(story.answers) == 2 and story.answers[1]["ok"] is False
    story.poller.run_for(2 * PATIENCE)
    assert len(story.answers) == 2


def test_demotions_outlive_the_daemon_and_come_before_its_configuration(story: Story, tmp_path: Path) -> None:
    story.asks("demote", names=["pair"])

    later = Story(tmp_path)
    later.operations.before_configuration(later.config)
    assert later.worker.told == [["VI_2", "VI_3"]]


def test_a_reload_that_takes_a_member_out_of_a_demoted_group_lets_it_go_last(story: Story) -> None:
    """Not promoted on the way, although the new configuration does not name it."""
    story.asks("demote", all=True)
    smaller = load_config({"vrrp_instances": {"VI_1": INSTANCE}})

    story.operations.before_configuration(smaller)
    assert story.worker.told[-1] == ["VI_1", "VI_2", "VI_3"]
    story.operations.after_configuration(smaller)
    assert story.worker.told[-1] == ["VI_1"]


def test_reloads_are_events(story: Story) -> None:
    story.operations.reloaded({"ok": True, "changed": [f"vrrp_instance VI_{n}: added" for n in range(7)]})
    story.operations.reloaded({"ok": False, "problems": [{"path": "vrrp_instances.x", "message": "is bad"}]})

    events = story.asks("events")["events"]
    assert [one["event"] for one in events] == ["RELOAD", "RELOAD_REFUSED"]
    assert events[0]["reason"].endswith("VI_4: added and 2 more")
    assert events[1]["reason"] == "vrrp_instances.x: is bad"


@pytest.mark.parametrize("peer", [ROOT, MEMBER])
def test_what_runs_is_told_without_secrets(story: Story, peer: Peer) -> None:
    answer = story.asks("running", peer, salt="s")

    shown = str(answer)
    assert SECRET not in shown and KEY not in shown and KEY.encode().hex() not in shown
    assert answer["document"]["vrrp_instances"]["VI_1"]["virtual_router_id"] == 51
    assert answer["document"]["vrrp_instances"]["VI_2"]["authentication"]["auth_type"] == "PASS"


def test_digests_of_secrets_are_for_root_and_hang_on_the_salt(story: Story) -> None:
    assert story.asks("running", MEMBER, salt="s")["fingerprints"] is None
    told = story.asks("running", ROOT, salt="s")["fingerprints"]

    assert set(told) == {
        "vrrp_instances.VI_2.authentication.auth_pass",
        "vrrp_instances.VI_3.auth_hmac.keys.0.key",
    }
    assert told == fingerprints(config_document(CONFIG), b"s") != fingerprints(config_document(CONFIG), b"t")

# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people order about real servers over the control socket, with a health worker that the test plays."""

from __future__ import annotations

import dataclasses
import typing as t
from pathlib import Path

import pytest

from mainstay.model.config import Config
from mainstay.model.lvs_config import RealServer, VirtualServer
from mainstay.model.vrrp_config import VrrpInstance

from .test_operations import MEMBER, ROOT, Story

A, B = "192.0.2.21:80", "192.0.2.22:80"


def service(name: str, *addresses: str) -> VirtualServer:
    servers = tuple(RealServer(address) for address in addresses)
    return VirtualServer(name, "192.0.2.10", 80, protocol="TCP", real_servers=servers)


def config(*services: VirtualServer, **defs: t.Any) -> Config:
    plain = Config(virtual_servers={one.name: one for one in services})
    return dataclasses.replace(plain, global_defs=dataclasses.replace(plain.global_defs, **defs))


CONFIG = config(service("web", "192.0.2.21", "192.0.2.22"), service("mail", "192.0.2.21"))


@pytest.fixture
def story(tmp_path: Path) -> Story:
    return begun(tmp_path)


def begun(folder: Path, running: Config = CONFIG) -> Story:
    made = Story(folder, running)
    made.operations.before_configuration(running)
    made.operations.after_configuration(running)
    return made


def told(story: Story) -> t.List[t.Tuple[str, str, str, t.Optional[int]]]:
    """What the health worker was told last."""
    return [(one["service"], one["server"], one["action"], one["weight"]) for one in story.health.told[-1]]


@pytest.mark.parametrize("action", ["drain", "maintenance", "force"])
def test_an_order_reaches_the_worker_the_journal_the_status_and_whoever_asks(story: Story, action: str) -> None:
    answer = story.asks(action, service="web", server="192.0.2.21", reason="disk")

    assert answer["ok"] and answer["orders"][0]["server"] == A and answer["notes"] == []
    assert told(story) == [("web", A, action, None)]
    assert story.events()[-1] == (action.upper(), f"web {A}", "uid 0")
    assert f"real_server {A} of virtual_server web: {action.upper()} by uid 0: disk" in story.log[-1]
    shown = story.operations.status()["overrides"]["orders"]  # type: ignore[index]
    assert [(one["server"], one["reason"], one["known"]) for one in shown] == [(A, "disk", True)]


def test_a_weight_is_ordered_and_ended(story: Story) -> None:
    story.asks("weight", service="web", server=A, weight=7)
    assert told(story) == [("web", A, "weight", 7)]

    answer = story.asks("restore", names=["web", A])

    assert answer["ok"] and [one["action"] for one in answer["orders"]] == ["weight"]
    assert told(story) == [] and story.events()[-1] == ("RESTORE", f"web {A}", "uid 0")


@pytest.mark.parametrize("weight", [-1, 65536, "7", 1.5, True, None])
def test_a_weight_that_is_none_is_refused(story: Story, weight: object) -> None:
    answer = story.asks("weight", service="web", server=A, weight=weight)
    assert not answer["ok"] and "must be a whole number from 0 to 65535" in answer["error"]
    assert told(story) == []


@pytest.mark.parametrize("verb", ["drain", "maintenance", "force", "weight"])
def test_only_root_and_the_daemon_s_own_user_order_anything(story: Story, verb: str) -> None:
    answer = story.asks(verb, MEMBER, service="web", server=A, weight=1)
    assert answer == {"ok": False, "error": "uid 4711 may look but not change anything; become root"}
    story.asks("drain", ROOT, service="web", server=A)
    assert not story.asks("restore", MEMBER, names=["web"])["ok"] and len(told(story)) == 1


def test_restore_takes_a_service_one_of_its_servers_or_all_of_them(story: Story) -> None:
    def give() -> None:
        for name, server in (("web", A), ("web", B), ("mail", A)):
            assert story.asks("drain", service=name, server=server)["ok"]

    give()
    story.asks("restore", names=["web"])
    assert [one[:2] for one in told(story)] == [("mail", A)]
    give()
    story.asks("restore", names=["web", B])
    assert {one[:2] for one in told(story)} == {("web", A), ("mail", A)}
    assert story.asks("restore", all=True)["orders"] == [], "that is about demotions"
    story.asks("restore", all=True, of="servers")
    assert told(story) == []


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        (["web"], "nothing is ordered about servers of virtual_server web"),
        (["web", A], f"nothing is ordered about {A} of virtual_server web"),
        (["web", "192.0.2.29:80"], "virtual_server web has no real_server 192.0.2.29:80. Did you mean 192.0.2.22:80?"),
        (["wbe"], "there is no vrrp_instance, vrrp_sync_group or virtual_server wbe. Did you mean web?"),
    ],
)
def test_nothing_to_restore_is_a_sentence(story: Story, names: t.List[str], sentence: str) -> None:
    assert story.asks("restore", names=names) == {"ok": False, "error": sentence}


def test_a_name_that_means_both_kinds_has_to_be_said_apart(tmp_path: Path) -> None:
    both = dataclasses.replace(CONFIG, vrrp_instances={"web": VrrpInstance("web", "eth0", 51)})
    story = begun(tmp_path, both)
    story.asks("drain", service="web", server=A)
    story.asks("demote", names=["web"])

    assert "add --of servers or --of instances" in story.asks("restore", names=["web"])["error"]
    assert [one["action"] for one in story.asks("restore", names=["web", A])["orders"]] == ["drain"]
    assert [one["kind"] for one in story.asks("restore", names=["web"], of="instances")["orders"]] == ["INSTANCE"]
    assert "of must be instances or servers" in story.asks("restore", names=["web"], of="all")["error"]


def test_orders_outlive_the_daemon_and_come_before_its_configuration(story: Story, tmp_path: Path) -> None:
    story.asks("drain", service="web", server=A)
    later = Story(tmp_path, CONFIG)
    later.operations.before_configuration(CONFIG)
    assert told(later) == [("web", A, "drain", None)]


def test_an_order_about_a_server_that_left_is_kept_and_told(story: Story) -> None:
    story.asks("drain", service="mail", server=A)
    smaller = config(service("web", "192.0.2.21"))
    story.operations.before_configuration(smaller)
    story.config = smaller
    story.operations.after_configuration(smaller)

    assert told(story) == [("mail", A, "drain", None)], "it counts when the server comes back"
    shown = story.operations.status()["overrides"]["orders"]  # type: ignore[index]
    assert [one["known"] for one in shown] == [False]
    assert "the configuration has no such server; 'mainstay restore mail 192.0.2.21:80' ends it" in story.log[-1]
    assert story.asks("restore", names=["mail", A])["ok"], "by the name that it had"


def test_a_worker_is_told_again_only_when_something_changed(story: Story) -> None:
    story.asks("drain", service="web", server=A)
    times = len(story.health.told)
    story.operations.before_configuration(CONFIG)
    story.operations.after_configuration(CONFIG)
    assert len(story.health.told) == times


# ---- the maintenance_directory


class Held:
    """A daemon with a maintenance_directory."""

    def __init__(self, tmp_path: Path) -> None:
        self.folder = tmp_path / "held"
        self.folder.mkdir(mode=0o755)
        self.config = config(*CONFIG.virtual_servers.values(), maintenance_directory=str(self.folder))
        self.state = tmp_path

    def begin(self) -> Story:
        return begun(self.state, self.config)


@pytest.fixture
def held(tmp_path: Path) -> Held:
    return Held(tmp_path)


def test_a_file_holds_servers_in_maintenance_beside_what_is_ordered(held: Held) -> None:
    (held.folder / "192.0.2.21").touch()
    story = held.begin()
    assert told(story) == [("web", A, "maintenance", None), ("mail", A, "maintenance", None)]
    assert story.health.told[-1][0]["by"].startswith(f"file {held.folder}/192.0.2.21 (uid ")
    assert {one[0] for one in story.events()} == {"MAINTENANCE"}

    answer = story.asks("force", service="web", server=A)

    assert told(story)[0] == ("web", A, "maintenance", None), "the file is stronger for as long as it is there"
    assert "holds it in maintenance for as long as it is there" in answer["notes"][0]
    error = story.asks("restore", names=["mail"])["error"]
    assert f"{held.folder}/192.0.2.21 (uid " in error and error.endswith(f"holds {A} in maintenance: remove that")
    story.operations.stop()


def test_without_the_directory_in_the_configuration_its_files_count_no_more(held: Held) -> None:
    (held.folder / "mail").touch()
    story = held.begin()
    assert told(story) == [("mail", A, "maintenance", None)]
    story.operations.before_configuration(CONFIG)
    story.config = CONFIG
    story.operations.after_configuration(CONFIG)
    assert told(story) == [] and story.events()[-1][:2] == ("RESTORE", f"mail {A}")


# ---- whom names mean, and what an order would do


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ({"service": "web", "servers": ["192.0.2.22"]}, [("web", B)]),
        ({"service": "web", "servers": []}, [("web", A), ("web", B)]),
        ({"servers": ["192.0.2.21"]}, [("web", A), ("mail", A)]),
        ({"servers": [A, B]}, [("web", A), ("mail", A), ("web", B)]),
        ({"servers": []}, [("web", A), ("web", B), ("mail", A)]),
    ],
)
def test_whoever_names_servers_is_told_whom_that_means(
    story: Story, asked: t.Dict[str, t.Any], meant: t.List[t.Tuple[str, str]]
) -> None:
    answer = story.asks("servers", peer=MEMBER, **asked)
    assert [(one["service"], one["server"]) for one in answer["meant"]] == meant
    assert all(one["known"] for one in answer["meant"])


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"service": "wbe", "servers": [A]}, "there is no virtual_server wbe. Did you mean web?"),
        ({"service": "web", "servers": ["192.0.2.23:80"]}, "has no real_server 192.0.2.23:80. Did you mean"),
        ({"servers": ["192.0.2.21:81"]}, "no virtual_server has a real_server 192.0.2.21:81. Did you mean"),
        ({"servers": "192.0.2.21"}, "servers must be a list of texts"),
        ({"servers": [""]}, "servers must be a list of texts"),
    ],
)
def test_a_name_that_means_nobody_is_told_with_a_near_one(
    story: Story, asked: t.Dict[str, t.Any], sentence: str
) -> None:
    answer = story.asks("servers", **asked)
    assert not answer["ok"] and sentence in answer["error"]


def test_a_server_that_left_with_its_order_is_still_found_and_said_to_be_gone(story: Story) -> None:
    story.asks("drain", service="mail", server=A)
    story.config = config(service("web", "192.0.2.21", "192.0.2.22"))
    for asked in ({"service": "mail", "servers": [A]}, {"servers": [A]}):
        gone = [one for one in story.asks("servers", **asked)["meant"] if not one["known"]]
        assert [(one["service"], one["server"]) for one in gone] == [("mail", A)]


def test_a_rehearsal_answers_as_ever_and_orders_nothing(story: Story) -> None:
    story.asks("drain", service="web", server=B)
    before = (story.events(), list(story.health.told))
    wanted = story.asks("weight", service="web", server=A, weight=3, dry_run=True)
    ended = story.asks("restore", names=["web"], dry_run=True)
    assert [(one["server"], one["weight"]) for one in wanted["orders"]] == [(A, 3)]
    assert [(one["server"], one["action"]) for one in ended["orders"]] == [(B, "drain")]
    assert wanted["dry_run"] and ended["dry_run"]
    assert (story.events(), story.health.told) == before
    assert len(story.operations.status()["overrides"]["orders"]) == 1  # type: ignore[index]


@pytest.mark.parametrize(
    ("verb", "asked", "sentence"),
    [
        ("drain", {"server": "192.0.2.23"}, "has no real_server"),
        ("weight", {"server": A, "weight": -1}, "weight = -1: must be"),
        ("restore", {"names": ["web", A]}, "nothing is ordered about"),
        ("drain", {"server": A, "dry_run": "yes"}, "dry_run must be true or false"),
    ],
)
def test_a_rehearsal_refuses_what_the_order_itself_would_be_refused_for(
    story: Story, verb: str, asked: t.Dict[str, t.Any], sentence: str
) -> None:
    answer = story.asks(verb, **{"service": "web", "dry_run": True, **asked})
    assert not answer["ok"] and sentence in answer["error"]
    assert "may look" in story.asks(verb, peer=MEMBER, **{"service": "web", "dry_run": True, **asked})["error"]

# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an operator took out of the election: whom it means, and that it is not forgotten."""

from __future__ import annotations

import errno
import json
import os
import stat
import typing as t
from pathlib import Path

import pytest

from mainstay.daemon.demotions import Demotions, NotPossible
from mainstay.daemon.journal import Journal
from mainstay.model.config import Config, VrrpInstance
from mainstay.model.vrrp_config import VrrpSyncGroup


def config(*names: str, **groups: t.Tuple[str, ...]) -> Config:
    return Config(
        vrrp_instances={name: VrrpInstance(name, "eth0", 50 + number) for number, name in enumerate(names)},
        vrrp_sync_groups={name: VrrpSyncGroup(name, members) for name, members in groups.items()},
    )


PLAIN = config("VI_1", "VI_2", "VI_3", web=("VI_2", "VI_3"))


class Story:
    """The file in a folder, and the daemon's log."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "demoted.json"
        self.log: t.List[str] = []
        self.demotions = self.again()

    def again(self) -> Demotions:
        """The daemon, or the machine, starts anew."""
        self.demotions = Demotions(str(self.folder), Journal(lambda text: bool(self.log.append(text)) or True))
        return self.demotions

    def demoted(self, running: Config = PLAIN) -> t.List[str]:
        return sorted(self.demotions.instances(running))


@pytest.fixture
def story(tmp_path: Path) -> Story:
    return Story(tmp_path)


def test_an_instance_is_demoted_over_a_restart_until_it_is_restored(story: Story) -> None:
    story.demotions.demote(["VI_1"], "uid 0", "new kernel", PLAIN)
    assert stat.S_IMODE(story.file.stat().st_mode) == 0o600

    story.again()
    assert story.demoted() == ["VI_1"]
    order = story.demotions.order_about("VI_1", PLAIN)
    assert order is not None and (order.by, order.reason, order.kind) == ("uid 0", "new kernel", "INSTANCE")

    (ended,) = story.demotions.restore(["VI_1"], PLAIN)
    assert ended == order
    assert story.again().instances(PLAIN) == frozenset()
    assert [path.name for path in story.folder.iterdir()] == ["demoted.json"], "nothing half written is left"


def test_members_of_a_group_go_together_and_come_back_together(story: Story) -> None:
    (order,) = story.demotions.demote(["VI_2"], "uid 0", "", PLAIN)
    assert (order.kind, order.name, story.demoted()) == ("GROUP", "web", ["VI_2", "VI_3"])

    story.demotions.restore(["VI_3"], PLAIN)
    assert story.demoted() == []


def test_everything_means_also_what_a_reload_brings(story: Story) -> None:
    story.demotions.demote([], "uid 0", "maintenance", PLAIN)

    assert story.demoted(config("VI_1", "new")) == ["VI_1", "new"]
    with pytest.raises(NotPossible, match="'mainstay restore --all' puts them all back"):
        story.demotions.restore(["VI_1"], PLAIN)
    story.demotions.restore([], PLAIN)
    assert story.demoted() == []


@pytest.mark.parametrize(
    ("running", "demoted"),
    [
        (config("VI_1", "VI_2", "VI_3"), ["VI_2", "VI_3"]),
        (config("VI_1", "VI_2", "VI_3", web=("VI_1", "VI_2")), ["VI_1", "VI_2", "VI_3"]),
        (config("VI_1", "VI_2", "VI_3", other=("VI_1", "VI_2")), ["VI_1", "VI_2", "VI_3"]),
    ],
    ids=["dissolved", "other members", "another group"],
)
def test_a_reload_of_groups_promotes_nobody_by_accident(story: Story, running: Config, demoted: t.List[str]) -> None:
    story.demotions.demote(["web"], "uid 0", "", PLAIN)

    assert story.demoted(running) == demoted


def test_the_last_reason_counts(story: Story) -> None:
    story.demotions.demote(["VI_1"], "uid 0", "kernel", PLAIN)
    story.demotions.demote(["VI_1"], "uid 1000", "disk", PLAIN)

    (order,) = story.demotions.orders
    assert (order.by, order.reason) == ("uid 1000", "disk")


def test_a_wrong_name_changes_nothing_and_is_answered_with_the_right_one(story: Story) -> None:
    with pytest.raises(NotPossible, match=r"no vrrp_instance or vrrp_sync_group vi_1\. Did you mean VI_1\?"):
        story.demotions.demote(["VI_2", "vi_1"], "uid 0", "", PLAIN)
    with pytest.raises(NotPossible, match="VI_1 is not demoted"):
        story.demotions.restore(["VI_1"], PLAIN)
    assert story.demoted() == [] and not story.file.exists()


def test_what_is_not_configured_any_more_can_be_restored(story: Story) -> None:
    story.demotions.demote(["VI_1"], "uid 0", "", PLAIN)
    story.demotions.restore(["VI_1"], config("other"))
    assert story.demotions.orders == ()


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"demoted": 1}', '{"demoted": [{"kind": "INSTANCE"}]}', '{"demoted": ["VI_1"]}', "\udcff",
     '{"demoted": [{"kind": "X", "name": "a", "by": "b", "at": "c", "reason": "", "instances": []}]}'],
)  # fmt: skip
@pytest.mark.fault("F24")
def test_a_damaged_file_is_an_alarm_and_nothing_else(story: Story, text: str) -> None:
    """F24."""
    story.file.write_text(text, errors="surrogateescape")

    story.again()

    assert story.demoted() == []
    problem = str(story.demotions.status()["problem"])
    assert "is ignored, it is damaged: nothing is demoted" in problem or "1 of its 1 orders cannot be read" in problem
    assert problem in story.log[-1]
    story.demotions.demote(["VI_1"], "uid 0", "", PLAIN)
    assert story.demotions.problem is None and story.again().instances(PLAIN) == {"VI_1"}


@pytest.mark.fault("F24")
def test_one_bad_entry_costs_itself_alone(story: Story) -> None:
    """F24."""
    story.demotions.demote(["VI_1"], "uid 0", "", PLAIN)
    content = json.loads(story.file.read_text())
    content["demoted"].append({"kind": "INSTANCE"})
    story.file.write_text(json.dumps(content))

    story.again()

    assert story.demoted() == ["VI_1"]
    assert "1 of its 2 orders cannot be read and do not hold" in str(story.demotions.problem)
    story.demotions.restore(["VI_1"], PLAIN)
    assert json.loads(story.file.with_name("demoted.json.damaged").read_text()) == content
    assert story.demotions.problem is None


@pytest.mark.fault("F23")
def test_what_cannot_be_kept_holds_all_the_same_and_is_told(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """F23."""
    story.demotions.demote(["VI_1"], "uid 0", "", PLAIN)

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    story.demotions.demote(["web"], "uid 0", "", PLAIN)

    assert story.demoted() == ["VI_1", "VI_2", "VI_3"]
    assert "what is demoted now is not after a restart" in str(story.demotions.problem)
    assert [one["name"] for one in json.loads(story.file.read_text())["demoted"]] == ["VI_1"], "the old file is whole"
    assert [path.name for path in story.folder.iterdir()] == ["demoted.json"]


def test_nobody_s_link_is_followed(story: Story, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / f"demoted.json.{os.getpid()}.new").symlink_to(victim)
    story.file.symlink_to(victim)

    story.demotions.demote(["VI_1"], "uid 0", "", PLAIN)

    assert victim.read_text() == "precious" and not story.file.is_symlink()

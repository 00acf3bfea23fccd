# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an operator ordered about real servers: whom a name means, and that it is not forgotten."""

from __future__ import annotations

import json
import stat
import typing as t
from pathlib import Path

import pytest

from mainstay.daemon.demotions import NotPossible
from mainstay.daemon.journal import Journal
from mainstay.daemon.overrides import Overrides, ServerOrder, find_server, known_servers
from mainstay.model.config import Config
from mainstay.model.lvs_config import RealServer, VirtualServer

CONFIG = Config(
    virtual_servers={
        "web": VirtualServer(
            "web",
            "192.0.2.10",
            80,
            protocol="TCP",
            real_servers=(RealServer("192.0.2.21"), RealServer("192.0.2.22", 8080), RealServer("192.0.2.22", 8081)),
        ),
        "six": VirtualServer(
            "six", "2001:db8::10", 443, protocol="TCP", real_servers=(RealServer("2001:db8::21", 443),)
        ),
        "mark": VirtualServer("mark", fwmark=5, real_servers=(RealServer("192.0.2.21"),)),
    }
)


def order(action: str = "drain", server: str = "192.0.2.21:80", weight: t.Optional[int] = None) -> ServerOrder:
    return ServerOrder("web", server, action, weight, "uid 0", "2026-01-01T03:00:00.000+00:00", "disk")


class Story:
    """The file in a folder, and the daemon's log."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "overrides.json"
        self.log: t.List[str] = []
        self.overrides = self.again()

    def again(self) -> Overrides:
        """The daemon, or the machine, starts anew."""
        self.overrides = Overrides(str(self.folder), Journal(lambda text: bool(self.log.append(text)) or True))
        return self.overrides


@pytest.fixture
def story(tmp_path: Path) -> Story:
    return Story(tmp_path)


# ---- the file


def test_an_order_holds_over_a_restart_until_it_is_ended(story: Story) -> None:
    story.overrides.give(order("weight", weight=7))
    assert stat.S_IMODE(story.file.stat().st_mode) == 0o600

    assert list(story.again().orders.values()) == [order("weight", weight=7)]

    assert story.overrides.end([("web", "192.0.2.21:80")]) == (order("weight", weight=7),)
    assert story.again().orders == {} and story.log == []


def test_a_new_order_takes_the_place_of_the_old_one(story: Story) -> None:
    story.overrides.give(order("drain"))
    story.overrides.give(order("force"))
    story.overrides.give(order("drain", "192.0.2.22:8080"))
    assert [one.action for one in story.again().orders.values()] == ["force", "drain"]


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "[" * 100_000,
        '{"overrides": [{"service": "web"}]}',
        json.dumps({"overrides": [{**order().document(), "action": "explode"}]}),
        json.dumps({"overrides": [{**order().document(), "weight": 5}]}),
        json.dumps({"overrides": [{**order("weight", weight=7).document(), "weight": -1}]}),
        json.dumps({"overrides": [{**order().document(), "by": None}]}),
    ],
    ids=["cut off", "no mapping", "deep", "half", "unknown action", "weight of drain", "negative weight", "no text"],
)
def test_a_damaged_file_is_an_alarm_and_orders_nothing(story: Story, text: str) -> None:
    story.file.write_text(text)
    assert story.again().orders == {}
    assert "no order of an operator holds" in str(story.overrides.problem) or (
        "1 of its 1 orders cannot be read and do not hold" in str(story.overrides.problem)
    )
    assert story.file.read_text() == text, "it is as it was, so that the next start tells it too"

    story.overrides.give(order())
    assert story.file.with_name("overrides.json.damaged").read_text() == text
    assert story.overrides.problem is None and list(story.again().orders) == [("web", "192.0.2.21:80")]


@pytest.mark.fault("F24")
def test_one_bad_entry_costs_itself_alone(story: Story) -> None:
    """F24."""
    good = [order(), order("weight", "192.0.2.22:8080", weight=7)]
    text = json.dumps({"overrides": [good[0].document(), {"service": "web"}, "x", good[1].document()]})
    story.file.write_text(text)
    for _start in range(2):
        assert list(story.again().orders.values()) == good
        problem = str(story.overrides.problem)
        assert "overrides.json is damaged: 2 of its 4 orders cannot be read and do not hold" in problem
        assert "the next order moves it to overrides.json.damaged" in problem and problem in story.log[-1]

    story.overrides.end([good[0].id])
    assert story.file.with_name("overrides.json.damaged").read_text() == text
    assert list(story.again().orders.values()) == good[1:] and story.overrides.problem is None


def test_a_damaged_file_that_somebody_took_away_keeps_the_next_order(story: Story) -> None:
    story.file.write_text("{")
    story.again()
    story.file.unlink()

    story.overrides.give(order())

    assert story.overrides.problem is None
    assert list(story.again().orders) == [("web", "192.0.2.21:80")]


def test_a_disk_that_cannot_be_written_holds_nothing_up(story: Story, tmp_path: Path) -> None:
    story.folder = tmp_path / "missing"
    story.again().give(order())
    assert list(story.overrides.orders.values()) == [order()], "it holds all the same"
    assert "what holds now does not after a restart" in str(story.overrides.problem)


# ---- whom a name means


@pytest.mark.parametrize(
    ("service", "said", "meant"),
    [
        ("web", "192.0.2.21:80", "192.0.2.21:80"),
        ("web", "192.0.2.21", "192.0.2.21:80"),
        ("web", "192.0.2.22:8081", "192.0.2.22:8081"),
        ("six", "2001:db8::21", "[2001:db8::21]:443"),
        ("six", "2001:DB8:0::21", "[2001:db8::21]:443"),
        ("six", "[2001:db8::21]:443", "[2001:db8::21]:443"),
        ("mark", "192.0.2.21", "192.0.2.21:0"),
    ],
)
def test_a_server_is_named_by_its_endpoint_or_its_address(service: str, said: str, meant: str) -> None:
    assert find_server(service, said, CONFIG) == (service, meant)
    assert (service, meant) in known_servers(CONFIG)


@pytest.mark.parametrize(
    ("service", "said", "sentence"),
    [
        ("wbe", "192.0.2.21", "there is no virtual_server wbe. Did you mean web?"),
        ("zzzzzz", "192.0.2.21", "there is no virtual_server zzzzzz. Known are mark, six, web."),
        ("web", "192.0.2.31:80", "virtual_server web has no real_server 192.0.2.31:80. Did you mean 192.0.2.21:80?"),
        ("web", "x", "has no real_server x. It has 192.0.2.21:80, 192.0.2.22:8080, 192.0.2.22:8081."),
        ("web", "192.0.2.22", "has 192.0.2.22 more than once, name one: 192.0.2.22:8080, 192.0.2.22:8081"),
    ],
)
def test_a_name_that_means_nobody_gets_a_suggestion(service: str, said: str, sentence: str) -> None:
    with pytest.raises(NotPossible) as refused:
        find_server(service, said, CONFIG)
    assert str(refused.value).endswith(sentence)

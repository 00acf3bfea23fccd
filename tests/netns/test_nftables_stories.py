# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stories that both data planes must tell, told by nftables with real connections on this machine's kernel."""

from __future__ import annotations

import typing as t

import pytest
from balancing.scene import Scene
from balancing.stories import STORIES, Story
from netns.nftables_director import NftablesDirector
from netns.pool_lab import PoolLab


@pytest.fixture(params=[False, True], ids=["IPv4", "IPv6"])
def scene(lab: PoolLab, request: pytest.FixtureRequest) -> t.Iterator[Scene]:
    """An empty ruleset and no flows, before and after."""
    director = NftablesDirector(lab.director)
    scene = Scene(director, lab, ipv6=request.param)
    yield scene
    scene.close()
    director.close()
    director.nft("flush", "ruleset")
    for family in ("ipv4", "ipv6"):
        lab.director.run("conntrack", "--flush", "--family", family)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_story(story: Story, scene: Scene) -> None:
    story(scene)

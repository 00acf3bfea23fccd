# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stories that both data planes must tell, told by a real ip_vs."""

from __future__ import annotations

import typing as t

import pytest
from balancing.scene import Scene
from balancing.stories import STORIES, Story
from netns.pool_lab import PoolLab

from .ipvs_director import IpvsDirector


@pytest.fixture(params=[False, True], ids=["IPv4", "IPv6"])
def scene(director: IpvsDirector, lab: PoolLab, request: pytest.FixtureRequest) -> t.Iterator[Scene]:
    scene = Scene(director, lab, ipv6=request.param)
    yield scene
    scene.close()


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_story(story: Story, scene: Scene) -> None:
    story(scene)

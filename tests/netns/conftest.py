# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures of the tests between network namespaces."""

from __future__ import annotations

import contextlib
import typing as t
from pathlib import Path

import pytest
from netns.health_director import HealthDirector, WebServer
from netns.pages import Pages
from netns.pool_lab import PoolLab
from netns.segment import Segment, remove_leftovers


@pytest.fixture(scope="session", autouse=True)
def clean_host() -> None:
    """What a killed run left behind is removed first."""
    remove_leftovers()


@pytest.fixture
def segment(tmp_path: Path) -> t.Iterator[Segment]:
    """A fresh segment; after the test its logs are shown, which pytest does for a failed one only."""
    made = Segment("")
    try:
        yield made
    finally:
        made.close()
        for log in sorted(tmp_path.rglob("log")):
            print(f"---- {log.parent.name}\n{log.read_text()}")


@pytest.fixture(scope="module")
def lab() -> t.Iterator[PoolLab]:
    """A client, a director and two servers."""
    lab = PoolLab()
    yield lab
    lab.close()


@pytest.fixture
def stack() -> t.Iterator[contextlib.ExitStack]:
    """What a test starts; its end stops it."""
    with contextlib.ExitStack() as stack:
        yield stack


@pytest.fixture
def director(lab: PoolLab, tmp_path: Path) -> t.Iterator[HealthDirector]:
    """A daemon that is yet to be started."""
    director = HealthDirector(lab, tmp_path)
    try:
        yield director
    finally:
        t.cast(t.Any, director.node).close()
        lab.director.run("nft", "flush", "ruleset")
        lab.director.run("conntrack", "--flush")
        print(director.log.read_text())


@pytest.fixture
def pages(lab: PoolLab, stack: contextlib.ExitStack) -> Pages:
    """What the first server has to show."""
    pages = Pages(lab.servers["first"])
    stack.callback(pages.close)
    return pages


@pytest.fixture
def webs(lab: PoolLab, stack: contextlib.ExitStack) -> dict[str, WebServer]:
    """On each server one that answers with its name."""
    webs = {name: WebServer(namespace, name) for name, namespace in lab.servers.items()}
    for web in webs.values():
        stack.callback(web.stop)
    return webs

# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Another data plane for a running daemon, and for the next one, on a machine whose kernel has no ip_vs."""

from __future__ import annotations

import signal

import pytest
from netns.checked_services import run
from netns.health_director import HealthDirector, WebServer, fetch, web_service
from netns.pool_lab import PoolLab

from lab.waiting import wait_for

ABSENT = "this kernel has no ip_vs: load it with 'modprobe ip_vs', or set global_defs.data_plane: nftables"


@pytest.fixture
def director(director: HealthDirector, webs: dict[str, WebServer]) -> HealthDirector:
    """With nftables it serves both servers, and the configuration says ipvs since."""
    run(director, web=web_service("first", "second")).await_states(first="up", second="up")
    configure(director, "ipvs")
    return director


def configure(director: HealthDirector, data_plane: str) -> None:
    """The same service on this one, from the next reload or start on."""
    director.write_document(
        global_defs={"data_plane": data_plane}, virtual_servers={"web": web_service("first", "second")}
    )


def test_the_one_that_serves_is_the_next_workers_too_while_the_configured_one_is_absent(
    director: HealthDirector, lab: PoolLab, webs: dict[str, WebServer]
) -> None:
    assert director.mainstay("reload").stderr.startswith(f"warning: data_plane ipvs: {ABSENT}; nftables serves on")
    dead = director.worker()
    dead.signal(signal.SIGKILL)

    def respawned() -> bool:
        section = director.ask("status")["lvs"]
        return bool(section["alive"] and section["pid"] != dead.pid)

    wait_for(respawned, 15, "a new health worker", evidence=director.evidence)
    webs["first"].status = 503
    director.await_states(first="down", second="up")
    assert {fetch(lab) for _ in range(4)} == {"second"}
    section = director.ask("status")["lvs"]
    assert (section["data_plane"], section["serving"]) == ("ipvs", "nftables")
    assert section["error"].startswith(f"{ABSENT}; nftables serves on until then")

    director.signal_and_await_end()
    assert director.pool() == ""


def test_after_a_violent_death_release_finds_what_served_in_the_place_of_the_configured_one(
    director: HealthDirector,
) -> None:
    assert director.mainstay("reload").returncode == 0
    named = lambda: '"nftables"' in (director.folder / "run" / "running.json").read_text()  # noqa: E731
    wait_for(named, 10, "running.json to name it", evidence=director.evidence)
    director.node.kill_all()
    assert director.pool()
    assert director.mainstay("release").stdout == "removed virtual service TCP 198.51.100.10:80 from nftables\n"
    assert director.pool() == ""


def test_a_new_daemon_serves_with_the_configured_one_or_nobody(director: HealthDirector, lab: PoolLab) -> None:
    """The next one finds nothing of its predecessor, and takes no other data plane than the one that it is told."""
    director.signal_and_await_end()
    assert director.pool() == ""
    director.start()
    wait_for(director.answers, 10, "its worker", evidence=director.evidence)
    section = director.ask("status")["lvs"]
    assert (section["serving"], section["error"].partition(";")[0]) == (None, ABSENT)
    with pytest.raises(ConnectionRefusedError):
        fetch(lab)

    configure(director, "nftables")
    assert director.mainstay("reload").stderr == ""
    director.await_states(first="up", second="up")
    assert {fetch(lab) for _ in range(4)} == {"first", "second"}

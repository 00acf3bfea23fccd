# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""BFD_CHECK: a real server follows a BFD session that the vrrp worker speaks with its machine."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from netns.daemons import Daemon, Document
from netns.segment import Segment

from lab.waiting import wait_for

OURS, THEIRS = "192.0.2.1", "192.0.2.2"
TIMERS: Document = {"min_rx": 0.1, "min_tx": 0.1, "multiplier": 3}
UP_SECONDS = 20.0


class Neighbor(Daemon):
    """One that only speaks BFD."""

    def answers(self) -> bool:
        try:
            return bool(self.ask("status")["vrrp"]["bfd_instances"])
        except (OSError, ValueError, KeyError, TypeError):
            return False


class Director(Neighbor):
    """It balances to its BFD neighbor."""

    def server(self) -> Document:
        servers: list[Document] = self.ask("status")["lvs"]["virtual_servers"]["web"]["real_servers"]
        return servers[0]

    def session_is_up(self) -> bool:
        sessions: Document = self.ask("status")["vrrp"]["bfd_instances"]
        return sessions.get("gw", {}).get("state") == "UP"

    def await_server(self, state: str) -> None:
        def reached() -> bool:
            listed = self.ask("status")["lvs"]["virtual_servers"]
            return "web" in listed and listed["web"]["real_servers"][0]["state"] == state

        wait_for(reached, UP_SECONDS, f"the server to be {state}", evidence=self.evidence)


def test_a_server_follows_its_session_and_a_restart_of_the_vrrp_worker_takes_nobody_out(
    segment: Segment, tmp_path: Path
) -> None:
    a, b = segment.node("a"), segment.node("b")
    neighbor = Neighbor(b, tmp_path)
    neighbor.write_document(bfd_instances={"lb": {"neighbor_ip": OURS, "source_ip": THEIRS, **TIMERS}})
    director = Director(a, tmp_path)
    server = {"address": THEIRS, "port": 80, "check": {"type": "bfd", "name": "gw"}}
    web = {"address": "192.0.2.50", "port": 80, "protocol": "TCP", "lb_algo": "rr", "lb_kind": "NAT"}
    director.write_document(
        global_defs={"data_plane": "nftables"},
        bfd_instances={"gw": {"neighbor_ip": THEIRS, "source_ip": OURS, **TIMERS}},
        virtual_servers={"web": {**web, "real_servers": [server]}},
    )
    neighbor.start()
    director.start()
    director.await_server("up")

    b.kill_all()
    director.await_server("down")
    assert director.server()["reason"].startswith(f"no packet from {THEIRS} for ")
    neighbor.start()
    director.await_server("up")

    killed = int(director.ask("status")["vrrp"]["pid"])
    os.kill(killed, signal.SIGKILL)
    wait_for(lambda: director.ask("status")["vrrp"]["pid"] not in (killed, None), 15, "a new vrrp worker")
    wait_for(director.session_is_up, UP_SECONDS, "the session of the new worker", evidence=director.evidence)

    assert director.server()["state"] == "up"
    assert director.log.read_text().count(f"real_server {THEIRS}:80 is down") == 1, director.evidence()

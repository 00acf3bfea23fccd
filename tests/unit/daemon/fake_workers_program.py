# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The real supervisor with fake workers, as a program: CONFIG RUN_DIR STATE_DIR EVENTS.

The fakes hold nothing of the kernel's; they write down what they are told as JSON lines to EVENTS. The configuration's
router_id tells them how to misbehave.
"""

from __future__ import annotations

import json
import os
import sys
import typing as t
from pathlib import Path

from mainstay.daemon.journal import Journal
from mainstay.daemon.supervisor import run_daemon
from mainstay.daemon.worker import LogLine, Say
from mainstay.daemon.worker_process import BuildWorker, Role
from mainstay.lvs.keys import server_text
from mainstay.model.config import Config
from mainstay.model.lvs_defaults import RunningServer, RunningService, running_services
from mainstay.net.polling import Poller


class FakeWorker:
    """Runs any configuration by writing it down."""

    def __init__(self, name: str, events: str, reactor: Poller, say: Say) -> None:
        self._name = name
        self._events = events
        self._reactor = reactor
        self._say = say
        self._config = Config()
        self._orders: t.Dict[t.Tuple[str, str], t.Dict[str, t.Any]] = {}
        self._note("built")

    def configure(self, config: Config, now: int) -> None:
        self._config = config
        told = {"instances": list(config.vrrp_instances), "services": list(config.virtual_servers)}
        self._note("configured", router_id=config.global_defs.router_id, **told)
        if config.global_defs.router_id == f"{self._name} fails":
            raise ValueError(f"{self._name} fails on purpose")
        if config.global_defs.router_id == f"{self._name} fails later":
            self._reactor.call_at(now + 50_000_000, self._fail)

    def status(self, now: int) -> t.Dict[str, object]:
        # A worker says "alive" of itself; whether that is still so is the supervisor's to tell.
        section = {"alive": True, "pid": os.getpid(), "as_of": now, "fake": self._name}
        if self._name == "lvs":
            return {**section, "virtual_servers": self._services()}
        return {**section, "instances": {name: {"state": "FAKE"} for name in self._config.vrrp_instances}}

    def tell(self, verb: str, arguments: t.Dict[str, t.Any], now: int) -> None:
        self._note("told", verb=verb, **arguments)
        if verb == "overrides":
            self._orders = {(one["service"], one["server"]): one for one in arguments["servers"]}

    def ask(self, verb: str, arguments: t.Dict[str, t.Any], now: int) -> t.Dict[str, object]:
        return {"ok": True, "verb": verb, **arguments}

    def stop(self, now: int) -> None:
        self._say(LogLine("info", f"fake {self._name}", "last words"))
        self._note("stopped")
        if self._config.global_defs.router_id == f"{self._name} stops untidily":
            raise ValueError("left something behind")

    def _services(self) -> t.Dict[str, object]:
        """Pools as a health worker tells them; how many connections each server has stands in a file."""
        return {one.name: self._service(one) for one in running_services(self._config).values()}

    def _service(self, service: RunningService) -> t.Dict[str, object]:
        servers = [self._server(service.name, server) for server in service.real_servers]
        live = sum(one["effective_weight"] for one in servers)
        lost = live < service.quorum
        figures = {"live_weight": live, "needed": service.quorum, "quorum_up": not lost}
        return {"real_servers": servers, **figures, "sorry_in": lost and service.sorry_server is not None}

    def _server(self, service: str, server: RunningServer) -> t.Dict[str, t.Any]:
        order = self._orders.get((service, server_text(server)))
        weight = server.weight if order is None else order["weight"] or 0
        counts = Path(f"{self._events}.connections")
        active = json.loads(counts.read_text() if counts.exists() else "0")
        action = "" if order is None else order["action"]
        state = {"drain": "draining", "maintenance": "maintenance"}.get(action, "up")
        told = {"state": state, "reason": "fake", "active_connections": active, "inactive_connections": 0}
        place = {"address": server.address, "port": server.port, "weight": server.weight}
        return {**place, **told, "effective_weight": weight, "in_pool": True, "override": order}

    def _fail(self, _now: int) -> None:
        raise ValueError(f"{self._name} fails in a callback")

    def _note(self, event: str, **more: object) -> None:
        line = json.dumps({"worker": self._name, "event": event, "pid": os.getpid(), **more}) + "\n"
        with open(self._events, "a", encoding="utf-8") as file:
            file.write(line)


def main(config: str, run_directory: str, state_directory: str, events: str) -> int:
    def fake(name: str) -> BuildWorker:
        return lambda reactor, say: FakeWorker(name, events, reactor, say)

    roles = [
        Role("vrrp", "vrrp worker", fake("vrrp"), ("global_defs", "vrrp_instances"), punctual=True),
        Role("lvs", "health worker", fake("lvs"), ("global_defs", "virtual_server_groups", "virtual_servers")),
    ]
    return run_daemon(config, run_directory, state_directory, roles, Journal())


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))

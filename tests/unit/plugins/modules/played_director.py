# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A director whose orders are the daemon's own (names, refusals, files), with workers that the test plays."""

from __future__ import annotations

import types
import typing as t
from pathlib import Path

from mainstay.daemon.journal import Journal
from mainstay.daemon.operations import Operations
from mainstay.daemon.overrides import known_servers
from mainstay.model.load import load_config
from mainstay.net.local_sockets import Peer

from ...scripted_poller import ScriptedPoller
from .scripted_daemon import Answer, ScriptedDaemon

A, B = "192.0.2.21:80", "192.0.2.22:80"
ROOT = Peer(7, 0, 0)
Document = t.Dict[str, t.Any]


def _service(address: str, *servers: str) -> Document:
    pool = [{"address": server, "weight": 5} for server in servers]
    return {"address": address, "port": 80, "protocol": "TCP", "lb_algo": "wrr", "real_servers": pool}


def _router(number: int) -> Document:
    address = f"192.0.2.{100 + number}/24"
    return {"interface": "eth0", "virtual_router_id": number, "virtual_ipaddress": [address]}


CONFIG = {
    "virtual_servers": {
        "web": _service("192.0.2.10", "192.0.2.21", "192.0.2.22"),
        "mail": _service("192.0.2.11", "192.0.2.21"),
    },
    "vrrp_instances": {"VI_1": _router(1), "VI_2": _router(2), "VI_3": _router(3)},
    "vrrp_sync_groups": {"pair": {"group": ["VI_2", "VI_3"]}},
}


class Worker:
    """Takes orders; says nothing by itself."""

    pid = as_of = None
    section: t.Mapping[str, t.Any] = {}
    role = types.SimpleNamespace(punctual=False)

    def __init__(self) -> None:
        self.told: Document = {}

    def tell(self, _verb: str, arguments: Document) -> None:
        self.told = arguments

    def alive(self, _now: int) -> bool:
        return False


class PlayedDirector(ScriptedDaemon):
    """Runs CONFIG. What the test may set: connections, states, whether workers live, take orders and lose masters."""

    def __init__(self, path: Path, peer: Peer = ROOT) -> None:
        super().__init__(path, {})
        self.connections: t.Dict[str, t.List[t.Optional[int]]] = {}
        """Established connections by service and server, look by look, None: not counted; the last figure stays."""
        self.states: t.Dict[str, t.List[str]] = {}
        """Instead of "up", look by look."""
        self.alive = True
        self.takes_orders = True
        self.others_take_over = True
        self.requests: t.List[Document] = []
        self._config = load_config(CONFIG)
        self._peer = peer
        self._vrrp, self._health = Worker(), Worker()
        links = t.cast(t.Any, self._vrrp), t.cast(t.Any, self._health)
        journal = Journal(lambda _text: True)
        self.operations = Operations(ScriptedPoller(), journal, str(path.parent), *links, lambda: self._config)

    @property
    def ordered(self) -> t.List[str]:
        """Requests that were to change something, by verb."""
        return [one["verb"] for one in self.requests if one["verb"] not in ("servers", "status")]

    @property
    def orders(self) -> t.List[t.Tuple[str, str, str]]:
        """Those that hold about servers."""
        section = t.cast(t.Any, self.operations.status()["overrides"])
        return [(one["service"], one["server"], one["action"]) for one in section["orders"]]

    @property
    def demoted(self) -> t.List[str]:
        """Instances that the vrrp worker was told to demote."""
        return list(self._vrrp.told.get("instances", []))

    def answer(self, request: Document) -> Answer:
        self.requests.append(request)
        answers: t.List[Answer] = []
        if request["verb"] == "status":
            answers.append(self._status())
        else:
            self.operations.verbs[request["verb"]](request, self._peer, t.cast(t.Any, answers.append))
        (answer,) = answers
        if "lvs" in answer:
            answer["lvs"] = self._lvs()
        return answer

    def _status(self) -> Document:
        head = {"version": "1.0.0", "router_id": "director1", "as_of": 1, "config": {"path": "/etc/mainstay.json"}}
        return {**head, **self.operations.status(), "vrrp": self._vrrp_section(), "lvs": {}}

    def _vrrp_section(self) -> Document:
        demoted = self.demoted if self.takes_orders else []
        alone = not self.others_take_over
        groups = {name: {"members": list(one.group)} for name, one in self._config.vrrp_sync_groups.items()}
        group_of = {member: name for name, group in groups.items() for member in group["members"]}
        instances = {
            name: {
                "state": "BACKUP" if name in demoted and not alone else "MASTER",
                "demoted": name in demoted,
                "group": group_of.get(name),
                "master": "192.0.2.2",
            }
            for name in self._config.vrrp_instances
        }
        return {"alive": self.alive, "instances": instances, "groups": groups}

    def _lvs(self) -> Document:
        services: t.Dict[str, t.List[Document]] = {}
        for service, server in known_servers(self._config):
            services.setdefault(service, []).append(self._server(service, server))
        pools = {name: {"real_servers": servers} for name, servers in services.items()}
        return {"alive": self.alive, "uncounted": "too many flows", "virtual_servers": pools}

    def _server(self, service: str, server: str) -> Document:
        told = self._health.told.get("servers", []) if self.takes_orders else []
        order = next((one for one in told if (one["service"], one["server"]) == (service, server)), None)
        action = order["action"] if order else None
        states = {"drain": "draining", "maintenance": "maintenance", "force": "forced"}
        weight = {"drain": 0, "weight": order["weight"] if order else None}.get(str(action), 5)
        address, _, port = server.rpartition(":")
        return {
            "address": address,
            "port": int(port),
            "state": states.get(str(action)) or _next(self.states.get(f"{service} {server}", ["up"])),
            "reason": "HTTP 200",
            "in_pool": action != "maintenance",
            "weight": 5,
            "effective_weight": weight,
            "active_connections": _next(self.connections.get(f"{service} {server}", [0])),
            "inactive_connections": 0,
            "override": order,
        }


def _next(values: t.List[t.Any]) -> t.Any:
    return values.pop(0) if len(values) > 1 else values[0]

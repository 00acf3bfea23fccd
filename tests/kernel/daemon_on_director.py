# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole daemon on the director: a VRRP instance and virtual services in a real ip_vs."""

from __future__ import annotations

import json
import socket
import typing as t

from netns.daemons import CHECKOUT, PYTHON, Document, instance
from netns.health_director import HealthDirector
from netns.pool_lab import NAT_VIP, PORT, SERVERS, Namespace

from lab.waiting import wait_for

CHECKED_PORT = 8090
INTERFACE, VIP = "clients", "198.51.100.11"
GUEST_SECONDS = 30.0
"""A Python starts in up to a second here, and the machine below may be busy."""


def balanced(port: int = PORT, **weights: int) -> Document:
    """A service on the NAT address. Its servers answer on connections that stay open and are checked elsewhere."""
    check = {"type": "tcp", "connect_port": CHECKED_PORT, "connect_timeout": 5, "retry": 1, "delay_before_retry": 0.1}
    servers = [
        {"address": SERVERS[name], "port": PORT, "weight": weight, "check": check} for name, weight in weights.items()
    ]
    usual = {"address": NAT_VIP, "port": port, "protocol": "TCP", "lb_algo": "wrr", "lb_kind": "NAT"}
    return {**usual, "delay_loop": 0.5, "real_servers": servers}


class CheckedPort:
    """What the check of one server asks: a port that the server's kernel opens connections on, for as long as it is
    open. Nobody accepts them; a test is over long before the backlog is full."""

    def __init__(self, namespace: Namespace) -> None:
        self._namespace = namespace
        self.open()

    def open(self) -> None:
        with self._namespace.inside():
            self._listening = socket.create_server(("0.0.0.0", CHECKED_PORT), backlog=1024)

    def close(self) -> None:
        self._listening.close()


class DirectorDaemon(HealthDirector):
    """Master of one address, without a lease, and balancing with ip_vs."""

    def serve(self, **services: Document) -> None:
        master = instance(150, interface=INTERFACE, virtual_ipaddress=[f"{VIP}/24"], vip_lease=0)
        document = {
            "global_defs": {"data_plane": "ipvs"},
            "vrrp_instances": {"VI_1": master},
            "virtual_servers": services,
        }
        self.write_text(json.dumps(document))

    def pool(self) -> str:
        """ipvsadm's own word; empty when there is no ip_vs."""
        return self.namespace.run("sh", "-c", "! grep -qw ^ip_vs /proc/modules || ipvsadm -Sn")

    def await_pool(self, *rules: str) -> None:
        """Wait until ip_vs holds these rules and no others."""

        def reached() -> bool:
            return sorted(line.strip() for line in self.pool().splitlines()) == sorted(rules)

        wait_for(reached, GUEST_SECONDS, f"ip_vs to hold {rules}", evidence=self.evidence)

    def holds(self, address: str = VIP) -> bool:
        """Whether the director has the address, as iproute2 sees it."""
        return f" {address}/" in self.namespace.run("ip", "-oneline", "-4", "address", "show")

    def reload(self) -> Document:
        """Read the configuration file again; the answer."""
        return self.ask("reload")

    def release(self) -> list[str]:
        """What `mainstay release` says; it has to succeed."""
        files = ["--config", str(self.folder / "mainstay.json"), "--run-dir", str(self.folder / "run")]
        path = f"PYTHONPATH={CHECKOUT}/plugins/module_utils"
        return self.namespace.run("env", path, PYTHON, "-m", "mainstay", "release", *files).splitlines()

    def close(self) -> None:
        """Kill what still runs and take the address away."""
        t.cast(t.Any, self.node).close()
        if self.holds():
            self.namespace.ip(f"address delete {VIP}/24 dev {INTERFACE}\n")
        print(self.log.read_text())

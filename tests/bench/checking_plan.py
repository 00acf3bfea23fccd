# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many checks as a configuration: ours and the same for keepalived."""

from __future__ import annotations

import json
from dataclasses import dataclass

from bench.answering import PORT

OURS, THEIRS = "mainstay", "keepalived"
_PAGE = " url {\n path /\n status_code 200\n }\n"
_PATIENCE = " connect_timeout 3\n retry 1\n delay_before_retry 1\n }"
_THEIR_CHECKS = {
    "tcp": f"TCP_CHECK {{\n{_PATIENCE}",
    "http": f"HTTP_GET {{\n{_PAGE}{_PATIENCE}",
    "https": f"SSL_GET {{\n{_PAGE}{_PATIENCE}",
}


@dataclass(frozen=True)
class CheckPlan:
    """So many services with so many servers each, every server checked once a period."""

    kind: str
    """tcp, http or https."""
    services: int
    servers: int
    period: float
    """Seconds."""
    shared: bool = False
    """All services have the same servers."""
    data_plane: str = "ipvs"
    vrrp_interface: str = ""
    """With a VRRP instance beside it, that sends an advert every 10 ms."""

    @property
    def checks(self) -> int:
        """As configured."""
        return self.services * self.servers

    def server(self, service: int, number: int) -> str:
        """Its address, all of them this host's own."""
        index = number if self.shared else service * self.servers + number
        return f"127.{1 + index // 62500}.{index // 250 % 250}.{index % 250 + 1}"

    def ours(self) -> str:
        """The configuration file."""
        check = {"type": self.kind, "connect_timeout": 3, "retry": 1, "delay_before_retry": 1}
        services = {
            f"s{number}": {
                "address": _vip(number), "port": 80, "protocol": "TCP", "lb_algo": "rr", "lb_kind": "NAT",
                "delay_loop": self.period,
                "real_servers": [
                    {"address": self.server(number, one), "port": PORT, "check": check} for one in range(self.servers)
                ],
            }
            for number in range(self.services)
        }  # fmt: skip
        document: dict[str, object] = {"global_defs": {"data_plane": self.data_plane}, "virtual_servers": services}
        if self.vrrp_interface:
            document["vrrp_instances"] = {
                "VI_1": {
                    "interface": self.vrrp_interface, "virtual_router_id": 51, "priority": 255, "advert_int": 0.01,
                    "virtual_ipaddress": ["192.0.2.10/24"],
                }
            }  # fmt: skip
        return json.dumps(document)

    def theirs(self) -> str:
        """The same for keepalived."""
        services = "".join(self._their_service(one) for one in range(self.services))
        return f"global_defs {{\n router_id bench\n}}\n{services}"

    def _their_service(self, service: int) -> str:
        servers = "".join(
            f" real_server {self.server(service, one)} {PORT} {{\n weight 1\n {_THEIR_CHECKS[self.kind]}\n }}\n"
            for one in range(self.servers)
        )
        head = f" delay_loop {self.period:g}\n lvs_sched rr\n lvs_method NAT\n protocol TCP\n"
        return f"virtual_server {_vip(service)} 80 {{\n{head}{servers}}}\n"


def _vip(service: int) -> str:
    return f"198.18.{service // 250}.{service % 250 + 1}"

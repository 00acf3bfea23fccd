# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an operator ordered about real servers, kept over restarts and boots: drain, maintenance, force, weight.

One order for each server of each service; a new one takes the place of the old one. An order about a server that the
configuration does not have (any more) is kept and shown: it counts again when the server comes back, until 'mainstay
restore' ends it.
"""

from __future__ import annotations

import ipaddress
import os
import typing as t
from dataclasses import asdict, dataclass

from ..lvs.keys import ServerId
from ..lvs.overrides import ACTIONS, WEIGHT
from ..lvs.table import endpoint_text
from ..model.config import Config, VirtualServer
from ..model.refused import suggestion
from .demotions import NotPossible
from .journal import Journal
from .order_file import OrderFile

MAXIMUM_WEIGHT = 65535

Document = t.Dict[str, t.Any]

_FILE = "overrides.json"
_SUBJECT = "overrides"
_SHOWN = 10


@dataclass(frozen=True)
class ServerOrder:
    """One order about one real server of one service."""

    service: str
    server: str
    """As it is configured: "192.0.2.21:80", "[2001:db8::21]:80"."""
    action: str
    """drain, maintenance, force or weight."""
    weight: t.Optional[int]
    """Of weight alone."""
    by: str
    """"uid 0", or "file PATH (uid 0)"."""
    at: str
    """Wall clock."""
    reason: str
    """The operator's words; "" for none."""

    @property
    def id(self) -> ServerId:
        """Whom it is about."""
        return self.service, self.server

    @property
    def subject(self) -> str:
        """For people."""
        return f"real_server {self.server} of virtual_server {self.service}"

    def document(self) -> Document:
        """JSON-able."""
        return asdict(self)


class Overrides:
    """The orders that hold, and the file that keeps them."""

    def __init__(self, folder: str, journal: Journal) -> None:
        """`folder`: the state directory. What cannot be understood in the file is told and ignored."""
        self._file = OrderFile(os.path.join(folder, _FILE), "overrides", journal, _SUBJECT)
        listed = self._file.read(_order, "no order of an operator holds")
        self.orders: t.Mapping[ServerId, ServerOrder] = {order.id: order for order in listed}

    @property
    def problem(self) -> t.Optional[str]:
        """A sentence as long as the file does not say what holds."""
        return self._file.problem

    def give(self, order: ServerOrder) -> None:
        """It holds from now on, even when the disk cannot keep it."""
        self._keep({**self.orders, order.id: order})

    def end(self, ids: t.Collection[ServerId]) -> t.Tuple[ServerOrder, ...]:
        """These hold no more; those that did."""
        ended = tuple(self.orders[one] for one in ids if one in self.orders)
        if ended:
            self._keep({one: order for one, order in self.orders.items() if one not in ids})
        return ended

    def of_service(self, name: str) -> t.Tuple[ServerOrder, ...]:
        """All about servers of this service."""
        return tuple(order for order in self.orders.values() if order.service == name)

    def _keep(self, orders: t.Mapping[ServerId, ServerOrder]) -> None:
        self.orders = orders
        self._file.write([order.document() for order in orders.values()], "what holds now does not after a restart")


def _order(document: t.Mapping[str, t.Any]) -> ServerOrder:
    """Raises KeyError, TypeError or ValueError for what is none."""
    texts = {key: document[key] for key in ("service", "server", "action", "by", "at", "reason")}
    if not all(isinstance(text, str) for text in texts.values()):
        raise TypeError("no text")
    weight = document["weight"]
    is_number = isinstance(weight, int) and not isinstance(weight, bool) and 0 <= weight <= MAXIMUM_WEIGHT
    if texts["action"] not in ACTIONS or is_number != (texts["action"] == WEIGHT):
        raise ValueError(texts["action"])
    return ServerOrder(weight=weight, **texts)


# ---- whom a name means


def server_names(service: VirtualServer) -> t.Tuple[str, ...]:
    """ "192.0.2.21:80" of every real server; port 0: whatever the client asked for."""
    default = service.port or 0
    ports = ((one.address, default if one.port is None else one.port) for one in service.real_servers)
    return tuple(endpoint_text(address, port) for address, port in ports)


def known_servers(config: Config) -> t.Dict[ServerId, None]:
    """Every real server of every service, in the order of the file."""
    services = config.virtual_servers.items()
    return {(name, server): None for name, service in services for server in server_names(service)}


def find_service(name: str, config: Config) -> VirtualServer:
    """Raises NotPossible with a suggestion."""
    service = config.virtual_servers.get(name)
    if service is None:
        known = sorted(config.virtual_servers)
        there = suggestion(name, known) or (f" Known are {_few(known)}." if known else " None is configured.")
        raise NotPossible(f"there is no virtual_server {name[:64]}.{there}")
    return service


def find_server(service: str, server: str, config: Config) -> ServerId:
    """By its name, or by its address when that is enough. Raises NotPossible with a suggestion."""
    names = server_names(find_service(service, config))
    found = [server] if server in names else [name for name in names if address_in(name) == _address(server)]
    if len(found) > 1:
        raise NotPossible(f"virtual_server {service} has {server[:64]} more than once, name one: {_few(found)}")
    if not found:
        there = suggestion(server, names) or f" It has {_few(names) or 'none'}."
        raise NotPossible(f"virtual_server {service} has no real_server {server[:64]}.{there}")
    return service, found[0]


def find_everywhere(server: str, config: Config, *, required: bool = True) -> t.List[ServerId]:
    """By its name or its address, in every service that has it. Raises NotPossible when `required` and none has."""
    known = known_servers(config)
    address = _address(server)
    found = [one for one in known if one[1] == server]
    found = found or [one for one in known if address is not None and address_in(one[1]) == address]
    if required and not found:
        there = suggestion(server, {one[1] for one in known})
        raise NotPossible(f"no virtual_server has a real_server {server[:64]}.{there}")
    return found


def address_in(server: str) -> t.Optional[str]:
    """The address of "192.0.2.21:80" or "[2001:db8::21]:80"; None when there is none."""
    return _address(server.rpartition(":")[0].strip("[]"))


def _address(text: str) -> t.Optional[str]:
    """In the one way to write it; None when it is no address."""
    try:
        return str(ipaddress.ip_address(text.strip("[]")))
    except ValueError:
        return None


def _few(names: t.Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more

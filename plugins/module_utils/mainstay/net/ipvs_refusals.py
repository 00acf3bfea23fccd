# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ip_vs means by an errno, as a sentence with the object and the remedy."""

from __future__ import annotations

import errno
import os
import typing as t

from ..lvs.operations import AddDestination, AddService, Operation, RemoveService, SetDestination, SetService
from ..lvs.table import Destination, DestinationKey, ServiceKey, Tunnel
from .netlink import Answer

PutDestination = t.Union[AddDestination, SetDestination]

_SERVICE = (AddService, SetService)
_PUT = (AddDestination, SetDestination)
_NO_CAPABILITY = "mainstayd may not change ip_vs: it needs the capability CAP_NET_ADMIN"


def refusal_sentence(operation: Operation, answer: Answer) -> str:
    """The kernel's word on one operation, in a sentence."""
    sentence = _by_value(operation, answer.errno) or _by_errno(operation, answer.errno)
    said = os.strerror(answer.errno) + (f": {answer.detail}" if answer.detail else "")
    return f"{sentence.format(what=_what(operation))} ({said})"


def with_tunnels(taken: t.Sequence[Operation]) -> t.List[PutDestination]:
    """Those that need a kernel that knows more than ipip."""
    puts = (edit for edit in taken if isinstance(edit, _PUT))
    return [edit for edit in puts if edit.destination.tunnel not in (None, Tunnel())]


def same_tunnel(wanted: Destination, pool: t.Mapping[DestinationKey, Destination]) -> bool:
    """Is the server there as wanted? One that is not there at all is somebody else's doing."""
    return wanted.key not in pool or pool[wanted.key].tunnel == wanted.tunnel


def tunnel_sentence(edit: PutDestination) -> str:
    """The kernel took a server and dropped what it did not understand."""
    return f"{_what(edit)}: this kernel's ip_vs knows only the tunnel ipip (gue came with Linux 5.2, gre with 5.3)"


def _by_value(operation: Operation, number: int) -> str:
    """What one errno means for this very entry; empty when the table below tells."""
    if isinstance(operation, _SERVICE) and number == errno.ENOENT:
        return _missing_module(operation)
    if isinstance(operation, _PUT) and number == errno.EINVAL:
        return _wrong_server(operation.service, operation.destination)
    if isinstance(operation, _PUT) and number == errno.ERANGE:
        server = operation.destination
        over = server.lower_threshold > server.upper_threshold
        return "{what}: " + ("lthreshold is above uthreshold" if over else "the weight is out of the kernel's range")
    return ""


def _missing_module(operation: t.Union[AddService, SetService]) -> str:
    """ip_vs looks for the scheduler first, and what it has loaded stands in /sys/module."""
    service = operation.service
    scheduler = f"scheduler {service.lb_algo} is not in this kernel: load it with 'modprobe ip_vs_{service.lb_algo}'"
    engine = service.persistence_engine
    if not engine or not os.path.exists(f"/sys/module/ip_vs_{service.lb_algo}"):
        return scheduler
    return f"persistence_engine {engine} is not in this kernel: load it with 'modprobe ip_vs_pe_{engine}'"


def _wrong_server(service: ServiceKey, server: Destination) -> str:
    if (":" in server.key.address) != service.ipv6:
        if server.lb_kind != "TUN":
            return "{what}: a server of another address family than its service's needs lb_kind TUN"
        return "{what}: ip_vs cannot mix address families while it synchronises connections (lvs_sync_daemon)"
    if server.tunnel is not None and server.tunnel.kind == "gue" and not server.tunnel.port:
        return "{what}: tun_type gue needs tun_port"
    return "{what}: no server can have this address (multicast, broadcast or link-local?)"


def _by_errno(operation: Operation, number: int) -> str:
    kind = "service" if isinstance(operation, (*_SERVICE, RemoveService)) else "server"
    return _SENTENCES.get((kind, number)) or _SENTENCES.get(("any", number), "ip_vs refused {what}")


def _what(operation: Operation) -> str:
    if isinstance(operation, _SERVICE):
        return f"service {operation.service.key}"
    if isinstance(operation, RemoveService):
        return f"service {operation.key}"
    if isinstance(operation, _PUT):
        return f"real_server {operation.destination.key} of service {operation.service}"
    return f"real_server {operation.key} of service {operation.service}"


_SENTENCES: t.Mapping[t.Tuple[str, int], str] = {
    ("service", errno.EEXIST): "{what} exists already",
    ("service", errno.ESRCH): "{what} does not exist",
    ("service", errno.EPROTONOSUPPORT): "{what}: this kernel's ip_vs does not balance the protocol",
    ("server", errno.ENOENT): "{what} does not exist",
    ("server", errno.EEXIST): "{what} exists already",
    ("server", errno.ESRCH): "{what}: the service does not exist",
    ("any", errno.EPERM): _NO_CAPABILITY,
    ("any", errno.EAFNOSUPPORT): "{what}: this kernel's ip_vs has no IPv6 (CONFIG_IP_VS_IPV6)",
    ("any", errno.ENOMEM): "{what}: the kernel has no memory for it",
    ("any", errno.ENOBUFS): "{what}: the kernel has no memory for it",
}

# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ip_vs means by an errno, as a sentence with the object and the remedy."""

from __future__ import annotations

import errno
import os
import typing as t

from ..lvs.operations import AddDestination, AddService, Operation, RemoveService, SetDestination, SetService
from .netlink import Answer

_SERVICE = (AddService, SetService)
_NO_CAPABILITY = "mainstayd may not change ip_vs: it needs the capability CAP_NET_ADMIN"


def refusal_sentence(operation: Operation, answer: Answer) -> str:
    """The kernel's word on one operation, in a sentence."""
    kind = "service" if isinstance(operation, (*_SERVICE, RemoveService)) else "server"
    sentence = _SENTENCES.get((kind, answer.errno)) or _SENTENCES.get(("any", answer.errno), "ip_vs refused {what}")
    said = os.strerror(answer.errno) + (f": {answer.detail}" if answer.detail else "")
    return f"{sentence.format(what=_what(operation), algo=_algo(operation))} ({said})"


def _what(operation: Operation) -> str:
    if isinstance(operation, _SERVICE):
        return f"service {operation.service.key}"
    if isinstance(operation, RemoveService):
        return f"service {operation.key}"
    if isinstance(operation, (AddDestination, SetDestination)):
        return f"real_server {operation.destination.key} of service {operation.service}"
    return f"real_server {operation.key} of service {operation.service}"


def _algo(operation: Operation) -> str:
    return operation.service.lb_algo if isinstance(operation, _SERVICE) else ""


_SENTENCES: t.Mapping[t.Tuple[str, int], str] = {
    ("service", errno.ENOENT): "scheduler {algo} is not in this kernel: load it with 'modprobe ip_vs_{algo}'",
    ("service", errno.EEXIST): "{what} exists already",
    ("service", errno.ESRCH): "{what} does not exist",
    ("server", errno.ENOENT): "{what} does not exist",
    ("server", errno.EEXIST): "{what} exists already",
    ("server", errno.ESRCH): "{what}: the service does not exist",
    ("server", errno.ERANGE): "{what}: the weight is out of the kernel's range",
    ("any", errno.EPERM): _NO_CAPABILITY,
    ("any", errno.EAFNOSUPPORT): "{what}: this kernel's ip_vs has no IPv6 (CONFIG_IP_VS_IPV6)",
    ("any", errno.ENOMEM): "{what}: the kernel has no memory for it",
}

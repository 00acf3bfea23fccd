# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Health checks: one reader for all kinds, and what the options of one check forbid each other."""

from __future__ import annotations

import typing as t

from .check_config import (
    BfdCheck,
    Check,
    DnsCheck,
    FileCheck,
    GreetingCheck,
    GrpcCheck,
    HttpCheck,
    HttpsCheck,
    MiscCheck,
    PingCheck,
    SmtpCheck,
    TcpCheck,
    UdpCheck,
    Url,
)
from .check_faults import check_faults
from .group_text import endpoint_mapping
from .json_text import join
from .nested_items import list_of, short, spelling
from .parts import gathered
from .refused import Refused, suggestion
from .walk import ReadNested, Walk

_BUILD: t.Mapping[str, t.Callable[..., Check]] = {
    "tcp": TcpCheck,
    "http": HttpCheck,
    "https": HttpsCheck,
    "smtp": SmtpCheck,
    "dns": DnsCheck,
    "udp": UdpCheck,
    "ping": PingCheck,
    "misc": MiscCheck,
    "file": FileCheck,
    "bfd": BfdCheck,
    "grpc": GrpcCheck,
    "postgres": GreetingCheck,
    "mysql": GreetingCheck,
    "redis": GreetingCheck,
}


def _check(walk: Walk, value: object, path: str) -> t.Optional[Check]:
    kind = value.get("type") if isinstance(value, t.Mapping) else None
    if kind is None:
        raise Refused(f"must be a mapping with 'type', one of {', '.join(_BUILD)}.")
    if not isinstance(kind, str) or kind not in _BUILD:
        allowed = f"must be one of {', '.join(_BUILD)}."
        walk.note(join(path, "type"), kind, allowed + suggestion(kind, _BUILD))
        return None
    values = walk.section(f"{kind}_check", value, path)
    if values is None:
        return None
    build = _BUILD[kind]
    check = build(**gathered(build, values))
    for key, shown, message in check_faults(check):
        walk.note(join(path, key), shown, message)
    return check


def _item(walk: Walk, item: object, path: str) -> t.Optional[Check]:
    try:
        return _check(walk, item, path)
    except Refused as refusal:
        walk.note(path, item, str(refusal))
        return None


def _url(walk: Walk, item: object, path: str) -> t.Optional[Url]:
    values = walk.section("url", item, path)
    return Url(**values) if values is not None else None


def _endpoint(walk: Walk, item: object, path: str) -> t.Optional[t.Tuple[str, int]]:
    values = short(
        walk, item, path, spelling(endpoint_mapping), lambda mapping: walk.section("endpoint", mapping, path)
    )
    return (values["address"], values.get("port", 25)) if values is not None else None


NESTED_CHECKS: t.Mapping[str, ReadNested] = {
    "check": _check,
    "checks": list_of(1, 16, "checks", _item),
    "urls": list_of(0, 64, "urls", _url),
    "endpoints": list_of(0, 64, "hosts", _endpoint),
}

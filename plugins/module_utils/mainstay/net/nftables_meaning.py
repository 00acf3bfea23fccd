# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an nftables rule does, apart from how a version of nft spells it.

The same function is asked about the rule we would write and about the one that was read; equal answers mean that the
rule is ours. nft leaves out what is the default (a hash's offset), takes names of protocols from /etc/protocols and
shows numbers on a minimal system that has no such file, and orders sets as it likes.
"""

from __future__ import annotations

import json
import socket
import typing as t

from .nftables_names import Json, packed

Meaning = t.Tuple[t.Any, ...]

_NAMES: t.Mapping[t.Any, str] = {6: "tcp", 17: "udp"}


def rule_meaning(rule: Json) -> t.Tuple[Meaning, ...]:
    """Its expressions in order."""
    return tuple(_expression(expression) for expression in rule["expr"])


def protocol_name(shown: t.Any) -> str:
    """tcp or udp, however it is shown."""
    return _NAMES.get(shown, str(shown))


def _expression(expression: Json) -> Meaning:
    ((kind, body),) = expression.items()
    known = _KINDS.get(kind)
    return known(body) if known else (kind, _plain(body))


def _match(body: Json) -> Meaning:
    left, right = body["left"], body["right"]
    if left == {"meta": {"key": "l4proto"}}:
        shown = right["set"] if isinstance(right, dict) else [right]
        return ("protocol", body["op"] == "!=", *sorted(protocol_name(one) for one in shown))
    return ("match", body["op"] == "!=", _plain(left), _plain(right))


def _vmap(body: Json) -> Meaning:
    key, where = body["key"], body["data"]
    if isinstance(where, str):
        return ("lookup", where, _plain(key))
    numbered = sorted(where["set"], key=lambda entry: int(entry[0]))
    return ("row", _choice(key), *((int(number), _plain(verdict)) for number, verdict in numbered))


def _choice(key: Json) -> str:
    ((kind, body),) = key.items()
    return _plain({kind: {word: value for word, value in body.items() if value != 0}})


def _dnat(body: Json) -> Meaning:
    return ("dnat", packed(str(body.get("addr"))), body.get("port", 0))


def _reject(body: t.Optional[Json]) -> Meaning:
    """In a table of both families a bare reject is ICMP port unreachable."""
    said = body or {}
    return ("reject", said.get("type", "icmpx"), said.get("expr", "port-unreachable"))


def _plain(value: t.Any) -> str:
    return json.dumps(_canonical(value), sort_keys=True)


def _canonical(value: t.Any) -> t.Any:
    """Addresses in one spelling."""
    if isinstance(value, dict):
        return {key: _canonical(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_canonical(inner) for inner in value]
    address = packed(value) if isinstance(value, str) else b""
    return socket.inet_ntop(socket.AF_INET6 if len(address) == 16 else socket.AF_INET, address) if address else value


_KINDS: t.Mapping[str, t.Callable[[t.Any], Meaning]] = {
    "match": _match,
    "vmap": _vmap,
    "dnat": _dnat,
    "reject": _reject,
}

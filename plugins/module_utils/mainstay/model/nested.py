# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sections inside sections: addresses, peers, references, commands, keys, pools and checks.

What has a short spelling as text ("eth1 weight -20") is first made the mapping that it stands for. A problem of
such a text is told at the text itself: there is no key below it that a person could look for.
"""

from __future__ import annotations

import functools
import re
import typing as t

from .commands import Command
from .config import Check, HttpCheck, LvsSyncDaemon, RealServer, TcpCheck
from .json_text import children, join
from .options import LEFT_OUT, REFERENCES
from .problems import Problem
from .refused import Refused, suggestion
from .tracking import TrackReference
from .vrrp_config import Authentication, HmacAuthentication, HmacKey, UnicastPeer, VirtualAddress
from .walk import ReadNested, Values, Walk

_CHECKS: t.Mapping[str, t.Tuple[str, t.Callable[..., Check]]] = {
    "tcp": ("tcp_check", TcpCheck),
    "http": ("http_check", HttpCheck),
}
_MAXIMUM_LIST = 1024
_NUMBER = re.compile(r"-?\d{1,10}", re.ASCII)
_AH = (
    "cannot be AH: it would need IPsec between the routers, and MD5 is no protection any more. "
    "Write PASS against mistakes, or auth_hmac against people."
)

_ADDRESS_WORDS = {
    "dev": "dev",
    "label": "label",
    "brd": "brd",
    "broadcast": "brd",
    "scope": "scope",
    "preferred_lft": "preferred_lft",
}
_PEER_WORDS = {"min_ttl": "min_ttl", "max_ttl": "max_ttl"}
_REFERENCE_WORDS = {"weight": "weight"}
_REFERENCE_FLAGS = {"reverse": ("reverse", True), "noreverse": ("reverse", False)}


def _mapping(
    text: str,
    first: str,
    words: t.Mapping[str, str],
    flags: t.Mapping[str, t.Tuple[str, bool]],
    left_out: t.Mapping[str, str],
) -> Values:
    """'NAME weight -20 reverse' as the mapping it stands for. Raises Refused."""
    name, *rest = text.split() or [""]
    mapping: Values = {first: name}
    waiting = rest[::-1]
    while waiting:
        word = waiting.pop()
        if word in left_out and word not in words:
            raise Refused(f"'{word}' is not an option. {left_out[word]}")
        key, value = flags.get(word) or (words.get(word), waiting.pop() if word in words and waiting else None)
        if key is None or value is None or key in mapping:
            raise Refused(f"must read '{first.upper()}', then each at most once: {_syntax(words, flags)}.")
        mapping[key] = int(value) if isinstance(value, str) and _NUMBER.fullmatch(value) else value
    return mapping


def _syntax(words: t.Mapping[str, str], flags: t.Mapping[str, t.Tuple[str, bool]]) -> str:
    return ", ".join([*(f"'{word} VALUE'" for word in words), *(f"'{word}'" for word in flags)])


def _short(
    walk: Walk, item: object, path: str, spelling: t.Callable[[str], Values], read: t.Callable[[object], t.Any]
) -> t.Any:
    """Read an item that may be text; None with problems noted when it is refused."""
    before = len(walk.problems)
    if not isinstance(item, str):
        return read(item)
    try:
        value = read(spelling(item))
    except Refused as refusal:
        walk.note(path, item, str(refusal))
        return None
    walk.problems[before:] = [Problem(path, item, one.message) for one in walk.problems[before:]]
    return value


def _items(
    walk: Walk, value: object, path: str, limits: t.Tuple[int, int], of: str, read: t.Any
) -> t.Tuple[t.Any, ...]:
    minimum, maximum = limits
    if not isinstance(value, (list, tuple)) or not minimum <= len(value) <= maximum:
        raise Refused(f"must be a list of {minimum} to {maximum} {of}.")
    loaded = (read(walk, item, below) for below, item in children(value, path))
    return tuple(item for item in loaded if item is not None)


def _virtual_address(walk: Walk, item: object, path: str) -> t.Optional[VirtualAddress]:
    if not isinstance(item, (str, t.Mapping)):
        walk.note(path, item, "must be '192.0.2.10/24' or a mapping with 'address'.")
        return None
    values = _short(
        walk,
        item,
        path,
        lambda text: _mapping(text, "address", _ADDRESS_WORDS, {}, LEFT_OUT["virtual_address"]),
        lambda mapping: walk.section("virtual_address", mapping, path),
    )
    if values is None:
        return None
    address, prefix_length = values.pop("address")
    wrong = next((key for key in ("label", "brd", "scope") if key in values), None) if ":" in address else None
    if wrong is not None:
        walk.note(path, address, f"is an IPv6 address, which has no {wrong}; leave that out.")
        return None
    return VirtualAddress(address, prefix_length, **values)


def _unicast_peer(walk: Walk, item: object, path: str) -> t.Optional[UnicastPeer]:
    values = _short(
        walk,
        item,
        path,
        lambda text: _mapping(text, "address", _PEER_WORDS, {}, {}),
        lambda mapping: walk.section("unicast_peer", mapping, path),
    )
    return UnicastPeer(**values) if values is not None else None


def _reference(form: str, walk: Walk, item: object, path: str) -> t.Optional[TrackReference]:
    values = _short(
        walk,
        item,
        path,
        lambda text: _mapping(text, "name", _REFERENCE_WORDS, _REFERENCE_FLAGS, {}),
        lambda mapping: walk.section("track_reference", mapping, path, REFERENCES[form]),
    )
    return TrackReference(**values) if values is not None else None


def _command(walk: Walk, value: object, path: str) -> t.Optional[Command]:
    values = _short(
        walk, value, path, lambda text: {"command": text}, lambda mapping: walk.section("command", mapping, path)
    )
    if values is None:
        return None
    return Command(values["command"], values.get("user"), values.get("group"))


def _authentication(walk: Walk, value: object, path: str) -> t.Optional[Authentication]:
    if isinstance(value, t.Mapping) and value.get("auth_type") == "AH":
        walk.note(join(path, "auth_type"), "AH", _AH)
        return None
    values = walk.section("authentication", value, path)
    return Authentication(**values) if values is not None else None


def _hmac_key(walk: Walk, item: object, path: str) -> t.Optional[HmacKey]:
    values = walk.section("hmac_key", item, path)
    if values is None:
        return None
    secret, file = values["key"]
    return HmacKey(values["id"], secret, file)


def _hmac(walk: Walk, value: object, path: str) -> t.Optional[HmacAuthentication]:
    before = len(walk.problems)
    values = walk.section("auth_hmac", value, path)
    return HmacAuthentication(**values) if values is not None and len(walk.problems) == before else None


def _lvs_sync_daemon(walk: Walk, value: object, path: str) -> t.Optional[LvsSyncDaemon]:
    values = walk.section("lvs_sync_daemon", value, path)
    return LvsSyncDaemon(**values) if values is not None else None


def _real_server(walk: Walk, item: object, path: str) -> t.Optional[RealServer]:
    values = walk.section("real_server", item, path)
    return RealServer(**values) if values is not None else None


def _check(walk: Walk, value: object, path: str) -> t.Optional[Check]:
    kind = value.get("type") if isinstance(value, t.Mapping) else None
    if not isinstance(value, t.Mapping) or kind is None:
        raise Refused("must be a mapping with 'type: tcp' or 'type: http'.")
    if not isinstance(kind, str) or kind not in _CHECKS:
        allowed = f"must be one of {', '.join(_CHECKS)}."
        walk.note(join(path, "type"), kind, allowed + suggestion(kind, _CHECKS))
        return None
    section, build = _CHECKS[kind]
    values = walk.section(section, value, path)
    return build(**values) if values is not None else None


def _list_of(minimum: int, maximum: int, of: str, read: t.Any) -> ReadNested:
    return functools.partial(_list, (minimum, maximum), of, read)


def _list(limits: t.Tuple[int, int], of: str, read: t.Any, walk: Walk, value: object, path: str) -> t.Tuple[t.Any, ...]:
    return _items(walk, value, path, limits, of, read)


NESTED: t.Mapping[str, ReadNested] = {
    "virtual_addresses": _list_of(0, 255, "addresses", _virtual_address),
    "many_addresses": _list_of(0, _MAXIMUM_LIST, "addresses", _virtual_address),
    "unicast_peers": _list_of(1, 255, "peers", _unicast_peer),
    **{form: _list_of(0, _MAXIMUM_LIST, "references", functools.partial(_reference, form)) for form in REFERENCES},
    "command": _command,
    "authentication": _authentication,
    "auth_hmac": _hmac,
    "hmac_keys": _list_of(1, 255, "keys", _hmac_key),
    "lvs_sync_daemon": _lvs_sync_daemon,
    "real_servers": _list_of(0, _MAXIMUM_LIST, "real servers", _real_server),
    "check": _check,
}
"""Form -> its reader."""

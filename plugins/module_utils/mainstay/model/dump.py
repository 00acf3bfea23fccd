# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a Config back to the document that means it: load_config(config_document(c)) == c."""

from __future__ import annotations

import functools
import json
import operator
import shlex
import typing as t
from dataclasses import asdict, fields, replace

from .address_readers import FOREVER
from .byte_text import bytes_text, nibbles_text
from .check_config import Check
from .commands import Command
from .config import Config
from .group_text import endpoint_text, entry_text
from .lvs_config import RealServer, SorryServer
from .lvs_defaults import but_address
from .options import FORMS, SECTIONS, TOP_LEVEL, TOP_LISTS, Option
from .parts import keys_of, option_value
from .route_text import route_text
from .rule_text import rule_text
from .sha256 import sha256
from .tracking import TrackReference
from .units import NANOSECONDS_PER_SECOND, as_seconds
from .vrrp_config import HmacKey, UnicastPeer, VirtualAddress

Document = t.Dict[str, t.Any]

HIDDEN = "(not shown)"
"""Stands where a secret stood."""


def config_document(config: Config) -> Document:
    """JSON-able; every option that has a value is spelt out, defaults too, durations in seconds.

    Secrets are in it: it is for workers and for files that nobody else reads, see `without_secrets`.
    """
    document = _unnamed(config)
    for key, section in _NAMED.items():
        document[key] = {name: _section(section, entry) for name, entry in getattr(config, key).items()}
    return document


def config_text(config: Config) -> t.Iterator[str]:
    """The same as JSON, piece by piece: as a whole, ten thousand servers would take 16 MB for a moment."""
    yield json.dumps(_unnamed(config))[:-1]
    for key, section in _NAMED.items():
        yield f', "{key}": {{'
        separator = ""
        for name, entry in getattr(config, key).items():
            yield f"{separator}{json.dumps(name)}: {json.dumps(_section(section, entry))}"
            separator = ", "
        yield "}"
    yield "}"


_NAMED = {key: section for key, section in TOP_LEVEL.items() if key != "global_defs"}


def _unnamed(config: Config) -> Document:
    """What is no mapping of named objects."""
    lists = {key: getattr(config, key) for key in TOP_LISTS if getattr(config, key)}
    spelt = {key: _spelt(SECTIONS["statics"][key].form, items) for key, items in lists.items()}
    return {"global_defs": _section("global_defs", config.global_defs), **spelt}


def brief_document(config: Config) -> Document:
    """The same without what is as it is by default: for those of our own processes that fill in the same defaults."""
    document: Document = {"global_defs": _brief("global_defs", config.global_defs)}
    document.update(
        {key: _spelt(SECTIONS["statics"][key].form, getattr(config, key)) for key in TOP_LISTS if getattr(config, key)}
    )
    for key, section in TOP_LEVEL.items():
        if key != "global_defs":
            document[key] = {name: _brief(section, entry) for name, entry in getattr(config, key).items()}
    return document


def without_secrets(config: Config) -> Config:
    """The same without passwords and keys: for files that only have to tell what is ours in the kernel."""
    bare = {
        name: replace(instance, authentication=None, auth_hmac=None)
        for name, instance in config.vrrp_instances.items()
        if instance.authentication is not None or instance.auth_hmac is not None
    }
    return replace(config, vrrp_instances={**config.vrrp_instances, **bare}) if bare else config


def hide_secrets(document: t.Any) -> t.Any:
    """A copy of a document, or of a part of it, with HIDDEN for every secret: for people."""
    if isinstance(document, t.Mapping):
        shown = {key: _hidden(key, item) for key, item in document.items()}
        return {**shown, "headers": dict.fromkeys(document["headers"], HIDDEN)} if _has_headers(document) else shown
    if isinstance(document, (list, tuple)):
        return [hide_secrets(item) for item in document]
    return document


def secrets_in(document: t.Any, path: str = "") -> t.Dict[str, str]:
    """What `hide_secrets` hides, by path: to see whether two documents agree in it, and for nothing else."""
    entries = document.items() if isinstance(document, t.Mapping) else enumerate(document)
    found: t.Dict[str, str] = {}
    for key, item in entries:
        if key in _SECRETS and isinstance(item, str):
            found[f"{path}.{key}"] = item
        elif isinstance(item, (t.Mapping, list, tuple)):
            found.update(secrets_in(item, f"{path}.{key}" if path else str(key)))
    if _has_headers(document):
        found.update({f"{path}.headers.{name}": value for name, value in document["headers"].items()})
    return found


def _has_headers(document: t.Any) -> bool:
    """Is it a check with header fields? Any of them may let somebody in: Authorization, Cookie, X-Token."""
    is_check = isinstance(document, t.Mapping) and document.get("type") in ("http", "https")
    return is_check and isinstance(document.get("headers"), t.Mapping)


def _hidden(key: str, item: t.Any) -> t.Any:
    # A mapping below such a key is an object that has it for a name.
    return HIDDEN if key in _SECRETS and isinstance(item, str) else hide_secrets(item)


_SECRETS = frozenset(key for options in SECTIONS.values() for key, option in options.items() if option.secret)


def seconds_in_file(duration: int) -> t.Union[int, float]:
    """Nanoseconds as a file spells them: a whole number where it is one."""
    whole, rest = divmod(duration, NANOSECONDS_PER_SECOND)
    return as_seconds(duration) if rest else whole


def _section(section: str, value: object) -> Document:
    spelt = {}
    for key, option in SECTIONS[section].items():
        item = option_value(value, key)
        if not _left_out(option, item):
            spelt[key] = _spelt(option.form, item)
    return spelt


def _left_out(option: Option, item: object) -> bool:
    return item is None or (item == () and option.default is None)


def _brief(section: str, value: object) -> Document:
    kind: t.Any = type(value)
    names, read, defaults = _fields(kind)
    changed = [name for name, item, default in zip(names, read(value), defaults) if item != default]
    spelt = {}
    for key in (key for name in changed for key in keys_of(name)):
        option = SECTIONS[section].get(key)
        item = None if option is None else option_value(value, key)
        if option is not None and not _left_out(option, item):
            spelt[key] = _BRIEF[option.form](item) if option.form in _BRIEF else _spelt(option.form, item)
    return spelt


@functools.cache
def _fields(kind: t.Any) -> t.Tuple[t.Tuple[str, ...], t.Callable[[object], t.Tuple[t.Any, ...]], t.List[t.Any]]:
    """Names of a dataclass's fields, what reads them all at once, and their defaults."""
    compared = [field for field in fields(kind) if field.compare]
    names = tuple(field.name for field in compared)
    return names, operator.attrgetter(*names), [field.default for field in compared]


def _spelt(form: str, value: t.Any) -> t.Any:
    if form in _WRITERS:
        return _WRITERS[form](value)
    return list(value) if FORMS[form].ansible_type == "list" else value


def _short(first: str, mapping: t.Mapping[str, t.Any]) -> t.Union[str, Document]:
    """The short spelling when the first key says all."""
    given = {key: value for key, value in mapping.items() if value is not None}
    return given if len(given) > 1 else str(given[first])


def _virtual_address(address: VirtualAddress) -> t.Union[str, Document]:
    lifetime = None if address.preferred_lft is None else _lifetime(address.preferred_lft)
    mapping = {key: getattr(address, key) for key in ("dev", "label", "brd", "scope")}
    text = f"{address.address}/{address.prefix_length}"
    return _short("address", {"address": text, **mapping, "preferred_lft": lifetime})


def _lifetime(duration: int) -> t.Union[int, str]:
    whole = duration // NANOSECONDS_PER_SECOND
    return "forever" if whole == FOREVER else whole


def _unicast_peer(peer: UnicastPeer) -> t.Union[str, Document]:
    return _short("address", asdict(peer))


def _references(references: t.Iterable[TrackReference]) -> t.List[t.Union[str, Document]]:
    return [_short("name", asdict(reference)) for reference in references]


def _command(command: Command) -> t.Union[str, Document]:
    mapping = {"command": shlex.join(command.argv), "user": command.user, "group": command.group}
    return _short("command", mapping)


def _hmac_key(key: HmacKey) -> Document:
    return {"id": key.key_id, "key": f"hex:{key.secret.hex()}" if key.file is None else f"file:{key.file}"}


def _status_codes(ranges: t.Iterable[t.Tuple[int, int]]) -> t.List[t.Union[int, str]]:
    return [low if low == high else f"{low}-{high}" for low, high in ranges]


def _sorry_server(server: SorryServer) -> str:
    return endpoint_text(server.address, server.port)


def _check(check: Check) -> Document:
    return _section(f"{check.type}_check", check)


def _list_of(write: t.Callable[[t.Any], t.Any]) -> t.Callable[[t.Any], t.Any]:
    return lambda items: [write(item) for item in items]


def _mapping_of(section: str) -> t.Callable[[t.Any], t.Any]:
    return lambda value: _section(section, value)


def _pool_of(write: t.Callable[[RealServer], Document]) -> t.Callable[[t.Sequence[RealServer]], t.List[Document]]:
    return lambda servers: list(_pool(write, servers))


def _pool(write: t.Callable[[RealServer], Document], servers: t.Sequence[RealServer]) -> t.Iterator[Document]:
    said: t.Tuple[t.Any, ...] = ()
    example: Document = {}
    for server in servers:
        words = but_address(server)
        if words != said:
            said, example = words, write(server)
        yield {**example, "address": server.address}


_WRITERS: t.Mapping[str, t.Callable[[t.Any], t.Any]] = {
    "seconds": seconds_in_file,
    "lifetime": _lifetime,
    "virtual_addresses": _list_of(_virtual_address),
    "many_addresses": _list_of(_virtual_address),
    "unicast_peers": _list_of(_unicast_peer),
    "tracked_interfaces": _references,
    "tracked": _references,
    "tracked_widely": _references,
    "command": _command,
    "process": shlex.join,
    "routes": _list_of(route_text),
    "rules": _list_of(rule_text),
    "authentication": _mapping_of("authentication"),
    "auth_hmac": _mapping_of("auth_hmac"),
    "hmac_keys": _list_of(_hmac_key),
    "lvs_sync_daemon": _mapping_of("lvs_sync_daemon"),
    "status_codes": _status_codes,
    "real_servers": _pool_of(lambda server: _section("real_server", server)),
    "sorry_server": _sorry_server,
    "group_entries": _list_of(entry_text),
    "lvs_timeouts": _mapping_of("lvs_timeouts"),
    "check": _check,
    "checks": _list_of(_check),
    "urls": _list_of(_mapping_of("url")),
    "endpoints": _list_of(lambda endpoint: endpoint_text(*endpoint)),
    "headers": dict,
    "conversation": bytes_text,
    "hex_bytes": bytes.hex,
    "hex_pattern": nibbles_text,
}


def _brief_check(check: Check) -> Document:
    return {"type": check.type, **_brief(f"{check.type}_check", check)}


_BRIEF: t.Mapping[str, t.Callable[[t.Any], t.Any]] = {
    "real_servers": _pool_of(lambda server: _brief("real_server", server)),
    "check": _brief_check,
    "checks": _list_of(_brief_check),
}
"""Of what there may be ten thousand."""


def config_digest(config: Config) -> str:
    """SHA-256 in hexadecimal of what the configuration means: the spelling and the split into files do not count."""
    canonical = json.dumps(config_document(config), sort_keys=True, separators=(",", ":"))
    return sha256(canonical.encode("ascii"))

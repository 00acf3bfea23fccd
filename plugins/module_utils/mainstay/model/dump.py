# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a Config back to the document that means it: load_config(config_document(c)) == c."""

from __future__ import annotations

import hashlib
import json
import typing as t

from .config import Config, VirtualAddress
from .options import SECTIONS, TOP_LEVEL
from .units import NANOSECONDS_PER_SECOND, as_seconds

Document = t.Dict[str, t.Any]


def config_document(config: Config) -> Document:
    """JSON-able; every option that has a value is spelt out, defaults too, durations in seconds."""
    document: Document = {"global_defs": _section("global_defs", config.global_defs)}
    for key in ("vrrp_instances", "virtual_servers"):
        entries = getattr(config, key)
        document[key] = {name: _section(TOP_LEVEL[key], entry) for name, entry in entries.items()}
    return document


def seconds_in_file(duration: int) -> t.Union[int, float]:
    """Nanoseconds as a file spells them: a whole number where it is one."""
    whole, rest = divmod(duration, NANOSECONDS_PER_SECOND)
    return as_seconds(duration) if rest else whole


def _section(section: str, value: object) -> Document:
    spelt = {key: _spelt(option.form, getattr(value, key)) for key, option in SECTIONS[section].items()}
    return {key: item for key, item in spelt.items() if item is not None}


def _spelt(form: str, value: t.Any) -> t.Any:
    if value is None:
        return None
    return _WRITERS.get(form, _unchanged)(value)


def _unchanged(value: t.Any) -> t.Any:
    return value


def _virtual_address(address: VirtualAddress) -> t.Union[str, Document]:
    """The short spelling when the address says all."""
    text = f"{address.address}/{address.prefix_length}"
    more = {"dev": address.dev, "label": address.label}
    given = {key: value for key, value in more.items() if value is not None}
    return {"address": text, **given} if given else text


def _status_codes(ranges: t.Iterable[t.Tuple[int, int]]) -> t.List[t.Union[int, str]]:
    return [low if low == high else f"{low}-{high}" for low, high in ranges]


_WRITERS: t.Mapping[str, t.Callable[[t.Any], t.Any]] = {
    "seconds": seconds_in_file,
    "virtual_addresses": lambda addresses: [_virtual_address(address) for address in addresses],
    "status_codes": _status_codes,
    "real_servers": lambda servers: [_section("real_server", server) for server in servers],
    "check": lambda check: _section(f"{check.type}_check", check),
}


def config_digest(config: Config) -> str:
    """SHA-256 in hexadecimal of what the configuration means: the spelling and the split into files do not count."""
    canonical = json.dumps(config_document(config), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()

# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a JSON document to a validated Config, or to every problem at once.

Theory of operation. A `_Loader` walks the document beside the option table: unknown keys are refused with a
suggestion, each known key is read by the reader of its form, a problem is noted at its path and the walk
goes on. Only sections without a problem become values; what spans several of them (consistency.py) is
checked on those. If anything was noted, ConfigError carries all of it and there is no Config.

null means "not given": the default holds. Ansible writes it for options left out.
"""

from __future__ import annotations

import re
import typing as t

from .config import (
    Check,
    Config,
    GlobalDefs,
    HttpCheck,
    RealServer,
    TcpCheck,
    VirtualAddress,
    VirtualServer,
    VrrpInstance,
)
from .consistency import contradictions
from .json_text import children, join, parse_json
from .options import LEFT_OUT, SECTIONS, TOP_LEVEL, Option
from .problems import ConfigError, Problem
from .readers import READERS, Refused, suggestion

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:@+-]{0,63}")
_NAME_RULE = (
    "is no usable name: it takes 1 to 64 of the characters A-Z a-z 0-9 _ . : @ + -, beginning with a letter, "
    "a digit or _."
)
_CHECKS: t.Mapping[str, t.Tuple[str, t.Callable[..., Check]]] = {
    "tcp": ("tcp_check", TcpCheck),
    "http": ("http_check", HttpCheck),
}
_KEEPALIVED_ADDRESS_WORDS = ("brd", "broadcast", "scope", "nopreferred")
_MAXIMUM_LIST = 1024

Values = t.Dict[str, t.Any]


def parse_config(text: str) -> Config:
    """The configuration that the JSON text spells. Raises ConfigError with every problem."""
    return load_config(parse_json(text))


def load_config(document: object) -> Config:
    """The configuration that the parsed document (a mapping) means. Raises ConfigError with every problem."""
    loader = _Loader()
    config = loader.config(document)
    if loader.problems:
        raise ConfigError(loader.problems)
    return config


class _Loader:
    """One walk through one document; collects the problems on the way."""

    def __init__(self) -> None:
        self.problems: t.List[Problem] = []
        self._nested: t.Mapping[str, t.Callable[[object, str], object]] = {
            "virtual_addresses": self._virtual_addresses,
            "real_servers": self._real_servers,
            "check": self._check,
        }

    def config(self, document: object) -> Config:
        """The whole; meaningful only when no problem was noted."""
        if not isinstance(document, t.Mapping):
            self._note("(file)", document, "must be a mapping with " + ", ".join(TOP_LEVEL) + ".")
            return Config()
        self._refuse_unknown(document, TOP_LEVEL, "", {})
        given = document.get("global_defs")
        global_values = self._section("global_defs", {} if given is None else given, "global_defs")
        config = Config(
            global_defs=GlobalDefs(**(global_values or {})),
            vrrp_instances=self._named(document, "vrrp_instances", VrrpInstance),
            virtual_servers=self._named(document, "virtual_servers", VirtualServer),
        )
        self.problems.extend(contradictions(config))
        return config

    def _note(self, path: str, value: object, message: str) -> None:
        self.problems.append(Problem(path, value, message))

    def _named(self, document: t.Mapping[str, object], key: str, build: t.Callable[..., t.Any]) -> Values:
        """A mapping by name, of the entries that have no problem."""
        entries = document.get(key)
        if entries is None:
            return {}
        if not isinstance(entries, t.Mapping):
            self._note(key, entries, "must be a mapping: a name, and below it the options.")
            return {}
        loaded = {}
        for name, entry in entries.items():
            values = self._named_entry(TOP_LEVEL[key], name, entry, join(key, name))
            if values is not None:
                loaded[name] = build(name=name, **values)
        return loaded

    def _named_entry(self, section: str, name: object, entry: object, path: str) -> t.Optional[Values]:
        before = len(self.problems)
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            self._note(path, None, _NAME_RULE)
        values = self._section(section, entry, path)
        return values if len(self.problems) == before else None

    def _section(self, section: str, document: object, path: str) -> t.Optional[Values]:
        """The values of one section by attribute name; None when anything in it is refused."""
        if not isinstance(document, t.Mapping):
            self._note(path, document, "must be a mapping of options.")
            return None
        before = len(self.problems)
        options = SECTIONS[section]
        self._refuse_unknown(document, options, path, LEFT_OUT.get(section, {}))
        values: Values = {}
        for key, option in options.items():
            self._option(key, option, document.get(key), join(path, key), values)
        return values if len(self.problems) == before else None

    def _option(self, key: str, option: Option, value: object, path: str, values: Values) -> None:
        if value is None:
            if option.required:
                self._note(path, None, f"is missing; it must be {option.expected}.")
            return
        try:
            if option.form in self._nested:
                values[key] = self._nested[option.form](value, path)
            else:
                values[key] = READERS[option.form](value, option)
        except Refused as refusal:
            self._note(path, value, str(refusal))

    def _refuse_unknown(
        self,
        document: t.Mapping[str, object],
        known: t.Collection[str],
        path: str,
        left_out: t.Mapping[str, str],
    ) -> None:
        for key in document:
            if key in left_out:
                self._note(join(path, key), None, f"is not an option. {left_out[key]}")
            elif key not in known:
                hint = suggestion(key, known) or " Known here: " + ", ".join(known) + "."
                self._note(join(path, key), None, "is not an option." + hint)

    def _virtual_addresses(self, value: object, path: str) -> t.Tuple[VirtualAddress, ...]:
        items = _list(value, 1, 255, "addresses")
        loaded = (self._virtual_address(item, below) for below, item in children(items, path))
        return tuple(address for address in loaded if address is not None)

    def _virtual_address(self, item: object, path: str) -> t.Optional[VirtualAddress]:
        before = len(self.problems)
        try:
            values = self._section("virtual_address", _address_mapping(item), path)
        except Refused as refusal:
            self._note(path, item, str(refusal))
            return None
        if isinstance(item, str):  # there is no key below it that a person could look for
            self.problems[before:] = [Problem(path, item, one.message) for one in self.problems[before:]]
        if values is None:
            return None
        address, prefix_length = values.pop("address")
        return VirtualAddress(address, prefix_length, **values)

    def _real_servers(self, value: object, path: str) -> t.Tuple[RealServer, ...]:
        items = _list(value, 0, _MAXIMUM_LIST, "real servers")
        sections = (self._section("real_server", item, below) for below, item in children(items, path))
        return tuple(RealServer(**values) for values in sections if values is not None)

    def _check(self, value: object, path: str) -> t.Optional[Check]:
        kind = value.get("type") if isinstance(value, t.Mapping) else None
        if not isinstance(value, t.Mapping) or kind is None:
            raise Refused("must be a mapping with 'type: tcp' or 'type: http'.")
        if not isinstance(kind, str) or kind not in _CHECKS:
            allowed = f"must be one of {', '.join(_CHECKS)}."
            self._note(join(path, "type"), kind, allowed + suggestion(kind, _CHECKS))
            return None
        section, build = _CHECKS[kind]
        values = self._section(section, value, path)
        return build(**values) if values is not None else None


def _address_mapping(item: object) -> object:
    """'192.0.2.10/24 dev eth1 label eth0:1' as the mapping it stands for."""
    if isinstance(item, t.Mapping):
        return item
    if not isinstance(item, str):
        raise Refused("must be '192.0.2.10/24' or a mapping with 'address'.")
    address, *words = item.split() or [""]
    mapping = {"address": address}
    for keyword, value in zip(words[::2], words[1::2] + [""]):
        if keyword in _KEEPALIVED_ADDRESS_WORDS:
            raise Refused(f"'{keyword}' is not supported; leave it out. Allowed are dev and label.")
        if keyword not in ("dev", "label") or keyword in mapping or not value:
            raise Refused("must read 'ADDRESS/LENGTH', then optionally 'dev INTERFACE' and 'label LABEL'.")
        mapping[keyword] = value
    return mapping


def _list(value: object, minimum: int, maximum: int, of: str) -> t.Sequence[object]:
    if not isinstance(value, (list, tuple)) or not minimum <= len(value) <= maximum:
        raise Refused(f"must be a list of {minimum} to {maximum} {of}.")
    return value

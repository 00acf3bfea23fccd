# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""libnftables without a kernel: keeps what the JSON commands of the engine put there, transaction by transaction.

And the netlink socket beside it, which tells of the same tables.
"""

from __future__ import annotations

import copy
import errno
import json
import os
import re
import socket
import struct
import typing as t

from mainstay.net.netlink import Message, decode, encode

_GET_TABLE, _GET_CHAIN, _GET_GENERATION = 0x0A01, 0x0A04, 0x0A10

Json = dict[str, t.Any]

NOT_THERE = "internal:0:0-0: Error: Could not process rule: No such file or directory\n\n"


class NotThere(Exception):
    """A command names an object that is not there."""


class Table:
    def __init__(self) -> None:
        self.flags = 0
        self.chains: dict[str, Json] = {}
        self.rules: dict[str, list[Json]] = {}
        self.maps: dict[str, Json] = {}
        self.elements: dict[str, dict[str, Json]] = {}
        """Of each map: the value as JSON text, the verdict."""
        self.sets: dict[str, Json] = {}


class Library:
    """Stands for the module `nftables` and for its Nftables class at once."""

    def __init__(self) -> None:
        self.tables: dict[str, Table] = {}
        self.complaint = ""
        """What every command is answered with, when set."""
        self.refuses: t.Callable[[Json], bool] = lambda command: False
        self.transactions = 0
        self.listings = 0
        self.terse = False
        self.sockets = 0
        """Open ones."""
        self._generation, self._seen = 7, "[]"
        self.errno = 0
        """What every question over netlink is answered with, when set."""

    def Nftables(self) -> Library:  # noqa: N802  # the library's own name
        return self

    def set_json_output(self, _on: bool) -> None: ...

    def set_terse_output(self, on: bool) -> None:
        self.terse = on

    def json_cmd(self, document: Json) -> tuple[int, t.Union[Json, str], str]:
        """All of the commands or none."""
        if self.complaint:
            return -1, "", self.complaint
        self.generation()
        before = copy.deepcopy(self.tables)
        printed: list[Json] = [{"metainfo": {}}]
        try:
            for command in document["nftables"]:
                ((verb, what),) = command.items()
                ((kind, body),) = what.items()
                if self.refuses(body):
                    raise NotThere
                assert self.terse == (what.keys() == {"table"} and verb == "list"), "lists of clients are none of ours"
                printed += getattr(self, f"_{verb}")(kind, body) or []
        except (NotThere, KeyError):
            self.tables = before
            return -1, "", NOT_THERE
        if verb != "list":
            self.transactions += 1
            return 0, "", ""
        return 0, {"nftables": printed}, ""

    def table(self) -> Table:
        return self.tables["mainstay"]

    def open_socket(self, _protocol: int) -> Library:
        """Stands for netlink.KernelSocket."""
        self.sockets += 1
        return self

    def close(self) -> None:
        self.sockets -= 1

    def generation(self) -> int:
        """One more for whatever has changed since the last question, by our commands or behind our back."""
        seen = repr([(name, vars(table)) for name, table in self.tables.items()])
        if seen != self._seen:
            self._generation, self._seen = self._generation + 1, seen
        return self._generation

    def ask(self, message: Message) -> bytes:
        if message.kind == _GET_GENERATION:
            self._complain(0)
            return _netlink((1, struct.pack("!I", self.generation())))
        assert message.kind == _GET_TABLE
        name = decode(message.body, 4)[1].rstrip(b"\0").decode()
        self._complain(0 if name in self.tables else errno.ENOENT)
        return _netlink((1, name.encode() + b"\0"), (2, struct.pack("!I", self.tables[name].flags)))

    def dump(self, message: Message) -> list[bytes]:
        assert message.kind == _GET_CHAIN
        self._complain(0)
        return [
            _netlink((1, table.encode() + b"\0"), (3, chain.encode() + b"\0"))
            for table, held in self.tables.items()
            for chain in held.chains
        ]

    def _complain(self, number: int) -> None:
        if self.errno or number:
            raise OSError(self.errno or number, os.strerror(self.errno or number))

    def _list(self, kind: str, body: Json) -> list[Json]:
        if kind == "map":
            return self._list_map(self.tables[body["table"]], body["name"])
        assert kind == "table", "a listing of all tables meets the flags of other people's"
        self.listings += 1
        held = self.tables[body["name"]]
        if held.flags:
            raise ValueError("Expecting value: line 2 column 1 (char 66)")  # as nft 1.0.6 does it on a bad day
        printed: list[Json] = [{"table": {"family": "inet", "name": body["name"], "handle": 1}}]
        printed += [{"map": one} for one in held.maps.values()] + [{"set": one} for one in held.sets.values()]
        printed += [{"chain": chain} for chain in held.chains.values()]
        return printed + [{"rule": _as_printed(rule)} for rules in held.rules.values() for rule in rules]

    def _list_map(self, held: Table, name: str) -> list[Json]:
        elements = [[json.loads(value), verdict] for value, verdict in held.elements[name].items()]
        return [{"map": {**held.maps[name], **({"elem": elements} if elements else {})}}]

    def _add(self, kind: str, body: Json) -> None:
        if kind == "table":
            self.tables.setdefault(body["name"], Table())
            return
        held = self.tables[body["table"]]
        if kind == "chain":
            held.chains.setdefault(body["name"], body)
            held.rules.setdefault(body["name"], [])
        elif kind == "map":
            held.maps.setdefault(body["name"], body)
            held.elements.setdefault(body["name"], {})
        elif kind == "set":
            if body["name"] in held.sets:
                raise NotThere  # the kernel says "exists": rules that write into a set change it
            held.sets[body["name"]] = body
        elif kind == "element":
            ((value, verdict),) = body["elem"]
            self._known_targets(held, verdict)
            held.elements[body["name"]][json.dumps(value)] = verdict
        else:
            self._known_targets(held, body["expr"])
            held.rules[body["chain"]].append({**body, "handle": 1})

    def _flush(self, kind: str, body: Json) -> None:
        self.tables[body["table"]].rules[body["name"]].clear()

    def _delete(self, kind: str, body: Json) -> None:
        if kind == "table":
            del self.tables[body["name"]]
            return
        held = self.tables[body["table"]]
        if kind == "chain":
            name = body["name"]
            if name in _targets([held.rules, held.elements]):
                raise NotThere  # the kernel says "busy"; either way it is refused
            del held.chains[name], held.rules[name]
        elif kind == "set":
            if f'"@{body["name"]}"' in json.dumps(held.rules):
                raise NotThere
            del held.sets[body["name"]]
        else:
            del held.elements[body["name"]][json.dumps(body["elem"][0])]

    def _known_targets(self, held: Table, expression: t.Any) -> None:
        asked = {name[1:] for name in re.findall(r'"(@[^"]+)"', json.dumps(expression))}
        if not (_targets(expression) <= set(held.chains) and asked <= {*held.maps, *held.sets}):
            raise NotThere


def _netlink(*attributes: tuple[int, bytes]) -> bytes:
    return struct.pack("!BBH", socket.AF_INET, 0, 0) + encode(attributes)


def _targets(value: t.Any) -> set[str]:
    """Every chain that a goto anywhere inside leads to."""
    if isinstance(value, dict):
        found = {value[word]["target"] for word in ("goto", "jump") if word in value}
        return found.union(*map(_targets, value.values())) if value else found
    if isinstance(value, list):
        return set().union(*map(_targets, value)) if value else set()
    return set()


def _as_printed(value: t.Any) -> t.Any:
    """nft leaves out a hash's offset of 0, but not a counter's."""
    if isinstance(value, dict):
        kept = {key: _as_printed(inner) for key, inner in value.items()}
        if "jhash" in kept:
            kept["jhash"].pop("offset", None)
        return kept
    return [_as_printed(inner) for inner in value] if isinstance(value, list) else value

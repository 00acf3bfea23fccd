# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""libnftables without a kernel: keeps what the JSON commands of the engine put there, transaction by transaction."""

from __future__ import annotations

import copy
import typing as t

Json = dict[str, t.Any]

NOT_THERE = "internal:0:0-0: Error: Could not process rule: No such file or directory\n\n"


class NotThere(Exception):
    """A command names an object that is not there."""


class Table:
    def __init__(self) -> None:
        self.chains: dict[str, Json] = {}
        self.rules: dict[str, list[Json]] = {}
        self.maps: dict[str, Json] = {}
        self.elements: dict[tuple[t.Any, ...], Json] = {}


class Library:
    """Stands for the module `nftables` and for its Nftables class at once."""

    def __init__(self) -> None:
        self.tables: dict[str, Table] = {}
        self.complaint = ""
        """What every command is answered with, when set."""
        self.refuses: t.Callable[[Json], bool] = lambda command: False
        self.transactions = 0

    def Nftables(self) -> Library:  # noqa: N802  # the library's own name
        return self

    def set_json_output(self, _on: bool) -> None: ...

    def json_cmd(self, document: Json) -> tuple[int, t.Union[Json, str], str]:
        """All of the commands or none."""
        if self.complaint:
            return -1, "", self.complaint
        before = copy.deepcopy(self.tables)
        printed: list[Json] = [{"metainfo": {}}]
        try:
            for command in document["nftables"]:
                ((verb, what),) = command.items()
                ((kind, body),) = what.items()
                if self.refuses(body):
                    raise NotThere
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

    def _list(self, kind: str, body: Json) -> list[Json]:
        if kind == "tables":
            return [{"table": {"family": "ip", "name": name}} for name in self.tables]
        held = self.tables[body["name"]]
        elements = [[{"concat": list(key)}, verdict] for key, verdict in held.elements.items()]
        printed: list[Json] = [{"table": {"family": "ip", "name": body["name"], "handle": 1}}]
        printed += [{"map": {**one, **({"elem": elements} if elements else {})}} for one in held.maps.values()]
        printed += [{"chain": chain} for chain in held.chains.values()]
        return printed + [{"rule": _as_printed(rule)} for rules in held.rules.values() for rule in rules]

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
        elif kind == "element":
            held.maps[body["name"]]
            ((key, verdict),) = body["elem"]
            self._known_targets(held, verdict)
            held.elements[tuple(key["concat"])] = verdict
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
        else:
            del held.elements[tuple(body["elem"][0]["concat"])]

    def _known_targets(self, held: Table, expression: t.Any) -> None:
        if not _targets(expression) <= set(held.chains):
            raise NotThere


def _targets(value: t.Any) -> set[str]:
    """Every chain that a goto anywhere inside leads to."""
    if isinstance(value, dict):
        found = {value["goto"]["target"]} if "goto" in value else set()
        return found.union(*map(_targets, value.values())) if value else found
    if isinstance(value, list):
        return set().union(*map(_targets, value)) if value else set()
    return set()


def _as_printed(value: t.Any) -> t.Any:
    """nft leaves out a hash's offset of 0, but not a counter's."""
    if isinstance(value, dict):
        hidden = "jhash" if "jhash" in value else ""
        kept = {key: _as_printed(inner) for key, inner in value.items()}
        if hidden:
            kept["jhash"].pop("offset", None)
        return kept
    return [_as_printed(inner) for inner in value] if isinstance(value, list) else value

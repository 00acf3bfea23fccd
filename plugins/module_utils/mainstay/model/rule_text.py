# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Policy rules as text, in the words of "ip rule add" and of keepalived: text -> Rule -> text."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from .routing import Rule
from .routing_words import (
    LARGEST,
    FamilyVotes,
    Words,
    read_device,
    read_mark,
    read_network,
    read_number,
    read_table,
    unknown_word,
)

ACTIONS = ("blackhole", "unreachable", "prohibit")


@dataclass
class _Draft:
    family: FamilyVotes = field(default_factory=FamilyVotes)
    values: t.Dict[str, t.Any] = field(default_factory=dict)


def parse_rule(text: str) -> Rule:
    """Read one rule. Raises ValueError with a sentence."""
    words, draft = Words(text), _Draft()
    if not words:
        raise ValueError("is empty; write a rule such as from 192.0.2.0/24 table 100 priority 1000.")
    while words:
        word = words.next()
        if word not in _READERS:
            raise unknown_word(word, _READERS, _LEFT_OUT)
        _READERS[word](words, draft, word)
    rule = Rule(family=draft.family.family or 4, **draft.values)
    if rule.kind == "table" and rule.table is None:
        raise ValueError("says not what to do: table N, blackhole, unreachable or prohibit.")
    if rule.priority is None:
        raise ValueError("names no priority: an invented one would differ from machine to machine.")
    return rule


def rule_text(rule: Rule) -> str:
    """The canonical text of a rule."""
    parts = ["not"] if rule.inverted else []
    parts += _selector_text(rule)
    for keyword in ("iif", "oif"):
        value = getattr(rule, keyword)
        parts += [] if value is None else [keyword, value]
    if rule.fwmark is not None:
        parts += ["fwmark", f"{rule.fwmark:#x}" + ("" if rule.fwmask is None else f"/{rule.fwmask:#x}")]
    parts += [] if rule.tos is None else ["tos", f"{rule.tos:#x}"]
    parts += ["table", str(rule.table)] if rule.kind == "table" else [rule.kind]
    return " ".join([*parts, "priority", str(rule.priority)])


def _selector_text(rule: Rule) -> t.List[str]:
    parts = [] if rule.from_ is None else ["from", rule.from_]
    parts += [] if rule.to is None else ["to", rule.to]
    # Without an address nothing else says that it is a rule of IPv6.
    return ["from", "::/0"] if not parts and rule.family == 6 else parts


def _read_prefix(words: Words, draft: _Draft, keyword: str) -> None:
    words.once(keyword, keyword)
    text = words.value(keyword)
    if text in ("all", "any", "default"):
        return
    network = read_network(text, keyword)
    draft.family.add(network.version, f"{keyword} {text}")
    draft.values["from_" if keyword == "from" else "to"] = str(network) if network.prefixlen else None


def _read_not(words: Words, draft: _Draft, keyword: str) -> None:
    words.once("not", keyword)
    draft.values["inverted"] = True


def _read_family(words: Words, draft: _Draft, keyword: str) -> None:
    words.once("the family", keyword)
    draft.family.add({"inet": 4, "-4": 4}.get(keyword, 6), keyword)


def _read_device(words: Words, draft: _Draft, keyword: str) -> None:
    meaning = "oif" if keyword == "oif" else "iif"
    words.once(meaning, keyword)
    draft.values[meaning] = read_device(words.value(keyword), keyword)


def _read_fwmark(words: Words, draft: _Draft, keyword: str) -> None:
    words.once("the mark", keyword)
    mark, slash, mask = words.value(keyword).partition("/")
    draft.values["fwmark"] = read_mark(mark, keyword)
    found = read_mark(mask, "the mask of fwmark") if slash else LARGEST
    draft.values["fwmask"] = None if found == LARGEST else found
    if draft.values["fwmark"] & ~found:
        raise ValueError(f"fwmark {mark}/{mask} never matches: the mark has bits outside of its mask.")


def _read_tos(words: Words, draft: _Draft, keyword: str) -> None:
    words.once("tos", keyword)
    text = words.value(keyword)
    if text[:2] not in ("0x", "0X"):
        raise ValueError(f"{keyword} {text}: write it as 0x10, since iproute2 reads 10 as hexadecimal, too.")
    tos = read_mark(text, keyword)
    if not 0 < tos < 256 or tos & 3:
        raise ValueError(f"{keyword} {text} must be from 0x4 to 0xfc; the last two bits are not its own (ECN).")
    draft.values["tos"] = tos


def _read_table(words: Words, draft: _Draft, keyword: str) -> None:
    words.once("the action", keyword)
    draft.values["table"] = read_table(words.value(keyword))


def _read_action(words: Words, draft: _Draft, keyword: str) -> None:
    action = words.value(keyword) if keyword == "type" else keyword
    if action not in ACTIONS:
        raise ValueError(f"type {action} must be blackhole, unreachable or prohibit.")
    words.once("the action", action)
    draft.values["kind"] = action


def _read_priority(words: Words, draft: _Draft, keyword: str) -> None:
    words.once("the priority", keyword)
    # 0 is where the kernel looks into its table local: a rule there can cut the machine off.
    draft.values["priority"] = read_number(words.value(keyword), keyword, 1, LARGEST)


_READERS: t.Mapping[str, t.Callable[[Words, _Draft, str], None]] = {
    "from": _read_prefix,
    "to": _read_prefix,
    "not": _read_not,
    "inet": _read_family,
    "inet6": _read_family,
    "-4": _read_family,
    "-6": _read_family,
    "iif": _read_device,
    "dev": _read_device,
    "oif": _read_device,
    "fwmark": _read_fwmark,
    "tos": _read_tos,
    "dsfield": _read_tos,
    "table": _read_table,
    "lookup": _read_table,
    "type": _read_action,
    **dict.fromkeys(ACTIONS, _read_action),
    "priority": _read_priority,
    "preference": _read_priority,
    "pref": _read_priority,
    "order": _read_priority,
}

_MODIFIER = "the daemon only makes rules that look into a table or refuse."
_LEFT_OUT: t.Mapping[str, str] = {
    "uidrange": "select by from, to, iif, oif, fwmark or tos; nftables can set a mark for anything else.",
    "ipproto": "select by fwmark; nftables can set a mark for a protocol.",
    "sport": "select by fwmark; nftables can set a mark for a port.",
    "dport": "select by fwmark; nftables can set a mark for a port.",
    "tunnel-id": "select by fwmark; nftables can set a mark.",
    "l3mdev": "the kernel makes that rule itself with the first VRF.",
    "suppress_prefixlength": _MODIFIER,
    "sup_pl": _MODIFIER,
    "suppress_ifgroup": _MODIFIER,
    "sup_group": _MODIFIER,
    "realms": _MODIFIER,
    "goto": _MODIFIER,
    "nop": _MODIFIER,
    "protocol": "our rules always carry the protocol keepalived (18), so that everybody sees whose they are.",
    "no_track": "a rule that somebody removes is always put back; it never demotes the instance.",
    "track_group": "a missing rule never demotes an instance; it is put back.",
}

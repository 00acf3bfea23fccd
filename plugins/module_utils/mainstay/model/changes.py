# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What differs between two configurations, with the values: for people who want to see before they reload.

Compares documents (`dump.config_document`) from which secrets are gone; that a secret differs comes from outside, by
its path.
"""

from __future__ import annotations

import json
import typing as t
from dataclasses import dataclass

from .options import TOP_LEVEL, TOP_LISTS

Document = t.Mapping[str, t.Any]

ADDED, REMOVED, CHANGED = "added", "removed", "changed"


@dataclass(frozen=True)
class OptionChange:
    """One option of one object; None: it was not, or is not, given."""

    option: str
    old: t.Any
    new: t.Any
    secret: bool = False
    """It differs in what nobody may see."""

    def sentences(self) -> t.Iterator[str]:
        """ "priority: 150 -> 100"; of a list, what comes and what goes."""
        if self.secret:
            yield f"{self.option}: changed, not shown"
        elif isinstance(self.old, list) and isinstance(self.new, list):
            yield from _list_sentences(self.option, self.old, self.new)
        else:
            yield f"{self.option}: {_text(self.old)} -> {_text(self.new)}"


@dataclass(frozen=True)
class ObjectChange:
    """One named object, or a part of the document that has no name."""

    section: str
    """Key of the document."""
    name: str
    """"" for global_defs and lists."""
    change: str
    """added, removed or changed."""
    options: t.Tuple[OptionChange, ...] = ()

    @property
    def subject(self) -> str:
        """For people: "vrrp_instance VI_1"."""
        return f"{TOP_LEVEL.get(self.section, self.section)} {self.name}".rstrip()


def changes(old: Document, new: Document, secrets: t.AbstractSet[str] = frozenset()) -> t.List[ObjectChange]:
    """What leads from `old` to `new`. `secrets`: paths of those that differ, as `dump.secrets_in` has them."""
    found: t.List[ObjectChange] = []
    for key in TOP_LEVEL:
        if key == "global_defs":
            found += _changed(key, "", old.get(key, {}), new.get(key, {}), secrets)
        else:
            found += _section(key, old.get(key, {}), new.get(key, {}), secrets)
    for key in TOP_LISTS:
        before, after = old.get(key, []), new.get(key, [])
        if before != after:
            found.append(ObjectChange(key, "", CHANGED, (OptionChange(key, before, after),)))
    return found


def _section(key: str, old: Document, new: Document, secrets: t.AbstractSet[str]) -> t.Iterator[ObjectChange]:
    yield from (ObjectChange(key, name, REMOVED) for name in old if name not in new)
    yield from (ObjectChange(key, name, ADDED) for name in new if name not in old)
    for name in new:
        if name in old:
            yield from _changed(key, name, old[name], new[name], secrets)


def _changed(
    key: str, name: str, old: Document, new: Document, secrets: t.AbstractSet[str]
) -> t.Iterator[ObjectChange]:
    place = f"{key}.{name}" if name else key
    options = []
    for option in dict.fromkeys([*old, *new]):
        if old.get(option) != new.get(option):
            options.append(OptionChange(option, old.get(option), new.get(option)))
        elif any(path == f"{place}.{option}" or path.startswith(f"{place}.{option}.") for path in secrets):
            options.append(OptionChange(option, None, None, secret=True))
    if options:
        yield ObjectChange(key, name, CHANGED, tuple(options))


def _list_sentences(option: str, old: t.List[t.Any], new: t.List[t.Any]) -> t.Iterator[str]:
    going, coming = [one for one in old if one not in new], [one for one in new if one not in old]
    yield from (f"{option}: without {_text(one)}" for one in going)
    yield from (f"{option}: with {_text(one)}" for one in coming)
    if not going and not coming:
        yield f"{option}: in another order"


def _text(value: t.Any) -> str:
    if value is None:
        return "not given"
    return value if isinstance(value, str) else json.dumps(value)

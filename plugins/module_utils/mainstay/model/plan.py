# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a reload changes: the difference of two configurations, section by section."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from .config import Config
from .options import SECTIONS, TOP_LEVEL, TOP_LISTS
from .parts import option_value


@dataclass(frozen=True)
class SectionPlan:
    """The difference in one mapping by name."""

    added: t.Tuple[str, ...] = ()
    removed: t.Tuple[str, ...] = ()
    changed: t.Mapping[str, t.Tuple[str, ...]] = field(default_factory=dict)
    """Name -> the options that differ, in the order of the option table."""

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)


@dataclass(frozen=True)
class Plan:
    """What differs; falsy when nothing does."""

    global_defs: t.Tuple[str, ...] = ()
    """Changed options."""
    lists: t.Tuple[str, ...] = ()
    """Changed lists at the top of the document: static_ipaddress ..."""
    sections: t.Mapping[str, SectionPlan] = field(default_factory=dict)
    """Key of the document -> the difference in that mapping by name; only those that differ."""

    def __bool__(self) -> bool:
        return bool(self.global_defs or self.lists or self.sections)

    def section(self, key: str) -> SectionPlan:
        """The difference in one mapping by name, empty when there is none."""
        return self.sections.get(key, SectionPlan())

    def sentences(self) -> t.List[str]:
        """One line per object, for logs and answers: "vrrp_instance VI_1: changed priority"."""
        lines = [f"global_defs: changed {', '.join(self.global_defs)}"] if self.global_defs else []
        lines += [f"{key}: changed" for key in self.lists]
        for key, section in self.sections.items():
            word = TOP_LEVEL[key]
            lines += [f"{word} {name}: removed" for name in section.removed]
            lines += [f"{word} {name}: added" for name in section.added]
            lines += [f"{word} {name}: changed {', '.join(keys)}" for name, keys in section.changed.items()]
        return lines


def plan(old: Config, new: Config) -> Plan:
    """The edits that lead from `old` to `new`. Names of options only, never their values."""
    sections = {
        key: _section_plan(section, getattr(old, key), getattr(new, key))
        for key, section in TOP_LEVEL.items()
        if key != "global_defs"
    }
    return Plan(
        global_defs=_changed_options("global_defs", old.global_defs, new.global_defs),
        lists=tuple(key for key in TOP_LISTS if getattr(old, key) != getattr(new, key)),
        sections={key: section for key, section in sections.items() if section},
    )


def _section_plan(section: str, old: t.Mapping[str, object], new: t.Mapping[str, object]) -> SectionPlan:
    changes = {name: _changed_options(section, old[name], new[name]) for name in new if name in old}
    return SectionPlan(
        added=tuple(name for name in new if name not in old),
        removed=tuple(name for name in old if name not in new),
        changed={name: keys for name, keys in changes.items() if keys},
    )


def _changed_options(section: str, old: object, new: object) -> t.Tuple[str, ...]:
    return tuple(key for key in SECTIONS[section] if option_value(old, key) != option_value(new, key))

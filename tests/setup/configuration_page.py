# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the tables of docs/configuration.md anew from the runtime's model; the prose around them stays.

    PYTHONPATH=plugins/module_utils:tests python -m setup.configuration_page      (make docs)

A table stands between `<!-- begin NAME -->` and `<!-- end NAME -->`: one for each section of the model, and
`defaults` for what differs from keepalived.
"""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

from setup.keepalived_defaults import KEEPALIVED, WHY
from setup.option_text import check_options

from mainstay.model.options import CHECKS, SECTIONS, Option

PAGE = Path(__file__).resolve().parents[2] / "docs" / "configuration.md"
OF_CHECKS = tuple(f"{kind}_check" for kind in CHECKS)


def tables() -> dict[str, str]:
    """Name of each table -> its text."""
    sections = [section for section in SECTIONS if section not in OF_CHECKS]
    return {
        **{section: options_table(section) for section in sections},
        "checks": checks_table(),
        "defaults": defaults_table(),
    }


def page(text: str) -> str:
    """The page with every table as the model has it. Raises ValueError for a table that has no place."""
    for name, table in tables().items():
        place = re.compile(rf"(<!-- begin {name} -->\n).*?(<!-- end {name} -->)", re.DOTALL)
        if len(place.findall(text)) != 1:
            raise ValueError(f"the page must have one <!-- begin {name} --> and <!-- end {name} -->")
        text = place.sub(lambda found, table=table: f"{found[1]}{table}{found[2]}", text)  # type: ignore[misc]
    return text


def options_table(section: str) -> str:
    rows = [
        (f"`{key}`", cell(option.expected), default_of(option), cell(option.help))
        for key, option in SECTIONS[section].items()
    ]
    return markdown(("option", "value", "default", "meaning"), rows)


def checks_table() -> str:
    """The options of every type of check in one table: most of them are those of many types."""
    rows = [
        (f"`{key}`", checks_having(kinds), cell(option.expected), default_of(option), cell(option.help))
        for key, option, kinds in check_options()
    ]
    return markdown(("option", "of", "value", "default", "meaning"), rows)


def checks_having(kinds: t.Sequence[str]) -> str:
    others = [kind for kind in CHECKS if kind not in kinds]
    if not others:
        return "all"
    return f"all but {', '.join(others)}" if len(others) < len(kinds) else ", ".join(kinds)


def default_of(option: Option) -> str:
    if option.required:
        return "**required**"
    if option.default is None:
        return "none"
    return f"`{spelt(option.default)}`"


def spelt(value: object) -> str:
    """As the file spells it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return {"": '""', (): "[]"}.get(t.cast(str, value), str(value))


def defaults_table() -> str:
    """What differs from keepalived. A check's options that differ alike are one row."""
    rows: dict[str, tuple[str, str, str, str]] = {}
    for section, options in SECTIONS.items():
        for key, option in options.items():
            theirs = KEEPALIVED[section][key]
            if theirs is ... or not differs(option, theirs):
                continue
            name = reason_name(section, key)
            rows[name] = (f"`{name}`", default_of(option), told(theirs), WHY[name])
    return markdown(("option", "here", "keepalived", "why"), list(rows.values()))


def differs(option: Option, theirs: object) -> bool:
    return theirs != ("required" if option.required else option.default)


def told(theirs: object) -> str:
    return "may be left out" if theirs is None else spelt(theirs)


def reason_name(section: str, key: str) -> str:
    """Where WHY has it: what several types of check share stands under `check`."""
    alike = [one for one in OF_CHECKS if KEEPALIVED[one].get(key, ...) == KEEPALIVED[section][key]]
    return f"check.{key}" if section in OF_CHECKS and len(alike) > 1 else f"{section}.{key}"


def cell(text: str) -> str:
    return text.replace("|", "\\|")


def markdown(head: tuple[str, ...], rows: t.Sequence[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")

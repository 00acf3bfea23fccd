# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the documentation of modules and roles has to speak of an option of the runtime's model."""

from __future__ import annotations

from mainstay.model.options import CHECKS, SECTIONS, Option


def span(option: Option) -> str:
    """The allowed range as text, "1 to 255"; empty for an option without one."""
    if option.minimum is None or option.maximum is None or option.choices:
        return ""
    steps = f" in steps of {number(option.step)}" if option.step is not None else ""
    return f"{number(option.minimum)} to {number(option.maximum)}{steps}"


def number(value: float) -> str:
    """Without exponent and without a fraction that says nothing."""
    return str(int(value)) if value == int(value) else str(value)


def facts(option: Option) -> list[str]:
    """Type, then what is allowed, then whether it may be left out."""
    told = [option.ansible_type]
    if option.choices:
        told.append("one of " + " ".join(str(choice) for choice in option.choices))
    if span(option):
        told.append(span(option) + (" s" if option.unit else ""))
    if option.required:
        told.append("required")
    elif option.default is not None:
        told.append(f"default {spelt(option.default)}")
    return told


def spelt(default: object) -> str:
    """A default as YAML spells it."""
    if isinstance(default, bool):
        return "true" if default else "false"
    return "[]" if default == () else "''" if default == "" else str(default)


def line(key: str, option: Option, kinds: str = "") -> str:
    """One option in one sentence; `kinds` tells which checks have it."""
    return f"C({key}) ({', '.join(facts(option))}){kinds}. {option.help}"


def lines(section: str) -> list[str]:
    """One line for each key of a mapping whose names are free, as the roles' argument_specs carry them.

    An argument spec has no way to describe the values of such a mapping, so there they are text, and a test
    compares that text with the model.
    """
    return [line(key, option) for key, option in SECTIONS[section].items()]


def check_options() -> list[tuple[str, Option, list[str]]]:
    """Every key of a check with the types that have it; a key that means several things stands there several times."""
    found: dict[tuple[str, Option], list[str]] = {}
    for kind, options in CHECKS.items():
        for key, option in options.items():
            if key != "type":
                found.setdefault((key, option), []).append(kind)
    return [(key, option, kinds) for (key, option), kinds in found.items()]


def check_lines() -> list[str]:
    """One line for each key of a check, whatever its type."""
    kind = f"C(type) (str, one of {' '.join(CHECKS)}, required). Kind of the check."
    return [kind, *(line(key, option, _having(kinds)) for key, option, kinds in check_options())]


def _having(kinds: list[str]) -> str:
    """Which types have it, or which have not if those are fewer."""
    others = [kind for kind in CHECKS if kind not in kinds]
    if not others:
        return ""
    return f", not of {' '.join(others)}" if len(others) < len(kinds) else f", of {' '.join(kinds)}"

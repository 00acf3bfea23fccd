# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of modules made from the runtime's own table of options, so that it says what the model says.

Private to this collection. What it returns is the part below `options` or `suboptions` of a documentation.
"""

from __future__ import annotations

import json
import typing as t

from ansible_collections.mainstay.ha.plugins.module_utils._argspec import Variant, argument_name, check_variants
from ansible_collections.mainstay.ha.plugins.module_utils.mainstay.model.options import CHECKS, SECTIONS, Option

Documented = t.Dict[str, t.Dict[str, t.Any]]

_FEW = 5
"""Kinds of check that are worth being listed; of more, those that have not the option are told."""


def fragment(options: Documented) -> str:
    """A documentation fragment: YAML, of which JSON is a part."""
    return json.dumps({"options": options})


def section_options(section: str) -> Documented:
    """The options of a module that keeps one object of `section`."""
    return {argument_name(key): _documented(option, required=False) for key, option in SECTIONS[section].items()}


def check_option(description: str) -> t.Dict[str, t.Any]:
    """A check as an option of its own."""
    return {"description": [description], "type": "dict", "required": True, "suboptions": check_options()}


def check_options() -> Documented:
    """A check of any type: the options of all of them, each with the types that have it."""
    kind = {"description": ["Kind of the check."], "type": "str", "required": True, "choices": list(CHECKS)}
    return {"type": kind, **{key: _merged(variants) for key, variants in check_variants().items()}}


def span(option: Option) -> str:
    """The allowed range as text, "1 to 255"; empty for an option without one."""
    if option.minimum is None or option.maximum is None or option.choices:
        return ""
    steps = f" in steps of {_number(option.step)}" if option.step is not None else ""
    return f"{_number(option.minimum)} to {_number(option.maximum)}{steps}"


def _number(value: float) -> str:
    """Without exponent and without a fraction that says nothing."""
    return str(int(value)) if value == int(value) else str(value)


def _text(option: Option) -> t.List[str]:
    told = [option.help]
    if span(option):
        told.append(f"From {span(option)}{' seconds' if option.unit else ''}.")
    return told


def _documented(option: Option, *, required: bool = True) -> t.Dict[str, t.Any]:
    entry: t.Dict[str, t.Any] = {"description": _text(option), **_shape(option)}
    if option.required and required:
        entry["required"] = True
    elif option.required:
        entry["description"].append("Required when O(state=present).")
    if option.default is not None:
        entry["default"] = list(option.default) if isinstance(option.default, tuple) else option.default
    if option.choices:
        entry["choices"] = list(option.choices)
    return entry


def _shape(option: Option) -> t.Dict[str, t.Any]:
    shape: t.Dict[str, t.Any] = {"type": option.ansible_type}
    if option.elements:
        shape["elements"] = option.elements
    if option.form in _NESTED:
        shape["suboptions"] = _NESTED[option.form]()
    return shape


def _merged(variants: t.Sequence[Variant]) -> t.Dict[str, t.Any]:
    """One option of several kinds of check, which may mean different things by it."""
    told: t.List[str] = []
    for option, kinds in variants:
        told += _text(option)
        if option.default is not None:
            told.append(f"Its default is V({_spelt(option.default)}).")
        if len(kinds) < len(CHECKS):
            told.append(_of_kinds(kinds, required=option.required))
    entry: t.Dict[str, t.Any] = {"description": told, **_shape(variants[0].option)}
    choices = [choice for variant in variants for choice in variant.option.choices]
    if choices:
        entry["choices"] = list(dict.fromkeys(choices))
    return entry


def _of_kinds(kinds: t.Sequence[str], *, required: bool) -> str:
    if required:
        return f"Required for checks of type {_listed(kinds)}, and only for them."
    if len(kinds) <= _FEW:
        return f"Only for checks of type {_listed(kinds)}."
    return f"Not for checks of type {_listed([kind for kind in CHECKS if kind not in kinds])}."


def _listed(kinds: t.Sequence[str]) -> str:
    return ", ".join(f"V({kind})" for kind in kinds)


def _spelt(default: object) -> str:
    """A default as YAML spells it."""
    if isinstance(default, bool):
        return "true" if default else "false"
    return {(): "[]", "": '""'}.get(t.cast(str, default), str(default))


_NESTED: t.Mapping[str, t.Callable[[], Documented]] = {
    "real_servers": lambda: {key: _documented(option) for key, option in SECTIONS["real_server"].items()},
    "check": check_options,
    "checks": check_options,
    "urls": lambda: {key: _documented(option) for key, option in SECTIONS["url"].items()},
}
"""Options below an option, by form, as in the argument specs."""

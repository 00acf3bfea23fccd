# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Argument specs made from the runtime's own table of options.

Private to this collection. One table (model/options.py) says what an option is; this says it in Ansible's words.
"""

from __future__ import annotations

import re
import typing as t

from .mainstay.model.options import CHECKS, SECTIONS, Option

Spec = t.Dict[str, t.Dict[str, t.Any]]


def object_spec(section: str) -> t.Dict[str, t.Any]:
    """Arguments of AnsibleModule for a module that keeps one object of `section` in conf.d.

    What the object must have is required of a present one only.
    """
    required = [argument_name(key) for key, option in SECTIONS[section].items() if option.required]
    options = {argument_name(key): entry for key, entry in options_spec(section, required=False).items()}
    return {
        "argument_spec": {**_COMMON, **options},
        "required_if": [("state", "present", required)],
        "supports_check_mode": True,
    }


def argument_name(key: str) -> str:
    """The name of a module's argument for an option of its object: state says already whether the object is there."""
    return _RENAMED.get(key, key)


def options_spec(section: str, *, required: bool = True) -> Spec:
    """One entry for each option of `section`; without `required` none of them has to be given."""
    return {key: _entry(key, option, required=required) for key, option in SECTIONS[section].items()}


class Variant(t.NamedTuple):
    """An option of checks as some kinds have it."""

    option: Option
    kinds: t.Tuple[str, ...]


def check_variants() -> t.Dict[str, t.List[Variant]]:
    """Every key that a check of some kind may have; what it is differs between kinds for a few of them."""
    found: t.Dict[str, t.Dict[Option, t.List[str]]] = {}
    for kind, options in CHECKS.items():
        for key, option in options.items():
            found.setdefault(key, {}).setdefault(option, []).append(kind)
    del found["type"]
    return {
        key: [Variant(option, tuple(kinds)) for option, kinds in variants.items()] for key, variants in found.items()
    }


def check_spec() -> Spec:
    """A check of any type: the options of all of them.

    Without defaults and requirements, as these differ from type to type and an option of another type may not be
    filled in.
    """
    spec: Spec = {"type": {"type": "str", "required": True, "choices": list(CHECKS)}}
    for key, variants in check_variants().items():
        spec[key] = _entry(key, variants[0].option, required=False, defaults=False)
        choices = [choice for variant in variants for choice in variant.option.choices]
        if choices:
            spec[key]["choices"] = list(dict.fromkeys(choices))
    return spec


def given(value: t.Any) -> t.Any:
    """`value` without what Ansible filled in for options that nobody gave (None), at any depth."""
    if isinstance(value, dict):
        return {key: given(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [given(item) for item in value]
    return value


def _entry(key: str, option: Option, *, required: bool = True, defaults: bool = True) -> t.Dict[str, t.Any]:
    entry: t.Dict[str, t.Any] = {"type": option.ansible_type}
    if option.elements:
        entry["elements"] = option.elements
    if option.form in _NESTED:
        entry["options"] = _NESTED[option.form]()
    if option.required and required:
        entry["required"] = True
    if option.default is not None and defaults:
        entry["default"] = list(option.default) if isinstance(option.default, tuple) else option.default
    if option.choices:
        entry["choices"] = list(option.choices)
    if option.secret or _LOOKS_SECRET.search(key):
        entry["no_log"] = option.secret
    return entry


_RENAMED = {"state": "initial_state"}

_LOOKS_SECRET = re.compile("key|pass(?!ive)")
"""Names that Ansible takes for those of secrets unless it is told."""

_NESTED: t.Mapping[str, t.Callable[[], Spec]] = {
    "real_servers": lambda: options_spec("real_server"),
    "check": check_spec,
    "checks": check_spec,
    "urls": lambda: options_spec("url"),
    "authentication": lambda: options_spec("authentication"),
    "auth_hmac": lambda: options_spec("auth_hmac"),
    "hmac_keys": lambda: options_spec("hmac_key"),
}
"""Options below an option, by form. What may be text or a mapping is raw; the model says what is wrong with one."""

_COMMON: Spec = {
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "config": {"type": "path", "default": "/etc/mainstay/mainstay.json"},
    "run_dir": {"type": "path", "default": "/run/mainstay"},
    "wait": {"type": "bool", "default": False},
    "wait_timeout": {"type": "float", "default": 30},
}

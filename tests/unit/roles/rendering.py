# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A role's template with the role's own defaults and variables, without Ansible and without a host."""

from __future__ import annotations

import typing as t
from pathlib import Path

import jinja2
import yaml

ROLES = Path(__file__).resolve().parents[3] / "roles"


def rendered(role: str, template: str, **variables: t.Any) -> str:
    """The text of one template. Variables that are templates themselves are resolved until none is left."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(ROLES / role / "templates"),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        autoescape=False,  # noqa: S701 - unit files are no HTML
    )
    known = {"ansible_managed": "Ansible managed", **_own_variables(role), **variables}
    text = environment.get_template(template).render(known)
    while "{{" in text:
        text = environment.from_string(text).render(known)
    return text


def _own_variables(role: str) -> dict[str, t.Any]:
    found: dict[str, t.Any] = {}
    for part in ("defaults/main.yml", "vars/main.yml"):
        path = ROLES / role / part
        if path.exists():
            found.update(yaml.safe_load(path.read_text(encoding="utf-8")))
    return found


def settings(unit: str) -> dict[str, list[str]]:
    """Every setting of a unit file with its values in order."""
    found: dict[str, list[str]] = {}
    for line in unit.splitlines():
        key, equals, value = line.partition("=")
        if equals and not line.startswith(("#", ";")):
            found.setdefault(key, []).append(value)
    return found

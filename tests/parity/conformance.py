# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The requirements of docs/parity/conformance.yml beside the tests that name them, and the page of both."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from pathlib import Path

import yaml

from .marks import ROOT, Claims
from .table import heading, row, strangers

SOURCE = ROOT / "docs" / "parity" / "conformance.yml"
PAGE = ROOT / "docs" / "conformance.md"


@dataclass(frozen=True)
class Requirement:
    """One line of the matrix."""

    id: str
    text: str
    source: str
    kept: t.Sequence[str]
    """Tests that show it kept."""
    caught: t.Sequence[str]
    """Tests that show the breach caught."""
    gap: str
    """Why it is not proven in full; empty when it is."""
    deviation: str
    """What we do instead, and why."""

    @property
    def proven(self) -> bool:
        """Both ways."""
        return bool(self.kept and self.caught)


def requirements(claims: Claims, source: Path = SOURCE) -> dict[str, list[Requirement]]:
    """Title of the group -> its requirements."""
    groups = yaml.safe_load(source.read_text(encoding="utf-8"))
    return {
        group["title"]: [_requirement(one, entry, claims) for one, entry in group["requirements"].items()]
        for group in groups.values()
    }


def problems(claims: Claims, source: Path = SOURCE) -> list[str]:
    """What does not agree: ids without tests that do not say why, ids that tests name and nobody wrote down."""
    listed = [one for group in requirements(claims, source).values() for one in group]
    known = {one.id for one in listed}
    found = [
        f"{one.id} is proven by no {way} test: mark one, or write `gap` in {source.name}"
        for one in listed
        for way, tests in (("positive", one.kept), ("negative", one.caught))
        if not tests and not one.gap
    ]
    found += [f"{one.id} has a `gap` but is proven both ways: remove it" for one in listed if one.gap and one.proven]
    for kind in ("conformance", "conformance_negative"):
        found += strangers(claims[kind], known, source.name)
    return found


def page(claims: Claims, source: Path = SOURCE) -> str:
    """docs/conformance.md."""
    groups = requirements(claims, source)
    listed = [one for group in groups.values() for one in group]
    proven = sum(one.proven for one in listed)
    lines = [
        "# VRRP conformance",
        "",
        f"{proven} of {len(listed)} requirements are proven both ways: by a test that shows them kept and one that "
        "shows the breach caught.",
        "",
        "Written by `make docs` from `docs/parity/conformance.yml` and the marks in `tests/`. Sources: A RFC 2338,",
        "B RFC 3768, C RFC 5798, D RFC 9568; M must, S should, Y may, X our own hardening.",
    ]
    for title, group in groups.items():
        lines += heading(title, ("id", "requirement", "source", "kept", "breach caught"))
        lines += [_row(one) for one in group]
    return "\n".join(lines) + "\n"


def _requirement(one: str, entry: t.Mapping[str, str], claims: Claims) -> Requirement:
    kept, caught = (claims[kind].get(one, ()) for kind in ("conformance", "conformance_negative"))
    return Requirement(
        one, entry["text"], entry.get("source", ""), kept, caught, entry.get("gap", ""), entry.get("deviation", "")
    )


def _row(one: Requirement) -> str:
    text = (
        one.text
        + (f" *Deviation: {one.deviation}*" if one.deviation else "")
        + (f" **Gap: {one.gap}**" if one.gap else "")
    )
    return row((one.id, text, one.source, _names(one.kept), _names(one.caught)))


def _names(tests: t.Sequence[str]) -> str:
    """The first of them; a reader finds the others by the id."""
    if not tests:
        return ""
    more = f" and {len(tests) - 1} more" if len(tests) > 1 else ""
    return f"`{tests[0].removeprefix('tests/')}`{more}"

# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""keepalived's keywords in docs/parity/keywords.yml beside the model's options and the tests, and the page of all.

Every keyword of the tiers A and B is there, and every option that the model has: what it takes has to be run by
something, and a test has to show it.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from pathlib import Path

import yaml

from mainstay.model.options import LEFT_OUT, SECTIONS

from .marks import ROOT
from .table import heading, row

SOURCE = ROOT / "docs" / "parity" / "keywords.yml"
PAGE = ROOT / "docs" / "keepalived.md"
VERDICTS = ("works", "differs", "refused")


@dataclass(frozen=True)
class Entry:
    """One keyword, or one behaviour."""

    group: str
    word: str
    tier: str
    verdict: str
    reason: str
    """How it differs, or why it is refused."""
    option: t.Optional[str]
    """Key of our configuration; empty: we need none for it; None: texts such as routes, which have no keys."""
    proof: t.Sequence[str]


@dataclass(frozen=True)
class Ledger:
    """The whole file."""

    keywords: t.Sequence[Entry]
    behaviour: t.Sequence[Entry]
    sections: t.Mapping[str, t.Optional[str]]
    """Group -> sections of the model, with a blank between them: what it says holds for each of them."""
    own: t.Sequence[Entry] = ()
    """Options that keepalived does not have; their group is the sections."""


def read(source: Path = SOURCE) -> Ledger:
    """The ledger as it stands."""
    document = yaml.safe_load(source.read_text(encoding="utf-8"))
    groups = document["keywords"]
    return Ledger(
        [
            _entry(group, word, one, content["options"])
            for group, content in groups.items()
            for word, one in content["words"].items()
        ],
        [_entry("behaviour", word, one, None) for word, one in document["behaviour"].items()],
        {group: content["options"] for group, content in groups.items()},
        [
            _entry(section, word, {"verdict": "works", **one}, section)
            for section, options in document["own"].items()
            for word, one in options.items()
        ],
    )


def problems(ledger: Ledger, tests: t.Collection[str]) -> list[str]:
    """What does not agree with the model or the tests."""
    found: list[str] = []
    for entry in [*ledger.keywords, *ledger.behaviour, *ledger.own]:
        where = f"{entry.group}.{entry.word}"
        if entry.verdict not in VERDICTS:
            found.append(f"{where}: the verdict is one of {', '.join(VERDICTS)}, not {entry.verdict}")
        if entry.verdict == "works" and not entry.proof:
            found.append(f"{where}: works, but names no test that proves it")
        if entry.verdict != "works" and not entry.reason:
            found.append(f"{where}: {entry.verdict}, but says neither how nor why")
        found += [f"{where}: there is no test {test}" for test in entry.proof if test not in tests]
    return found + _beside_the_model(ledger) + _nowhere_told(ledger)


def missing_sections(ledger: Ledger) -> list[str]:
    """Sections of the model that the whole ledger has forgotten."""
    named = {section for sections in ledger.sections.values() for section in _each(sections)}
    named |= {section for entry in ledger.own for section in _each(entry.group)}
    return [f"section {section} of the model stands nowhere in {SOURCE.name}" for section in SECTIONS.keys() - named]


def _beside_the_model(ledger: Ledger) -> list[str]:
    return [
        problem
        for entry in ledger.keywords
        for section in _each(ledger.sections[entry.group])
        for problem in _beside_the_section(entry, section)
    ]


def _beside_the_section(entry: Entry, section: str) -> t.Iterator[str]:
    if entry.option is None:
        return
    where, known = f"{entry.group}.{entry.word}", SECTIONS.get(section, {})
    spoken = entry.verdict != "refused" and entry.option
    if entry.verdict == "refused" and entry.word in known:
        yield f"{where}: refused, but the model has it"
    if spoken and entry.option not in known:
        yield f"{where}: {entry.verdict}, but the model has no {section}.{entry.option}"
    if not spoken and entry.word not in {**known, **LEFT_OUT.get(section, {})}:
        yield f"{where}: who writes it gets no word of help: LEFT_OUT has nothing for {section}.{entry.word}"


def _each(sections: t.Optional[str]) -> list[str]:
    return [] if sections is None else sections.split()


def _nowhere_told(ledger: Ledger) -> list[str]:
    """Options of the model that no entry is about: nobody would notice that nothing runs them."""
    own = [(section, entry.word) for entry in ledger.own for section in _each(entry.group)]
    told = {(section, entry.option) for entry in ledger.keywords for section in _each(ledger.sections[entry.group])}
    told.update(own)
    listed = {section for section, _option in told} & set(SECTIONS)
    found = [
        f"{section}.{option} of the model stands nowhere in {SOURCE.name}"
        for section in sorted(listed)
        for option in SECTIONS[section]
        if (section, option) not in told
    ]
    return found + [
        f"{section}.{word} is said to be an option of our own, but the model has none"
        for section, word in own
        if word not in SECTIONS.get(section, {})
    ]


def page(ledger: Ledger) -> str:
    """docs/keepalived.md."""
    counted = {verdict: sum(entry.verdict == verdict for entry in ledger.keywords) for verdict in VERDICTS}
    lines = [
        "# keepalived's keywords",
        "",
        f"Of {len(ledger.keywords)} keywords that operators use, {counted['works']} work as they know them, "
        f"{counted['differs']} differ, {counted['refused']} are refused with the reason.",
        "",
        "Written by `make docs` from `docs/parity/keywords.yml`; a test compares that with the model and the tests.",
    ]
    for group in dict.fromkeys(entry.group for entry in ledger.keywords):
        lines += heading(group, ("keyword", "tier", "verdict", "", "proof"))
        lines += [_row(entry, (f"`{entry.word}`", entry.tier)) for entry in ledger.keywords if entry.group == group]
    lines += heading(
        "What keepalived does beyond the RFCs (B), what its users ask for (U)",
        ("", "behaviour", "verdict", "", "proof"),
    )
    lines += [_row(entry, (entry.word, entry.tier)) for entry in ledger.behaviour]
    lines += heading("Options that keepalived does not have", ("option", "in", "", "", "proof"))
    lines += [_row(entry, (f"`{entry.word}`", entry.group)) for entry in ledger.own]
    return "\n".join(lines) + "\n"


def _row(entry: Entry, first: t.Sequence[str]) -> str:
    proof = ", ".join(f"`{test.removeprefix('tests/')}`" for test in entry.proof)
    return row([*first, entry.verdict, entry.reason, proof])


def _entry(group: str, word: str, one: t.Mapping[str, t.Any], section: t.Optional[str]) -> Entry:
    option = one.get("option", word) if section is not None else None
    reason = one.get("how", one.get("why", ""))
    return Entry(
        group, word, one.get("tier", one.get("text", "")), one["verdict"], reason, option, one.get("proof", ())
    )

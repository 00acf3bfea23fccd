# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All three lists together: what does not agree, and the pages as they should be."""

from __future__ import annotations

from pathlib import Path

from . import conformance, faults, keywords, marks


def problems() -> list[str]:
    """What does not agree between the lists, the model and the tests; empty when everything does."""
    claims, ledger = marks.claims(), keywords.read()
    return [
        *keywords.problems(ledger, marks.tests() | marks.stories()),
        *keywords.missing_sections(ledger),
        *conformance.problems(claims),
        *faults.problems(claims),
    ]


def pages() -> dict[Path, str]:
    """Each page with its text."""
    claims = marks.claims()
    return {
        keywords.PAGE: keywords.page(keywords.read()),
        conformance.PAGE: conformance.page(claims),
        faults.PAGE: faults.page(claims),
    }

# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Say what does not agree, or write the pages.

PYTHONPATH=plugins/module_utils:tests python -m parity [--write]      (make docs)
"""

from __future__ import annotations

import sys

from . import conformance, faults, keywords, marks


def main(arguments: list[str]) -> int:
    """Exit status 1 when something does not agree; the pages are written all the same."""
    claims = marks.claims()
    ledger = keywords.read()
    if "--write" in arguments:
        conformance.PAGE.write_text(conformance.page(claims), encoding="utf-8")
        keywords.PAGE.write_text(keywords.page(ledger), encoding="utf-8")
        faults.PAGE.write_text(faults.page(claims), encoding="utf-8")
    found = [
        *keywords.problems(ledger, marks.tests()),
        *conformance.problems(claims),
        *faults.problems(claims),
    ]
    sys.stdout.write("".join(f"{problem}\n" for problem in found))
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

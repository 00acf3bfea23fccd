# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Say what does not agree, or write the pages.

PYTHONPATH=plugins/module_utils:tests python -m parity [--write]      (make docs)
"""

from __future__ import annotations

import sys

from .pages import pages, problems


def main(arguments: list[str]) -> int:
    """Exit status 1 when something does not agree; the pages are written all the same."""
    if "--write" in arguments:
        for place, text in pages().items():
            place.write_text(text, encoding="utf-8")
    found = problems()
    sys.stdout.write("".join(f"{problem}\n" for problem in found))
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The regular expression of a check as it is searched for in a body."""

from __future__ import annotations

import re
import typing as t

_FLAGS = {"caseless": re.IGNORECASE, "dotall": re.DOTALL, "multiline": re.MULTILINE, "extended": re.VERBOSE}


def compiled_regex(regex: str, options: t.Iterable[str]) -> t.Pattern[bytes]:
    """A pattern for bytes; "anchored" ties it to the beginning. Raises ValueError in words."""
    flags = 0
    for option in options:
        flags |= _FLAGS.get(option, 0)
    # The line break ends a comment that extended allows.
    anchored = f"\\A(?:{regex}\n)" if "extended" in options else f"\\A(?:{regex})"
    text = anchored if "anchored" in options else regex
    try:
        return re.compile(text.encode("utf-8"), flags)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(str(error)) from error

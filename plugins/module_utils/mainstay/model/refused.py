# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a reader of one value says no."""

from __future__ import annotations

import typing as t

from .option import Option


class Refused(Exception):
    """The value is not allowed here; the text says what is."""


Reader = t.Callable[[object, Option], object]


def suggestion(word: object, known: t.Iterable[object]) -> str:
    """ " Did you mean X?" for a near miss, else nothing; case does not count."""
    import difflib  # only who mistypes pays for it: three processes would carry it for good

    by_lower = {str(name).lower(): str(name) for name in known}
    near = difflib.get_close_matches(str(word)[:64].lower(), by_lower, n=1, cutoff=0.6)
    return f" Did you mean {by_lower[near[0]]}?" if near else ""


def pattern_reader(pattern: t.Pattern[str]) -> Reader:
    """A reader of ASCII text that matches as a whole."""

    def read(value: object, option: Option) -> str:
        if not isinstance(value, str) or not pattern.fullmatch(value) or not value.isascii():
            raise Refused(f"must be {option.expected}.")
        return value

    return read


def list_reader(one: Reader, maximum: int) -> Reader:
    """A reader of a list without repetitions; `one` reads an element."""

    def read(value: object, option: Option) -> t.Tuple[object, ...]:
        if not isinstance(value, (list, tuple)) or not 1 <= len(value) <= maximum:
            raise Refused(f"must be {option.expected}.")
        items = tuple(one(item, option) for item in value)
        twice = next((item for item in items if items.count(item) > 1), None)
        if twice is not None:
            raise Refused(f"has {twice} twice; once is enough.")
        return items

    return read

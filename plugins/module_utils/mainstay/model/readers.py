# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One reader per form of options.FORMS: what a file spells -> what config.py holds.

A reader raises `Refused` with what is allowed; load.py adds the path and goes on, so that every problem is
found in one pass.
"""

from __future__ import annotations

import re
import typing as t

from .address_readers import ADDRESS_READERS
from .check_readers import CHECK_READERS
from .option import Option
from .problems import shown_value
from .refused import Reader, Refused, pattern_reader, suggestion
from .text_readers import TEXT_READERS
from .units import seconds

_LABEL = re.compile(r"[^\s\x00-\x1f\x7f]{1,15}")
_URL_PATH = re.compile(r"/[\x21-\x7e]{0,2047}")
_HOST = re.compile(r"[\x21-\x2e\x30-\x7e]{1,255}")
_CODE_RANGE = re.compile(r"(\d{3})-(\d{3})")


def read_text(value: object, option: Option) -> str:
    """At most 64 printable characters."""
    if not isinstance(value, str) or len(value) > 64 or not value.isprintable():
        raise Refused(f"must be {option.expected}.")
    return value


def read_word(value: object, option: Option) -> str:
    """One of the choices, spelt as listed."""
    if value not in option.choices or not isinstance(value, str):
        raise Refused(f"must be {option.expected}.{suggestion(value, option.choices)}")
    return value


def read_integer(value: object, option: Option) -> int:
    """A whole number within its range or choices; never text, never true or false."""
    if isinstance(value, str) and re.fullmatch(r"-?\d{1,9}", value):
        raise Refused(f"must be {option.expected}; this is text: write {value} without quotes.")
    if isinstance(value, bool) or not isinstance(value, int) or not _allowed(value, option):
        raise Refused(f"must be {option.expected}.")
    return value


def read_boolean(value: object, option: Option) -> bool:
    """true or false."""
    if not isinstance(value, bool):
        raise Refused(f"must be {option.expected}.")
    return value


def read_seconds(value: object, option: Option) -> int:
    """A number of seconds within its range and on its step, as nanoseconds."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise Refused(f"must be {option.expected}.")
    if not _within(value, option):
        raise Refused(f"must be {option.expected}.")
    duration = seconds(value)
    if option.step is not None and duration % seconds(option.step):
        raise Refused(f"must be {option.expected}.")
    return duration


def _allowed(value: int, option: Option) -> bool:
    return value in option.choices if option.choices else _within(value, option)


def _within(value: float, option: Option) -> bool:
    """NaN is within nothing."""
    if option.minimum is None or option.maximum is None:
        return True
    return option.minimum <= value <= option.maximum


def read_status_codes(value: object, option: Option) -> t.Tuple[t.Tuple[int, int], ...]:
    """Inclusive ranges, in the order given."""
    items = value if isinstance(value, (list, tuple)) else [value]
    if not 1 <= len(items) <= 64:
        raise Refused(f"must be {option.expected}.")
    ranges = [_code_range(item) for item in items]
    if None in ranges:
        raise Refused(f"must be {option.expected}; {shown_value(items[ranges.index(None)])} is none.")
    return tuple(one for one in ranges if one is not None)


def _code_range(item: object) -> t.Optional[t.Tuple[int, int]]:
    low = high = -1
    if isinstance(item, int) and not isinstance(item, bool):
        low = high = item
    elif isinstance(item, str) and item.isascii():
        match = _CODE_RANGE.fullmatch(item) or re.fullmatch(r"(\d{3})", item)
        low, high = (int(match.group(1)), int(match.groups()[-1])) if match else (-1, -1)
    return (low, high) if 100 <= low <= high <= 599 else None


READERS: t.Mapping[str, Reader] = {
    "text": read_text,
    "word": read_word,
    "integer": read_integer,
    "boolean": read_boolean,
    "seconds": read_seconds,
    "label": pattern_reader(_LABEL),
    "url_path": pattern_reader(_URL_PATH),
    "host": pattern_reader(_HOST),
    "status_codes": read_status_codes,
    **ADDRESS_READERS,
    **TEXT_READERS,
    **CHECK_READERS,
}
"""Forms that are one value, or a list of such; sections inside sections are nested.py's."""

# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
r"""Bytes as a file spells them: text with \r \n \t \\ and \xNN, hex digits, hex digits with x for any."""

from __future__ import annotations

import re
import typing as t

Nibbles = t.Tuple[t.Optional[int], ...]

_ESCAPE = re.compile(r"\\(x[0-9A-Fa-f]{2}|.|$)", re.DOTALL)
_ESCAPED = {"r": "\r", "n": "\n", "t": "\t", "\\": "\\"}
_SPELT = {ord(byte): f"\\{letter}" for letter, byte in _ESCAPED.items()}


def parse_bytes(text: str) -> bytes:
    """The bytes that the text spells. Raises ValueError in words."""
    return _ESCAPE.sub(_escaped, _as_bytes_text(text)).encode("latin-1")


def _as_bytes_text(text: str) -> str:
    r"""Characters beyond ASCII as the bytes of their UTF-8, one character each."""
    return text.encode("utf-8", "strict").decode("latin-1")


def _escaped(match: re.Match[str]) -> str:
    what = match.group(1)
    if len(what) == 3:
        return chr(int(what[1:], 16))
    if what not in _ESCAPED:
        raise ValueError(f"\\{what} is no escape; there are \\r, \\n, \\t, \\\\ and \\xNN with two hex digits")
    return _ESCAPED[what]


def bytes_text(content: bytes) -> str:
    """The spelling of bytes that `parse_bytes` reads."""
    return "".join(_SPELT.get(byte) or (chr(byte) if 32 <= byte < 127 else f"\\x{byte:02x}") for byte in content)


def parse_nibbles(text: str) -> Nibbles:
    """Hex digits, None for x. Raises ValueError for anything else."""
    return tuple(None if digit in "xX" else int(digit, 16) for digit in text)


def nibbles_text(nibbles: Nibbles) -> str:
    """The spelling that `parse_nibbles` reads."""
    return "".join("x" if nibble is None else f"{nibble:x}" for nibble in nibbles)

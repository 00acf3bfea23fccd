# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Readers of lists, and of what has a short spelling as text ("eth1 weight -20").

Such a text is first made the mapping that it stands for. A problem of it is told at the text itself: there is no key
below it that a person could look for.
"""

from __future__ import annotations

import functools
import re
import typing as t

from .commands import Command
from .json_text import children
from .problems import Problem
from .refused import Refused
from .walk import ReadNested, Values, Walk

MAXIMUM_LIST = 1024
_NUMBER = re.compile(r"-?\d{1,10}", re.ASCII)


def mapping_of(
    text: str,
    first: str,
    words: t.Mapping[str, str],
    flags: t.Mapping[str, t.Tuple[str, bool]],
    left_out: t.Mapping[str, str],
) -> Values:
    """'NAME weight -20 reverse' as the mapping it stands for. Raises Refused."""
    name, *rest = text.split() or [""]
    mapping: Values = {first: name}
    waiting = rest[::-1]
    while waiting:
        word = waiting.pop()
        if word in left_out and word not in words:
            raise Refused(f"'{word}' is not an option. {left_out[word]}")
        key, value = flags.get(word) or (words.get(word), waiting.pop() if word in words and waiting else None)
        if key is None or value is None or key in mapping:
            raise Refused(f"must read '{first.upper()}', then each at most once: {_syntax(words, flags)}.")
        mapping[key] = int(value) if isinstance(value, str) and _NUMBER.fullmatch(value) else value
    return mapping


def _syntax(words: t.Mapping[str, str], flags: t.Mapping[str, t.Tuple[str, bool]]) -> str:
    return ", ".join([*(f"'{word} VALUE'" for word in words), *(f"'{word}'" for word in flags)])


def short(
    walk: Walk, item: object, path: str, spelling: t.Callable[[str], Values], read: t.Callable[[object], t.Any]
) -> t.Any:
    """Read an item that may be text; None with problems noted when it is refused."""
    before = len(walk.problems)
    if not isinstance(item, str):
        return read(item)
    try:
        value = read(spelling(item))
    except Refused as refusal:
        walk.note(path, item, str(refusal))
        return None
    walk.problems[before:] = [Problem(path, item, one.message) for one in walk.problems[before:]]
    return value


def spelling(parse: t.Callable[[str], Values]) -> t.Callable[[str], Values]:
    """A parser of a short spelling whose ValueError is a refusal."""
    return functools.partial(_parsed, parse)


def _parsed(parse: t.Callable[[str], Values], text: str) -> Values:
    try:
        return parse(text)
    except ValueError as error:
        raise Refused(f"{error}.") from error


def items(walk: Walk, value: object, path: str, limits: t.Tuple[int, int], of: str, read: t.Any) -> t.Tuple[t.Any, ...]:
    """The elements that nothing is wrong with. Raises Refused for what is no such list."""
    minimum, maximum = limits
    if not isinstance(value, (list, tuple)) or not minimum <= len(value) <= maximum:
        raise Refused(f"must be a list of {minimum} to {maximum} {of}.")
    loaded = (read(walk, item, below) for below, item in children(value, path))
    return tuple(item for item in loaded if item is not None)


def list_of(minimum: int, maximum: int, of: str, read: t.Any) -> ReadNested:
    """A reader of a list; `read` reads an element."""
    return functools.partial(_list, (minimum, maximum), of, read)


def _list(limits: t.Tuple[int, int], of: str, read: t.Any, walk: Walk, value: object, path: str) -> t.Tuple[t.Any, ...]:
    return items(walk, value, path, limits, of, read)


def command(walk: Walk, value: object, path: str) -> t.Optional[Command]:
    """A program with its arguments, and who runs it."""
    values = short(
        walk, value, path, lambda text: {"command": text}, lambda mapping: walk.section("command", mapping, path)
    )
    if values is None:
        return None
    return Command(values["command"], values.get("user"), values.get("group"))

# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Strict JSON: text to plain values, or every reason why not.

Python's parser takes more than a configuration should: duplicate keys (the last wins in silence), NaN, any
depth until the stack ends. Limits: 4 MiB of UTF-8, 16 levels.
"""

from __future__ import annotations

import functools
import json
import re
import typing as t

from .problems import ConfigError, Problem

MAXIMUM_BYTES = 4 * 1024 * 1024
MAXIMUM_DEPTH = 16
_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_STRING_OR_BRACKET = re.compile(rf"{_STRING.pattern}|[\[\]{{}}]", re.DOTALL)
_NO_BRACKETS = re.compile(r"[^\[\]{}]+")


class _Repeating(t.Dict[str, object]):
    """A JSON object with keys that it was given more than once."""

    keys_twice: t.Tuple[str, ...] = ()


def parse_json(text: str) -> object:
    """The value that the text spells. Raises ConfigError; paths are those of the file."""
    _check_size(text)
    _check_depth(text)
    repeating: t.List[_Repeating] = []
    try:
        value = json.loads(
            text, object_pairs_hook=functools.partial(_object, repeating), parse_constant=_refuse_constant
        )
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise ConfigError([Problem("(file)", None, f"is not JSON: {error.msg} at {where}")]) from error
    except ValueError as error:
        raise ConfigError([Problem("(file)", None, f"is not JSON: {error}")]) from error
    if repeating:
        raise ConfigError(list(_repeated_keys(value, "")))
    return value


def _check_size(text: str) -> None:
    # surrogatepass: lone surrogates are refused later, at their path.
    if len(text) > MAXIMUM_BYTES or len(text.encode("utf-8", "surrogatepass")) > MAXIMUM_BYTES:
        raise ConfigError([Problem("(file)", None, "is larger than 4 MiB; split it into conf.d")])


def _is_shallow(text: str) -> bool:
    """Do its brackets close within the allowed depth? Twice as fast as counting them one by one."""
    brackets = _NO_BRACKETS.sub("", _STRING.sub("", text)).replace("[", "{").replace("]", "}")
    for _level in range(MAXIMUM_DEPTH):
        brackets = brackets.replace("{}", "")
    return not brackets


def _check_depth(text: str) -> None:
    if _is_shallow(text):
        return
    depth = 0
    for token in _STRING_OR_BRACKET.finditer(text):
        character = token.group()[0]
        depth += 1 if character in "[{" else -1 if character in "]}" else 0
        if depth > MAXIMUM_DEPTH:
            message = f"is nested deeper than {MAXIMUM_DEPTH} levels at character {token.start()}"
            raise ConfigError([Problem("(file)", None, message)])


def _object(repeating: t.List[_Repeating], pairs: t.List[t.Tuple[str, object]]) -> t.Dict[str, object]:
    value = dict(pairs)
    if len(value) == len(pairs):
        return value
    keys = [key for key, _value in pairs]
    repeating.append(_Repeating(value))
    repeating[-1].keys_twice = tuple(key for key in value if keys.count(key) > 1)
    return repeating[-1]


def _refuse_constant(name: str) -> t.NoReturn:
    raise ValueError(f"{name} is not a number that JSON knows")


def _repeated_keys(value: object, path: str) -> t.Iterator[Problem]:
    if isinstance(value, _Repeating):
        for key in value.keys_twice:
            yield Problem(join(path, key), None, "is given twice; keep one of the two")
    for below, item in children(value, path):
        yield from _repeated_keys(item, below)


def children(value: object, path: str) -> t.Iterator[t.Tuple[str, object]]:
    """What stands inside a mapping or list, each with its path."""
    if isinstance(value, t.Mapping):
        for key, item in value.items():
            yield join(path, key), item
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield f"{path}[{index}]", item


def join(path: str, key: object) -> str:
    """The path one key further down; unprintable characters escaped."""
    name = key if isinstance(key, str) else repr(key)
    if not name.isprintable():
        name = name.encode("unicode_escape").decode("ascii")
    return f"{path}.{name[:80]}" if path else name[:80]

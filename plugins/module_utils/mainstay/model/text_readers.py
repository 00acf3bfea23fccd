# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Readers of what is text with an inner form: names, paths, mail addresses, command lines, keys, routes."""

from __future__ import annotations

import re
import shlex
import typing as t

from .option import Option
from .refused import Reader, Refused, list_reader, pattern_reader
from .route_text import parse_route
from .rule_text import parse_rule

MAXIMUM_NAMES = 1024
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:@+-]{0,63}")

_INTERFACE = re.compile(r"[^\s/:\x00-\x1f\x7f]{1,15}")
_ABSOLUTE_PATH = re.compile(r"/[\x20-\x7e]{1,4000}")
_MAIL_ADDRESS = re.compile(
    r"{0}|[\x20-\x3b\x3d\x3f-\x7e]{{0,64}}<{0}>".format(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9.:\[\]-]{1,255}")
)
_MAIL_HOST = re.compile(r"[A-Za-z0-9_.:\[\]-]{1,253}")
_SCRIPT_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@$-]{0,63}( +[A-Za-z0-9_][A-Za-z0-9_.@$-]{0,63})?")
_PASSWORD = re.compile(r"[\x20-\x7e]{1,8}")
_MAXIMUM_LINE = 4096


def read_interface(value: object, option: Option) -> str:
    """A name that Linux takes for an interface."""
    name = pattern_reader(_INTERFACE)(value, option)
    if name in (".", ".."):
        raise Refused(f"must be {option.expected}.")
    return str(name)


def split_words(value: object, option: Option) -> t.Tuple[str, ...]:
    """Words as a shell would split them, nothing else of a shell. Raises Refused."""
    if not isinstance(value, str) or len(value) > _MAXIMUM_LINE or not value.isprintable():
        raise Refused(f"must be {option.expected}.")
    try:
        return tuple(shlex.split(value))
    except ValueError as error:
        raise Refused(f"must be {option.expected}: a quotation mark has no partner.") from error


def read_command_line(value: object, option: Option) -> t.Tuple[str, ...]:
    """A program by its absolute path, and its arguments."""
    words = split_words(value, option)
    if not words or not _ABSOLUTE_PATH.fullmatch(words[0]):
        raise Refused("must begin with the program's absolute path, such as /usr/local/bin/check.")
    return words


def read_process(value: object, option: Option) -> t.Tuple[str, ...]:
    """Name and arguments, from text or from a list."""
    if isinstance(value, (list, tuple)):
        words = tuple(item for item in value if isinstance(item, str) and item.isprintable())
        if len(words) != len(value):
            raise Refused(f"must be {option.expected}.")
    else:
        words = split_words(value, option)
    if not words or not words[0]:
        raise Refused(f"must be {option.expected}.")
    return words


def read_key(value: object, option: Option) -> t.Tuple[bytes, t.Optional[str]]:
    """The key's bytes; or none and the path of the file that holds them."""
    text = value if isinstance(value, str) else ""
    if text.startswith("file:"):
        path = text[len("file:") :]
        if not _ABSOLUTE_PATH.fullmatch(path):
            raise Refused("must name the file by its absolute path: file:/etc/mainstay/hmac.key.")
        return b"", path
    secret = key_bytes(text)
    if secret is None or not 32 <= len(secret) <= 64:
        raise Refused(f"must be {option.expected}.")
    return secret, None


def key_bytes(text: str) -> t.Optional[bytes]:
    """What ASCII text, or hex: and digits, spells; None when it spells nothing."""
    if not text.isascii() or not text.isprintable():
        return None
    if not text.startswith("hex:"):
        return text.encode("ascii")
    digits = text[len("hex:") :]
    return bytes.fromhex(digits) if re.fullmatch(r"([0-9A-Fa-f]{2})+", digits) else None


def _sentence_reader(parse: t.Callable[[str], object]) -> Reader:
    """A reader of a list of texts that `parse` reads, or refuses with a sentence."""

    def read(value: object, option: Option) -> t.Tuple[object, ...]:
        if not isinstance(value, (list, tuple)) or len(value) > MAXIMUM_NAMES:
            raise Refused(f"must be {option.expected}.")
        items = []
        for index, item in enumerate(value):
            if not isinstance(item, str):
                raise Refused(f"must be {option.expected}; [{index}] is no text.")
            try:
                items.append(parse(item))
            except ValueError as error:
                raise Refused(f"[{index}] ({item[:80]!a}): {error}") from error
        return tuple(items)

    return read


read_name = pattern_reader(NAME)

TEXT_READERS: t.Mapping[str, Reader] = {
    "interface": read_interface,
    "interfaces": list_reader(read_interface, MAXIMUM_NAMES),
    "name": read_name,
    "names": list_reader(read_name, MAXIMUM_NAMES),
    "absolute_path": pattern_reader(_ABSOLUTE_PATH),
    "mail_address": pattern_reader(_MAIL_ADDRESS),
    "mail_addresses": list_reader(pattern_reader(_MAIL_ADDRESS), 64),
    "mail_host": pattern_reader(_MAIL_HOST),
    "script_user": pattern_reader(_SCRIPT_USER),
    "command_line": read_command_line,
    "process": read_process,
    "password": pattern_reader(_PASSWORD),
    "key_text": read_key,
    "routes": _sentence_reader(parse_route),
    "rules": _sentence_reader(parse_rule),
}

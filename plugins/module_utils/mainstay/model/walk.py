# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The walk through a document beside the option table: every problem at its path, and the walk goes on."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping

from .json_text import join
from .options import LEFT_OUT, SECTIONS, Option
from .problems import Problem
from .readers import READERS
from .refused import Refused, suggestion

Values = t.Dict[str, t.Any]

ReadNested = t.Callable[["Walk", object, str], object]
"""Reads what stands at a path; raises Refused, or notes problems below the path and returns anything."""


class Walk:
    """One walk through one document; collects the problems on the way."""

    def __init__(self, nested: t.Mapping[str, ReadNested]) -> None:
        self.problems: t.List[Problem] = []
        self._nested = nested

    def note(self, path: str, value: object, message: str) -> None:
        """One more problem."""
        self.problems.append(Problem(path, value, message))

    def section(
        self, name: str, document: object, path: str, options: t.Optional[t.Mapping[str, Option]] = None
    ) -> t.Optional[Values]:
        """The values of one section by key; None when anything in it is refused.

        `options` are those of the section when a place narrows them.
        """
        if not isinstance(document, Mapping):
            self.note(path, None if name in _SECRET_SECTIONS else document, "must be a mapping of options.")
            return None
        before = len(self.problems)
        known = SECTIONS[name] if options is None else options
        self.refuse_unknown(document, known, path, LEFT_OUT.get(name, {}))
        values: Values = {}
        # Most options are left out: ten thousand servers would pay for half a million.
        for key in [key for key in known if key in document or key in _REQUIRED[name]]:
            self.option(key, known[key], document.get(key), join(path, key), values)
        return values if len(self.problems) == before else None

    def option(self, key: str, option: Option, value: object, path: str, values: Values) -> None:
        """Read one key into `values`, or note what is wrong with it."""
        if value is None:
            if option.required:
                self.note(path, None, f"is missing; it must be {option.expected}.")
            return
        try:
            if option.form in self._nested:
                values[key] = self._nested[option.form](self, value, path)
            else:
                values[key] = READERS[option.form](value, option)
        except Refused as refusal:
            self.note(path, None if option.secret or option.form in _HIDDEN else value, str(refusal))

    def refuse_unknown(
        self,
        document: t.Mapping[str, object],
        known: t.Collection[str],
        path: str,
        left_out: t.Mapping[str, str],
    ) -> None:
        """Note every key that is none of the known ones."""
        for key in document:
            if key in known:
                continue
            if key in left_out:
                self.note(join(path, key), None, f"is not an option. {left_out[key]}")
            else:
                hint = suggestion(key, known) or " Known here: " + ", ".join(known) + "."
                self.note(join(path, key), None, "is not an option." + hint)


_HIDDEN = ("authentication", "auth_hmac", "hmac_keys")
"""Forms whose value, misplaced, may be a secret."""

_REQUIRED = {
    name: frozenset(key for key, option in options.items() if option.required) for name, options in SECTIONS.items()
}

_SECRET_SECTIONS = ("authentication", "auth_hmac", "hmac_key")

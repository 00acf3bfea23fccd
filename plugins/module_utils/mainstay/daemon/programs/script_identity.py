# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who runs a script: names become numbers once, when the configuration is taken, never when it is urgent."""

from __future__ import annotations

import grp
import os
import pwd
import typing as t
from dataclasses import dataclass

from ...model.commands import Command

DEFAULT_USER = "mainstay"


class NoSuchIdentity(Exception):
    """The text names the user or group and the remedy."""


@dataclass(frozen=True)
class Identity:
    """A user and group to run as."""

    user: str
    uid: int
    gid: int
    home: str
    groups: t.Tuple[int, ...] = ()
    """All of them, the own one among them."""

    @property
    def is_ours(self) -> bool:
        """We are it already: nothing has to change."""
        return (self.uid, self.gid) == (os.geteuid(), os.getegid())


def identity_of(command: Command, script_user: t.Optional[str]) -> Identity:
    """The command's own user, else global_defs.script_user, else mainstay; an ordinary user's daemon runs them itself.

    Root runs nothing that does not say root. Raises NoSuchIdentity.
    """
    user, group = command.user, command.group
    if user is None and script_user is not None:
        user, _blank, rest = script_user.strip().partition(" ")
        group = group or rest.strip() or None
    if user is None and os.geteuid() != 0:
        user = str(os.geteuid())
    return _identity(DEFAULT_USER if user is None else user, group)


def _identity(user: str, group: t.Optional[str]) -> Identity:
    try:
        found = pwd.getpwuid(int(user)) if user.isdigit() else pwd.getpwnam(user)
    except KeyError as error:
        if user.isdigit():  # a number needs no name
            gid = int(user) if group is None else _group(group)
            return Identity(user, int(user), gid, "/", (gid,))
        raise NoSuchIdentity(
            f"there is no user {user} on this machine; create it, or name another one with script_user or user"
        ) from error
    gid = found.pw_gid if group is None else _group(group)
    return Identity(found.pw_name, found.pw_uid, gid, found.pw_dir, tuple(os.getgrouplist(found.pw_name, gid)))


def _group(group: str) -> int:
    try:
        return int(group) if group.isdigit() else grp.getgrnam(group).gr_gid
    except KeyError as error:
        raise NoSuchIdentity(f"there is no group {group} on this machine; create it or name another one") from error

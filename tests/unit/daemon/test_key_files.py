# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys in files of their own: read for the daemon, refused when others could read them."""

from __future__ import annotations

import json
import os
import typing as t
from pathlib import Path

import pytest

from mainstay.daemon.configuration_files import read_configuration
from mainstay.model.problems import ConfigError, Problem

KEY = "k" * 40
PLACE = "vrrp_instances.VI_1.auth_hmac.keys[0].key"


class Story:
    """A configuration that names one key file."""

    def __init__(self, folder: Path) -> None:
        self.key = folder / "hmac.key"
        self.key.write_text(KEY + "\n", encoding="ascii")
        self.key.chmod(0o640)
        self._configuration = folder / "mainstay.json"
        keys = [{"id": 1, "key": f"file:{self.key}"}]
        instance = {
            "interface": "eth0",
            "virtual_router_id": 51,
            "virtual_ipaddress": ["192.0.2.10/24"],
            "auth_hmac": {"keys": keys, "active_key": 1},
        }
        document = {"vrrp_instances": {"VI_1": instance}}
        self._configuration.write_text(json.dumps(document), encoding="ascii")

    @property
    def secret(self) -> bytes:
        hmac = read_configuration(str(self._configuration)).vrrp_instances["VI_1"].auth_hmac
        assert hmac is not None
        return hmac.keys[0].secret

    @property
    def problem(self) -> Problem:
        with pytest.raises(ConfigError) as caught:
            read_configuration(str(self._configuration))
        (problem,) = caught.value.problems
        return problem


@pytest.fixture
def story(tmp_path: Path) -> Story:
    return Story(tmp_path)


def test_the_content_is_the_key(story: Story) -> None:
    assert story.secret == KEY.encode("ascii")

    story.key.write_text("hex:" + "0f" * 32, encoding="ascii")
    assert story.secret == b"\x0f" * 32


@pytest.mark.parametrize("mode", [0o644, 0o660, 0o602])
@pytest.mark.fault("F26")
def test_a_key_that_others_may_read_or_change_is_refused(story: Story, mode: int) -> None:
    story.key.chmod(mode)

    assert story.problem.path == PLACE
    assert f"{mode:04o}" in story.problem.message and "chmod 0640" in story.problem.message


def _missing(key: Path) -> None:
    key.unlink()


def _a_folder(key: Path) -> None:
    key.unlink()
    key.mkdir(mode=0o700)


def _a_fifo(key: Path) -> None:
    key.unlink()
    os.mkfifo(key, mode=0o600)


def _short(key: Path) -> None:
    key.write_text("k" * 31, encoding="ascii")


def _of_two_lines(key: Path) -> None:
    key.write_text(f"{KEY}\n{KEY}\n", encoding="ascii")


def _binary(key: Path) -> None:
    key.write_bytes(b"\xff" * 40)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (_missing, "No such file"),
        (_a_folder, "Is a directory"),
        (_a_fifo, "ordinary file"),
        (_short, "32 to 64 bytes"),
        (_of_two_lines, "on one line"),
        (_binary, "ASCII text"),
    ],
)
def test_a_file_that_holds_no_key_is_refused_without_telling_it(
    story: Story, spoil: t.Callable[[Path], None], said: str
) -> None:
    spoil(story.key)

    assert said in story.problem.message
    assert "kkk" not in str(story.problem)


def test_a_key_of_a_stranger_is_refused(story: Story) -> None:
    os.chown(story.key, 12345, -1)

    assert "must belong to root" in story.problem.message

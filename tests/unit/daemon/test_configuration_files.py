# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The main file and conf.d, read as one."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest

from mainstay.daemon.configuration_files import read_configuration
from mainstay.model.problems import ConfigError

from .daemon_process import INSTANCE


def refused(path: Path, directory: t.Optional[Path] = None) -> t.List[str]:
    with pytest.raises(ConfigError) as caught:
        read_configuration(str(path), None if directory is None else str(directory))
    return [str(problem) for problem in caught.value.problems]


@pytest.fixture
def main_file(tmp_path: Path) -> Path:
    path = tmp_path / "mainstay.json"
    path.write_text(json.dumps({"vrrp_instances": {"VI_1": INSTANCE}}))
    (tmp_path / "conf.d").mkdir()
    return path


def test_files_of_conf_d_add_to_the_main_file_and_others_are_not_read(main_file: Path) -> None:
    more = {**INSTANCE, "virtual_router_id": 52, "virtual_ipaddress": ["192.0.2.11/24"]}
    (main_file.parent / "conf.d" / "vrrp_instance-VI_2.json").write_text(json.dumps({"vrrp_instances": {"VI_2": more}}))
    for name in ("README", ".half-written.json", "old.json.bak"):
        (main_file.parent / "conf.d" / name).write_text("not json")

    assert list(read_configuration(str(main_file)).vrrp_instances) == ["VI_1", "VI_2"]


def test_without_conf_d_the_main_file_is_all(main_file: Path) -> None:
    (main_file.parent / "conf.d").rmdir()

    assert list(read_configuration(str(main_file)).vrrp_instances) == ["VI_1"]


def test_problems_of_all_files_come_together(main_file: Path) -> None:
    main_file.write_text('{"a": 1, "a": 2}')
    (main_file.parent / "conf.d" / "b.json").write_text("{")
    (main_file.parent / "conf.d" / "c.json").write_bytes(b"\xff")

    twice, syntax, encoding = refused(main_file)

    assert twice.startswith("(mainstay.json) a: is given twice")
    assert syntax.startswith("(conf.d/b.json): is not JSON")
    assert encoding.startswith("(conf.d/c.json): is not UTF-8 text at byte 0")


def test_a_problem_names_the_file_it_stands_in(main_file: Path) -> None:
    bad = {**INSTANCE, "virtual_router_id": 0}
    (main_file.parent / "conf.d" / "b.json").write_text(json.dumps({"vrrp_instances": {"VI_2": bad}}))

    (problem,) = refused(main_file)

    assert problem.startswith("vrrp_instances.VI_2.virtual_router_id = 0")
    assert problem.endswith("(in conf.d/b.json)")


@pytest.mark.fault("F21")
def test_a_missing_file_says_which(tmp_path: Path) -> None:
    (problem,) = refused(tmp_path / "nothing.json")

    assert "cannot be read: No such file or directory" in problem
    assert "nothing.json" in problem


def test_a_conf_d_that_was_named_must_exist(main_file: Path, tmp_path: Path) -> None:
    (problem,) = refused(main_file, tmp_path / "nothing.d")

    assert "is no folder" in problem


def test_an_endless_file_is_not_read_to_its_end() -> None:
    (problem,) = refused(Path("/dev/zero"))

    assert "4 MiB" in problem

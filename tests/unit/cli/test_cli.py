# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command `mainstay` as a shell sees it: text, errors and exit status."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest

from mainstay.cli import main
from mainstay.version import VERSION

from ..daemon.conftest import StartDaemon, folder, start_daemon
from ..daemon.daemon_process import INSTANCE, document, write_config

__all__ = ["folder", "start_daemon"]


class Outcome(t.NamedTuple):
    status: int
    out: str
    err: str


@pytest.fixture
def mainstay(capsys: pytest.CaptureFixture[str]) -> t.Callable[..., Outcome]:
    def run(*arguments: str) -> Outcome:
        capsys.readouterr()
        status = main(arguments)
        return Outcome(status, *capsys.readouterr())

    return run


Mainstay = t.Callable[..., Outcome]


class TestCheckConfig:
    def test_a_good_file_is_0(self, mainstay: Mainstay, tmp_path: Path) -> None:
        write_config(tmp_path, document())

        outcome = mainstay("check-config", str(tmp_path / "mainstay.json"))

        assert outcome == (0, f"{tmp_path}/mainstay.json: good, 1 vrrp_instances, 0 virtual_servers\n", "")

    def test_a_warning_is_told_and_the_file_is_good_all_the_same(self, mainstay: Mainstay, tmp_path: Path) -> None:
        write_config(tmp_path, document(VI_1={**INSTANCE, "smtp_alert": True}))

        outcome = mainstay("check-config", str(tmp_path / "mainstay.json"))

        assert outcome.status == 0
        (line,) = outcome.err.splitlines()
        assert line.startswith(f"{tmp_path}/mainstay.json: warning: vrrp_instances.VI_1.smtp_alert = true: no mail is")

    def test_a_program_that_is_not_there_or_not_executable_is_told(self, mainstay: Mainstay, tmp_path: Path) -> None:
        plain = tmp_path / "plain"
        plain.write_text("#!/bin/sh\n")
        plain.chmod(0o644)
        notified = {**INSTANCE, "notify_master": f"{tmp_path}/missing eth0", "notify_fault": str(plain)}
        user = {"global_defs": {"script_user": "root"}}
        write_config(tmp_path, {**document(VI_1={**notified, "notify_backup": "/bin/true"}), **user})

        outcome = mainstay("check-config", str(tmp_path / "mainstay.json"))

        assert outcome.status == 0
        missing, not_executable = sorted(outcome.err.splitlines(), key=lambda line: "plain" in line)
        told = f"{tmp_path}/mainstay.json: warning: vrrp_instances.VI_1"
        assert missing.startswith(f"{told}.notify_master: could not be run: {tmp_path}/missing"), outcome.err
        assert not_executable.startswith(f"{told}.notify_fault: could not be run: {plain}"), outcome.err

    def test_a_bad_file_is_2_with_every_problem_on_standard_error(self, mainstay: Mainstay, tmp_path: Path) -> None:
        write_config(tmp_path, document(VI_1={**INSTANCE, "virtual_router_id": 300, "priorty": 1}))

        outcome = mainstay("check-config", str(tmp_path / "mainstay.json"))

        assert (outcome.status, outcome.out) == (2, "")
        lines = outcome.err.splitlines()
        assert len(lines) == 2
        assert "vrrp_instances.VI_1.priorty: is not an option. Did you mean priority?" in lines[0]
        assert "vrrp_instances.VI_1.virtual_router_id = 300: must be a whole number from 1 to 255." in lines[1]

    def test_conf_d_beside_the_file_counts_and_another_can_be_named(self, mainstay: Mainstay, tmp_path: Path) -> None:
        write_config(tmp_path, document())
        elsewhere = tmp_path / "ansible-tmp"
        elsewhere.mkdir()
        write_config(elsewhere, document())
        (tmp_path / "conf.d").mkdir()
        (tmp_path / "conf.d" / "a.json").write_text(json.dumps({"vrrp_instances": {"VI_1": INSTANCE}}))

        beside = mainstay("check-config", str(tmp_path / "mainstay.json"))
        alone = mainstay("check-config", str(elsewhere / "mainstay.json"))
        named = mainstay("check-config", "--conf-dir", str(tmp_path / "conf.d"), str(elsewhere / "mainstay.json"))

        assert (beside.status, alone.status, named.status) == (2, 0, 2)
        assert "given in both mainstay.json and conf.d/a.json" in named.err

    def test_a_missing_file_is_2(self, mainstay: Mainstay, tmp_path: Path) -> None:
        outcome = mainstay("check-config", str(tmp_path / "nothing.json"))

        assert outcome.status == 2
        assert outcome.err == f"{tmp_path / 'nothing.json'}: cannot be read: No such file or directory\n"


class TestWithoutDaemon:
    @pytest.mark.parametrize("verb", ["status", "reload"])
    def test_the_answer_is_1_and_a_sentence_that_says_what_to_do(
        self, mainstay: Mainstay, tmp_path: Path, verb: str
    ) -> None:
        outcome = mainstay(verb, "--run-dir", str(tmp_path))

        assert outcome.status == 1
        assert "mainstayd is not running" in outcome.err
        assert "systemctl start mainstay" in outcome.err

    def test_the_version_needs_none(self, mainstay: Mainstay) -> None:
        assert mainstay("version").out.startswith(f"mainstay {VERSION}\nruntime sha256:")

    def test_release_after_an_end_in_order_says_nothing(self, mainstay: Mainstay, tmp_path: Path) -> None:
        outcome = mainstay("release", "--config", str(tmp_path / "mainstay.json"), "--run-dir", str(tmp_path))

        assert outcome == (0, "", "")

    def test_a_daemon_with_a_bad_configuration_ends_with_78(self, mainstay: Mainstay, tmp_path: Path) -> None:
        write_config(tmp_path, {"colour": 1})

        outcome = mainstay("daemon", "--config", str(tmp_path / "mainstay.json"), "--run-dir", str(tmp_path / "run"))

        assert outcome.status == 78
        assert not (tmp_path / "run").exists()

    def test_a_wrong_call_is_2_with_the_usage(self, capsys: pytest.CaptureFixture[str]) -> None:
        for arguments in ([], ["dance"], ["check-config"]):
            with pytest.raises(SystemExit) as ended:
                main(arguments)
            assert ended.value.code == 2
            assert "usage: mainstay" in capsys.readouterr().err

    def test_the_help_of_every_verb_tells_its_exit_statuses(self, capsys: pytest.CaptureFixture[str]) -> None:
        for verb, statuses in {
            "status": "01",
            "check-config": "02",
            "reload": "021",
            "daemon": "01",
            "release": "01",
            "explain": "021",
            "events": "021",
            "demote": "021",
            "restore": "021",
            "plan": "021",
        }.items():
            with pytest.raises(SystemExit):
                main([verb, "--help"])
            told = " ".join(capsys.readouterr().out.split())
            assert all(f"{status}: " in told.partition("Exit status ")[2] for status in statuses), told


class TestWithDaemon:
    def test_status_as_a_page_and_as_json(self, mainstay: Mainstay, folder: Path, start_daemon: StartDaemon) -> None:
        daemon = start_daemon().wait_until_ready()

        page = mainstay("status", "--run-dir", str(daemon.run_directory))
        plain = mainstay("status", "--json", "--run-dir", str(daemon.run_directory))

        assert page.status == plain.status == 0
        assert f"pid {daemon.process.pid}" in page.out.splitlines()[0]
        assert json.loads(plain.out)["pid"] == daemon.process.pid

    def test_reload_names_a_worker_that_has_not_taken_it(
        self, mainstay: Mainstay, folder: Path, start_daemon: StartDaemon
    ) -> None:
        daemon = start_daemon().wait_until_ready()
        write_config(folder, document("lvs fails"))

        outcome = mainstay("reload", "--run-dir", str(daemon.run_directory))

        assert outcome == (
            0,
            "global_defs: changed router_id\n",
            "not taken yet by the health worker; look with 'mainstay status'\n",
        )

    def test_reload_says_what_changed_or_every_problem(
        self, mainstay: Mainstay, folder: Path, start_daemon: StartDaemon
    ) -> None:
        daemon = start_daemon().wait_until_ready()
        run = ("reload", "--run-dir", str(daemon.run_directory))

        assert mainstay(*run) == (0, "nothing changed\n", "")
        write_config(folder, document(VI_1={**INSTANCE, "priority": 90}))
        assert mainstay(*run) == (0, "vrrp_instance VI_1: changed priority\n", "")
        write_config(folder, document(VI_1={**INSTANCE, "priority": 900, "interface": "a b"}))
        bad = mainstay(*run)

        assert (bad.status, bad.out) == (2, "")
        assert "the reload was refused; the daemon runs what it ran before" in bad.err
        assert "vrrp_instances.VI_1.interface = 'a b': must be" in bad.err
        assert "vrrp_instances.VI_1.priority = 900: must be" in bad.err

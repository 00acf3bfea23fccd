# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module vrrp_instance against a folder of its own and a scripted daemon."""

from __future__ import annotations

import errno
import json
import os
import stat

import pytest

from ansible_collections.mainstay.ha.plugins.module_utils.mainstay.daemon import client
from ansible_collections.mainstay.ha.plugins.modules import vrrp_instance

from .host import Host

WANTED = {
    "name": "VI_1",
    "interface": "eth0",
    "virtual_router_id": 51,
    "virtual_ipaddress": ["192.0.2.10/24"],
}
FILE = "vrrp_instance-VI_1.json"


def status(state: str = "MASTER", held: int = 1, **changes: object) -> dict[str, object]:
    """A daemon's status with VI_1 in it."""
    instance = {
        "state": state,
        "interface": "eth0",
        "virtual_router_id": 51,
        "priority": 100,
        "addresses": ["192.0.2.10/24"],
        "addresses_held": ["192.0.2.10/24"][:held],
        "master": "192.0.2.3" if state == "BACKUP" else None,
        "problems": [],
        **changes,
    }
    return {"vrrp": {"alive": True, "instances": {"VI_1": instance}}}


NOT_YET = {"vrrp": {"alive": True, "instances": {}}}


def test_a_new_instance_gets_a_file_of_its_own_and_the_daemon_reloads(host: Host) -> None:
    with host.daemon() as daemon:
        result = host.run(vrrp_instance, **WANTED)
    assert result.changed and result.reloaded
    assert daemon.asked == ["reload"]
    assert host.files() == [FILE]
    assert host.content(FILE)["vrrp_instances"]["VI_1"]["virtual_router_id"] == 51
    assert result.diff["before"] == ""
    assert '"virtual_router_id": 51' in result.diff["after"]
    assert result.diff["after_header"] == "vrrp_instance VI_1"


def test_the_file_is_readable_by_the_folders_group_and_nobody_else(host: Host) -> None:
    with host.daemon():
        host.run(vrrp_instance, **WANTED)
    found = (host.conf_d / FILE).stat()
    assert stat.S_IMODE(found.st_mode) == 0o640
    assert found.st_gid == host.conf_d.stat().st_gid


def test_the_same_again_changes_nothing_and_asks_for_nothing(host: Host) -> None:
    with host.daemon() as daemon:
        host.run(vrrp_instance, **WANTED)
        # The same meaning in other words: seconds as a fraction, a default spelt out.
        again = host.run(vrrp_instance, **WANTED, advert_int=1.0, priority=100)
    assert not again.changed and not again.reloaded
    assert daemon.asked == ["reload"]
    assert again.diff["before"] == again.diff["after"]


def test_a_changed_option_shows_in_the_diff_of_the_object(host: Host) -> None:
    with host.daemon():
        host.run(vrrp_instance, **WANTED)
        result = host.run(vrrp_instance, **WANTED, priority=150)
    assert result.changed
    assert '"priority": 100' in result.diff["before"] and '"priority": 150' in result.diff["after"]


def test_the_hint_for_the_start_has_another_name_as_state_says_whether_it_is_there(host: Host) -> None:
    with host.daemon():
        host.run(vrrp_instance, **WANTED, initial_state="MASTER")
    assert host.content(FILE)["vrrp_instances"]["VI_1"]["state"] == "MASTER"


def test_it_may_track_what_another_file_defines_and_stays_unchanged(host: Host) -> None:
    scripts = {"vrrp_scripts": {"chk_web": {"script": "/usr/local/bin/chk"}}}
    host.main_file.write_text(json.dumps(scripts), encoding="utf-8")
    with host.daemon():
        first = host.run(vrrp_instance, **WANTED, track_script=["chk_web weight -20"])
        again = host.run(vrrp_instance, **WANTED, track_script=["chk_web weight -20"])
        wrong = host.run(vrrp_instance, **WANTED, track_script=["chk_wab"])
    assert first.changed and not again.changed
    assert wrong.failed and "Did you mean chk_web?" in wrong.msg


SECRETS = [
    {"version": 2, "authentication": {"auth_type": "PASS", "auth_pass": "swordfis"}},
    {"auth_hmac": {"keys": [{"id": 1, "key": "correct horse battery staple 0123456789"}], "active_key": 1}},
]


@pytest.mark.parametrize("secret", SECRETS, ids=["auth_pass", "key"])
def test_a_secret_is_in_the_file_and_in_nothing_that_is_shown(host: Host, secret: dict[str, object]) -> None:
    with host.daemon():
        result = host.run(vrrp_instance, **WANTED, **secret)
        again = host.run(vrrp_instance, **WANTED, **secret)
    text = (host.conf_d / FILE).read_text(encoding="utf-8")
    assert "swordfis" in text or b"correct horse".hex() in text
    assert result.changed and not again.changed
    shown = json.dumps([result.values, again.values])
    assert not any(word in shown for word in ("swordfis", "correct horse", b"correct horse".hex()))


def test_another_secret_shows_as_a_change_and_neither_is_shown(host: Host) -> None:
    with host.daemon():
        host.run(vrrp_instance, **WANTED, version=2, authentication={"auth_type": "PASS", "auth_pass": "swordfis"})
        other = host.run(
            vrrp_instance, **WANTED, version=2, authentication={"auth_type": "PASS", "auth_pass": "tunafish"}
        )
    assert other.changed
    assert "(not shown)" in other.diff["before"] and "(not shown, changed)" in other.diff["after"]
    assert "swordfis" not in json.dumps(other.values) and "tunafish" not in json.dumps(other.values)


def test_a_refused_secret_is_in_no_message(host: Host) -> None:
    too_long = {"auth_type": "PASS", "auth_pass": "ninechars"}
    result = host.run(vrrp_instance, **WANTED, version=2, authentication=too_long)
    assert result.failed and "auth_pass: must be text of 1 to 8" in result.msg
    assert "ninechars" not in json.dumps(result.values)


def test_check_mode_tells_and_touches_nothing(host: Host) -> None:
    with host.daemon() as daemon:
        result = host.run(vrrp_instance, **WANTED, _ansible_check_mode=True)
    assert result.changed and not result.reloaded
    assert daemon.asked == [] and host.files() == []


def test_absent_removes_the_file(host: Host) -> None:
    with host.daemon() as daemon:
        host.run(vrrp_instance, **WANTED)
        gone = host.run(vrrp_instance, name="VI_1", state="absent")
        again = host.run(vrrp_instance, name="VI_1", state="absent")
    assert gone.changed and gone.object is None and host.files() == []
    assert not again.changed
    assert daemon.asked == ["reload", "reload"]


def test_an_invalid_value_is_refused_with_its_path_before_anything_is_written(host: Host) -> None:
    with host.daemon() as daemon:
        result = host.run(vrrp_instance, **{**WANTED, "virtual_router_id": 300})
    assert result.failed
    assert "virtual_router_id = 300: must be a whole number from 1 to 255" in result.msg
    assert result.problems[0]["path"] == "vrrp_instances.VI_1.virtual_router_id"
    assert daemon.asked == [] and host.files() == []


def test_check_mode_refuses_an_invalid_value_too(host: Host) -> None:
    result = host.run(vrrp_instance, **{**WANTED, "priority": 0}, _ansible_check_mode=True)
    assert result.failed and "priority = 0" in result.msg


def test_a_clash_with_another_file_is_refused(host: Host) -> None:
    other = {"vrrp_instances": {"VI_9": {k: v for k, v in WANTED.items() if k != "name"}}}
    host.main_file.write_text(json.dumps(other), encoding="utf-8")
    result = host.run(vrrp_instance, **WANTED)
    assert result.failed and "VI_9" in result.msg and host.files() == []


@pytest.mark.parametrize("state", ["present", "absent"])
def test_an_object_of_the_main_file_is_left_to_it(host: Host, state: str) -> None:
    main = {"vrrp_instances": {"VI_1": {k: v for k, v in WANTED.items() if k != "name"}}}
    host.main_file.write_text(json.dumps(main), encoding="utf-8")
    result = host.run(vrrp_instance, **WANTED, state=state)
    assert result.failed and str(host.main_file) in result.msg and host.files() == []


@pytest.mark.parametrize("state", ["present", "absent"])
def test_a_name_cannot_lead_out_of_the_folder(host: Host, state: str) -> None:
    (host.conf_d / "vrrp_instance-x").mkdir()
    precious = host.folder / "precious.json"
    precious.write_text('{"vrrp_instances": 1}', encoding="utf-8")
    result = host.run(vrrp_instance, **{**WANTED, "name": "x/../../precious", "state": state})
    assert result.failed and "is no usable name" in result.msg
    assert precious.read_text(encoding="utf-8") == '{"vrrp_instances": 1}'


@pytest.mark.parametrize("before", ["nothing", "an instance"])
def test_a_refused_reload_brings_the_former_file_back(host: Host, before: str) -> None:
    if before == "an instance":
        with host.daemon():
            host.run(vrrp_instance, **WANTED)
    host.socket.unlink(missing_ok=True)
    former = {path.name: path.read_text(encoding="utf-8") for path in host.conf_d.iterdir()}
    problem = {"path": "vrrp_instances.VI_1.interface", "value": "eth0", "message": "eth0 is taken"}
    with host.daemon(reload=[{"ok": False, "problems": [problem]}]):
        result = host.run(vrrp_instance, **WANTED, priority=150)
    assert result.failed
    assert "refused the reload" in result.msg and "eth0 is taken" in result.msg
    assert result.problems == [problem]
    assert {path.name: path.read_text(encoding="utf-8") for path in host.conf_d.iterdir()} == former


def test_without_a_daemon_the_file_is_written_and_a_warning_says_so(host: Host) -> None:
    result = host.run(vrrp_instance, **WANTED)
    assert result.changed and not result.reloaded
    assert host.files() == [FILE]
    (warning,) = host.warnings
    assert str(host.socket) in warning and "reads it when it starts" in warning


@pytest.mark.parametrize("before", ["nothing", "an instance"])
@pytest.mark.parametrize("number", [errno.ETIMEDOUT, errno.EACCES, errno.ECONNRESET])
def test_a_daemon_that_does_not_answer_fails_the_task_and_the_former_file_comes_back(
    host: Host, monkeypatch: pytest.MonkeyPatch, before: str, number: int
) -> None:
    """Else the next run would find the file as wanted, and nobody would ever reload."""
    if before == "an instance":
        with host.daemon():
            host.run(vrrp_instance, **WANTED)
    former = {path.name: path.read_text(encoding="utf-8") for path in host.conf_d.iterdir()}

    def silent(*_arguments: object) -> bytes:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patched:
        patched.setattr(client, "ask", silent)
        result = host.run(vrrp_instance, **WANTED, priority=150)

    assert result.failed and "The former file is back" in result.msg
    assert host.warnings == []
    assert {path.name: path.read_text(encoding="utf-8") for path in host.conf_d.iterdir()} == former


def test_a_worker_that_has_not_taken_it_is_a_warning(host: Host) -> None:
    with host.daemon(reload=[{"ok": True, "changed": [], "unconfirmed": ["vrrp worker"]}]):
        result = host.run(vrrp_instance, **WANTED)
    assert result.changed and not result.reloaded
    assert host.files() == [FILE]
    (warning,) = host.warnings
    assert "vrrp worker not yet" in warning


def test_what_the_reload_warns_of_is_a_warning_of_the_module(host: Host) -> None:
    with host.daemon(reload=[{"ok": True, "changed": [], "warnings": ["data_plane ipvs: this kernel has no ip_vs"]}]):
        result = host.run(vrrp_instance, **WANTED)
    assert result.reloaded
    assert host.warnings == ["data_plane ipvs: this kernel has no ip_vs"]


def test_without_conf_d_the_failure_names_the_folder(host: Host) -> None:
    host.conf_d.rmdir()
    result = host.run(vrrp_instance, **WANTED)
    assert result.failed and str(host.conf_d) in result.msg


def test_a_damaged_file_of_its_own_is_replaced(host: Host) -> None:
    (host.conf_d / FILE).write_text("{", encoding="utf-8")
    with host.daemon():
        result = host.run(vrrp_instance, **WANTED)
    assert result.changed and host.content(FILE)["vrrp_instances"]


def test_wait_returns_when_the_daemon_is_master_and_holds_the_addresses(host: Host) -> None:
    with host.daemon(status=[NOT_YET, status("INIT", 0), status("MASTER", 0), status()]) as daemon:
        result = host.run(vrrp_instance, **WANTED, wait=True)
    assert result.status["state"] == "MASTER"
    assert daemon.asked == ["reload"] + 4 * ["status"]


def test_wait_is_content_with_a_backup_that_hears_a_master(host: Host) -> None:
    with host.daemon(status=[status("BACKUP", 0)]):
        assert host.run(vrrp_instance, **WANTED, wait=True).status["state"] == "BACKUP"


def test_wait_sees_that_the_daemon_still_runs_the_old_values(host: Host) -> None:
    with host.daemon(status=[status(), status(priority=150)]) as daemon:
        assert not host.run(vrrp_instance, **WANTED, priority=150, wait=True).failed
    assert daemon.asked.count("status") == 2


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        (status("FAULT", 0, problems=["eth0 is down"]), "it is in state FAULT: eth0 is down"),
        (status("MASTER", 0), "it is master without 192.0.2.10/24"),
        (status("BACKUP", 0, master=None), "it is backup but has heard no master yet"),
        ({"vrrp": {"alive": False}}, "the daemon's vrrp worker is not alive"),
    ],
)
def test_wait_gives_up_with_what_is_missing(host: Host, told: dict[str, object], reason: str) -> None:
    with host.daemon(status=[told]):
        result = host.run(vrrp_instance, **WANTED, wait=True, wait_timeout=0)
    assert result.failed and reason in result.msg and "after 0 s" in result.msg


def test_wait_for_absence(host: Host) -> None:
    with host.daemon(status=[status(), NOT_YET]) as daemon:
        result = host.run(vrrp_instance, name="VI_1", state="absent", wait=True)
    assert result.status is None and daemon.asked == ["status", "status"]


def test_wait_without_a_daemon_fails(host: Host) -> None:
    result = host.run(vrrp_instance, **WANTED, wait=True)
    assert result.failed and "mainstayd is not running" in result.msg

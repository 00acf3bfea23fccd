# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The archive: the same bytes from the same sources, and something that Python runs."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from ansible_collections.mainstay.ha.plugins.plugin_utils._archive import PACKAGE, build_archive


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A small package of the same name, with a command line that answers."""
    folder = tmp_path / "mainstay"
    (folder / "deep").mkdir(parents=True)
    (folder / "__init__.py").write_text("", encoding="utf-8")
    (folder / "version.py").write_text('VERSION = "7.8.9"\n', encoding="utf-8")
    (folder / "deep" / "__init__.py").write_text("", encoding="utf-8")
    (folder / "cli.py").write_text(
        "import sys\nfrom .version import VERSION\n"
        "def main(arguments):\n    print(VERSION, sys.path[0], arguments)\n    return 3\n",
        encoding="utf-8",
    )
    shutil.copy(PACKAGE / "unpack.py", folder)
    return folder


def run(*command: object) -> subprocess.CompletedProcess[str]:
    words = [str(word) for word in command]
    return subprocess.run(words, capture_output=True, text=True, check=False, timeout=60, cwd="/")


def test_two_checkouts_of_different_age_give_the_same_bytes(package: Path, tmp_path: Path) -> None:
    first = build_archive(package)
    copy = tmp_path / "other" / "mainstay"
    shutil.copytree(package, copy)
    for path in copy.rglob("*"):
        os.utime(path, (1, 1))
        path.chmod(0o700)
    (copy / "__pycache__").mkdir()
    (copy / "__pycache__" / "cli.cpython-311.pyc").write_bytes(b"left over")
    assert build_archive(copy).content == first.content


def test_a_changed_line_makes_another_release(package: Path) -> None:
    before = build_archive(package)
    (package / "cli.py").write_text("def main(arguments):\n    return 0\n", encoding="utf-8")
    assert before.release.startswith("7.8.9-")
    assert build_archive(package).release != before.release


def test_a_package_without_a_version_is_refused(package: Path) -> None:
    (package / "version.py").write_text("", encoding="utf-8")
    with pytest.raises(ValueError, match="has no line VERSION"):
        build_archive(package)


def test_the_runtime_itself_is_packed_whole() -> None:
    names = zipfile.ZipFile(io.BytesIO(build_archive().content)).namelist()
    sources = {path.relative_to(PACKAGE.parent).as_posix() for path in PACKAGE.rglob("*.py")}
    assert set(names) == sources | {"__main__.py"}


def test_the_archive_runs_as_it_is(package: Path, tmp_path: Path) -> None:
    archive = tmp_path / "any-name"
    archive.write_bytes(build_archive(package).content)
    done = run(sys.executable, "-I", archive, "version")
    assert (done.returncode, done.stdout) == (3, f"7.8.9 {archive} ['version']\n"), done.stderr


class TestUnpacked:
    """The archive laid out on a host, as the role does it."""

    @pytest.fixture
    def release(self, package: Path, tmp_path: Path) -> Path:
        archive = tmp_path / "mainstay.zip"
        archive.write_bytes(build_archive(package).content)
        done = run("sh", "-c", f"umask 077; {sys.executable} -I {archive} unpack {tmp_path}/release")
        assert done.returncode == 0, done.stderr
        return tmp_path / "release"

    def test_every_source_has_its_byte_code(self, release: Path) -> None:
        sources = list(release.rglob("*.py"))
        compiled = list(release.rglob("*.pyc"))
        assert len(sources) == len(compiled) == 6

    def test_byte_code_is_taken_without_a_look_at_the_source(self, release: Path) -> None:
        """Flags of a pyc (PEP 552): bit 0 hash-based, bit 1 to be checked."""
        flags = {path.read_bytes()[4] for path in release.rglob("*.pyc")}
        assert flags == {0b01}

    def test_byte_code_is_without_docstrings(self, release: Path) -> None:
        """They are for readers of the sources, where they stay; in memory they would be half a megabyte."""
        code = next((release / "mainstay" / "__pycache__").glob("unpack.*.pyc")).read_bytes()
        assert b"complete or not at all" in (release / "mainstay" / "unpack.py").read_bytes()
        assert b"complete or not at all" not in code

    def test_everybody_may_read_it_whatever_the_umask_was(self, release: Path) -> None:
        closed = [path for path in [release, *release.rglob("*")] if path.stat().st_mode & 0o044 != 0o044]
        assert closed == []

    def test_nothing_unfinished_stays_behind(self, release: Path) -> None:
        assert [path.name for path in release.parent.iterdir() if path.name.startswith(".")] == []

    def test_it_tells_the_digest_of_the_archive(self, release: Path, package: Path) -> None:
        assert (release / "DIGEST").read_text(encoding="ascii").strip() == build_archive(package).digest

    def test_the_command_runs_it(self, release: Path) -> None:
        done = run(release / "bin" / "mainstay", "status", "--json")
        assert done.returncode == 3 and done.stdout.endswith("['status', '--json']\n"), done.stderr

    def test_run_by_a_link_it_imports_from_the_release_itself(self, release: Path) -> None:
        link = release.parent / "current"
        link.symlink_to("release")
        assert run(sys.executable, "-I", link, "version").stdout == f"7.8.9 {release} ['version']\n"

    def test_a_release_that_is_there_is_left_alone(self, release: Path) -> None:
        archive = release.parent / "mainstay.zip"
        done = run(sys.executable, "-I", archive, "unpack", release)
        assert done.returncode != 0
        assert (release / "DIGEST").exists()


def test_an_upgrade_keeps_the_release_that_ran_and_no_older_one(package: Path, tmp_path: Path) -> None:
    lib = tmp_path / "lib"
    lib.mkdir()
    archive = lib / "mainstay.zip"
    (lib / "not-ours").mkdir()
    archive.write_bytes(build_archive(package).content)
    for release in ("first", "second", "third"):
        done = run(sys.executable, "-I", archive, "unpack", lib / release)
        assert done.returncode == 0, done.stderr
        (lib / "current").unlink(missing_ok=True)
        (lib / "current").symlink_to(release)
    assert sorted(path.name for path in lib.iterdir()) == ["current", "mainstay.zip", "not-ours", "second", "third"]


def test_a_release_that_nobody_ever_ran_is_no_release_to_go_back_to(package: Path, tmp_path: Path) -> None:
    """Given an upgrade that failed after unpacking, when the next one comes, then what runs stays and that goes."""
    archive = tmp_path / "mainstay.zip"
    archive.write_bytes(build_archive(package).content)
    run(sys.executable, "-I", archive, "unpack", tmp_path / "running")
    (tmp_path / "current").symlink_to("running")
    for release in ("failed", "mended"):
        run(sys.executable, "-I", archive, "unpack", tmp_path / release)
    left = {path.name for path in tmp_path.iterdir() if (path / "DIGEST").exists() and not path.is_symlink()}
    assert left == {"running", "mended"}


def test_a_release_that_python_cannot_compile_leaves_nothing(package: Path, tmp_path: Path) -> None:
    (package / "broken.py").write_text("def :\n", encoding="utf-8")
    archive = tmp_path / "mainstay.zip"
    archive.write_bytes(build_archive(package).content)
    done = run(sys.executable, "-I", archive, "unpack", tmp_path / "release")
    assert done.returncode != 0 and "cannot compile the release" in done.stderr
    assert not (tmp_path / "release").exists()


def test_unpack_without_a_folder_tells_how_to_call_it(package: Path, tmp_path: Path) -> None:
    archive = tmp_path / "mainstay.zip"
    archive.write_bytes(build_archive(package).content)
    done = run(sys.executable, "-I", archive, "unpack")
    assert done.returncode == 2 and done.stderr.startswith("usage:")

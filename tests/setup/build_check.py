# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the collection, install the archive into an empty folder without network, and look at what is there.

    python tests/setup/build_check.py FOLDER      FOLDER keeps the archive; the rest is emptied first

It fails when the archive holds what a user does not need, misses what the checkout has, or when ansible-doc
cannot show a module, a plugin or a role from the installed copy.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

from collection_tree import collection_copy

BIN = Path(sys.executable).parent
SHIPPED_TOP = {
    "CHANGELOG.rst", "FILES.json", "LICENSE", "MANIFEST.json", "README.md",
    "changelogs", "docs", "examples", "galaxy.yml", "meta", "playbooks", "plugins", "roles",
}
PROMISED_MODULES = {"vrrp_instance", "ipvs_virtual_server", "ha_check", "ha_info", "ha_maintenance"}
PROMISED_ROLES = {"director", "real_server"}
PLUGIN_KINDS = ("lookup", "filter", "connection")


class Broken(Exception):
    """What a user would stumble over, in words."""


def run(*words: object, **environment: str) -> str:
    """Run one of Ansible's programs and return what it printed; raises Broken with its complaint."""
    line = [str(BIN / str(words[0])), *map(str, words[1:])]
    inherited = {**os.environ, **environment}
    done = subprocess.run(line, env=inherited, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        said = done.stdout + done.stderr
        raise Broken(f"{' '.join(map(str, words))}: exit status {done.returncode}\n{said}")
    return done.stdout


def build(target: Path) -> Path:
    """The archive of a clean copy, so that litter in the checkout cannot get in unseen."""
    with collection_copy("build") as root:
        run("ansible-galaxy", "collection", "build", root, "--output-path", target, "--force")
    (archive,) = target.glob("mainstay-ha-*.tar.gz")
    return archive


def check_contents(archive: Path) -> None:
    with tarfile.open(archive) as opened:
        names = opened.getnames()
    stray = {name for name in names if name.split("/")[0] not in SHIPPED_TOP or "__pycache__" in name}
    if stray:
        raise Broken(f"the archive holds what no user needs: {sorted(stray)[:20]}; see build_ignore")
    roles = {name.split("/")[1] for name in names if name.startswith("roles/") and name.count("/") > 1}
    bare = [f"roles/{role}/README.md" for role in sorted(roles) if f"roles/{role}/README.md" not in names]
    if bare:
        raise Broken(f"Galaxy refuses a role without its own README: {', '.join(bare)}")
    print(f"archive: {archive.name}, {archive.stat().st_size // 1024} KiB, {len(names)} entries")


def install(archive: Path, folder: Path) -> Path:
    """As a user without network does it. An unreachable server in the settings proves that none is asked."""
    no_server = folder / "ansible.cfg"
    no_server.parent.mkdir(parents=True)
    no_server.write_text(
        "[galaxy]\nserver_list = nowhere\n[galaxy_server.nowhere]\nurl = http://127.0.0.1:9/\n"
    )
    collections = folder / "collections"
    environment = {
        "ANSIBLE_CONFIG": str(no_server),
        "ANSIBLE_COLLECTIONS_PATH": str(collections),
        "HOME": str(folder),
    }
    galaxy = ("ansible-galaxy", "collection")
    run(*galaxy, "install", archive, "-p", collections, "--force", **environment)
    installed = collections / "ansible_collections" / "mainstay" / "ha"
    if not (installed / "MANIFEST.json").exists():
        raise Broken(f"nothing was installed below {collections}")
    run(*galaxy, "verify", "--offline", "mainstay.ha", "-p", collections, **environment)
    return collections


def documented(collections: Path, kind: str) -> dict[str, object]:
    """Names of one kind of thing in the installed collection, with full documentation read for each."""
    environment = {"ANSIBLE_COLLECTIONS_PATH": str(collections), "ANSIBLE_COLLECTIONS_SCAN_SYS_PATH": "false"}
    listed = json.loads(run("ansible-doc", "--json", "--list", "--type", kind, "mainstay.ha", **environment))
    if listed:
        shown = json.loads(run("ansible-doc", "--json", "--type", kind, *listed, **environment))
        empty = [name for name in listed if not shown.get(name)]
        if empty:
            raise Broken(f"ansible-doc lists these without documentation: {empty}")
    print(f"{kind}: {', '.join(sorted(listed)) or 'none'}")
    return dict(listed)


def check_documentation(collections: Path) -> None:
    for kind, promised in (("module", PROMISED_MODULES), ("role", PROMISED_ROLES)):
        missing = {f"mainstay.ha.{name}" for name in promised} - set(documented(collections, kind))
        if missing:
            raise Broken(f"promised but not installed, or without documentation: {sorted(missing)}")
    for kind in PLUGIN_KINDS:
        documented(collections, kind)


def main(target: Path) -> int:
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    try:
        archive = build(target)
        check_contents(archive)
        check_documentation(install(archive, target / "user"))
    except Broken as problem:
        print(f"build: {problem}", file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(target / "user", ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve()))

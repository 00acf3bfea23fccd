# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""model <- vrrp, bfd, lvs, probes <- net <- daemon <- cli: what keeps the logic testable without machines.

The rule is read from the source, not from what happens to be loaded: imports inside functions and under
TYPE_CHECKING count too.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

RUNTIME = Path(__file__).resolve().parents[2] / "plugins" / "module_utils" / "mainstay"

PURE = ("model", "vrrp", "bfd", "lvs", "probes")
MAY_IMPORT = {
    "version": set(),
    "model": {"version"},
    "vrrp": {"version", "model"},
    "bfd": {"version", "model"},
    "lvs": {"version", "model"},
    "probes": {"version", "model"},
    "net": {"version", "model", "vrrp", "bfd", "lvs", "probes"},
    "daemon": {"version", "model", "vrrp", "bfd", "lvs", "probes", "net"},
    "cli": {"version", "model", "vrrp", "bfd", "lvs", "probes", "net", "daemon"},
    # Runs before the rest is on disk, so it stands alone.
    "unpack": {"version", "cli"},
    "__main__": {"cli"},
    "__init__": {"version"},
}
# Computing only. A module that is not here is a question to ask in review, not a thing to slip in.
COMPUTES = {
    "__future__", "abc", "base64", "binascii", "bisect", "collections", "copy", "dataclasses", "difflib",
    "enum", "functools", "hashlib", "heapq", "hmac", "ipaddress", "itertools", "json", "math", "operator",
    "re", "shlex", "string", "struct", "textwrap", "types", "typing", "zlib",
    "_sha2", "_sha256",  # hashlib without OpenSSL, see model/sha256.py
}
# Who alone may import it, for what the layers that do touch the machine share out among themselves.
RESERVED = {
    "socket": {"net"},
    "pyroute2": {"net"},
    "nftables": {"net"},
    "ssl": {"net"},
    "smtplib": {"net"},
    "email": {"daemon"},  # it only writes mails, but it loads the modules of sockets and clocks
    "time": {"daemon", "cli"},
    "datetime": {"daemon", "cli"},
    "ansible": set(),
    "ansible_collections": set(),
}
TOUCHES_FILES = {"open", "input", "print", "__import__"}
_SPEAKS = (ast.Import, ast.ImportFrom, ast.Call)


def layer_of(file: Path, root: Path) -> str:
    """The folder below the package, or the module's own name when it lies directly in it."""
    return file.relative_to(root).parts[0].removesuffix(".py")


def own_targets(node: ast.ImportFrom, file: Path, root: Path) -> set[str]:
    """Layers that a relative import reaches."""
    package = list(file.relative_to(root).parent.parts)
    base = package[: len(package) - (node.level - 1)]
    if node.level - 1 > len(package):
        return {"(outside the package)"}
    path = base + (node.module.split(".") if node.module else [])
    return {path[0]} if path else {alias.name for alias in node.names}


def outside_modules(node: ast.AST) -> set[str]:
    """Top names of absolute imports."""
    if isinstance(node, ast.Import):
        return {alias.name.split(".")[0] for alias in node.names}
    if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
        return {node.module.split(".")[0]}
    return set()


def complaint_about_module(module: str, layer: str) -> str | None:
    if module == "mainstay":
        return "imports mainstay absolutely; only relative imports work under every name the package goes by"
    if layer in PURE and module not in COMPUTES:
        return f"imports {module}; {layer}/ only computes: pass in what it needs as an argument"
    if layer not in RESERVED.get(module, {layer}):
        owners = " and ".join(sorted(RESERVED[module])) or "nobody"
        return f"imports {module}, which is for {owners} alone"
    return None


def complaints_about(node: ast.AST, file: Path, root: Path) -> list[str]:
    layer = layer_of(file, root)
    found = [complaint_about_module(module, layer) for module in sorted(outside_modules(node))]
    if isinstance(node, ast.ImportFrom) and node.level:
        reached = own_targets(node, file, root) - MAY_IMPORT.get(layer, set()) - {layer}
        found += [f"imports {target}, which {layer} must not know" for target in sorted(reached)]
    if layer in PURE and isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        found += [f"calls {node.func.id}(); {layer}/ only computes"] if node.func.id in TOUCHES_FILES else []
    return [text for text in found if text]


def violations(root: Path) -> list[str]:
    """Every break of the rule below `root` as `file:line: what`."""
    found = []
    for file in sorted(root.rglob("*.py")):
        layer = layer_of(file, root)
        if layer not in MAY_IMPORT:
            found.append(f"{file.relative_to(root)}: {layer} has no place in the rule; give it one here")
            continue
        speaks = (node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, _SPEAKS))
        for node in speaks:
            broken = complaints_about(node, file, root)
            found += [f"{file.relative_to(root)}:{node.lineno}: {text}" for text in broken]
    return found


def test_the_runtime_keeps_the_dependency_rule() -> None:
    assert any(RUNTIME.rglob("*.py")), f"no runtime at {RUNTIME}"
    assert violations(RUNTIME) == []


@pytest.mark.parametrize(
    ("file", "source", "expected"),
    [
        ("vrrp/router.py", "import time", ":1: imports time; vrrp/ only computes"),
        ("vrrp/router.py", "def f():\n    import socket", ":2: imports socket; vrrp/ only computes"),
        ("model/load.py", "from os import path", ":1: imports os; model/ only computes"),
        ("model/load.py", "def f():\n    return open('x')", ":2: calls open(); model/ only computes"),
        ("model/load.py", "from ..vrrp import router", ":1: imports vrrp, which model must not know"),
        ("bfd/session.py", "import random", ":1: imports random; bfd/ only computes"),
        ("lvs/table.py", "from ..vrrp.router import Router", ":1: imports vrrp, which lvs must not know"),
        ("lvs/table.py", "from .. import net", ":1: imports net, which lvs must not know"),
        ("probes/tcp.py", "from mainstay.model import units", ":1: imports mainstay absolutely"),
        ("net/arp.py", "from ..daemon import reactor", ":1: imports daemon, which net must not know"),
        ("net/arp.py", "from time import monotonic_ns", ":1: imports time, which is for cli and daemon"),
        ("net/arp.py", "from ... import other", ":1: imports (outside the package), which net must"),
        ("daemon/worker.py", "import pyroute2.netlink", ":1: imports pyroute2, which is for net alone"),
        ("daemon/mail/mailer.py", "import smtplib", ":1: imports smtplib, which is for net alone"),
        ("daemon/worker.py", "from .. import cli", ":1: imports cli, which daemon must not know"),
        ("cli.py", "from ansible.module_utils import basic", ":1: imports ansible, which is for nobody"),
        ("helpers/misc.py", "", ": helpers has no place in the rule"),
    ],
)
def test_a_break_of_the_rule_is_named_with_file_and_line(
    tmp_path: Path, file: str, source: str, expected: str
) -> None:
    (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / file).write_text(source)

    found = violations(tmp_path)

    assert len(found) == 1, found
    assert found[0].startswith(file + expected)


def test_what_the_rule_allows_is_not_named(tmp_path: Path) -> None:
    allowed = {
        "vrrp/router.py": "import struct\nfrom ..model.units import Instant\nfrom . import timers",
        "net/rtnl.py": "import socket\nimport pyroute2\nfrom ..lvs.table import Table",
        "daemon/worker.py": "import time\nimport os\nfrom ..net import rtnl",
        "cli.py": "import sys\nfrom .daemon import control\nfrom . import version",
        "__init__.py": "from .version import VERSION",
    }
    for file, source in allowed.items():
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(source)

    assert violations(tmp_path) == []

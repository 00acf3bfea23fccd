# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules that keep one object in conf.d have in common.

Private to this collection. Theory of operation: what is wanted is judged together with every other file by the
runtime's own model before anything is written. Then the file is replaced and the daemon asked to reload, which it
does as a transaction. If it refuses or does not answer, the former file comes back: what was not taken must not look
done to the next run. Only a daemon that does not run needs no asking, it reads the file when it starts.
"""

from __future__ import annotations

import typing as t

from ._argspec import argument_name, given
from ._conf_d import ObjectFile, file_text, sentences
from ._patience import Failure, wait_until
from .mainstay.daemon.client import DaemonNotRunning, DaemonUnreachable, request
from .mainstay.model.dump import HIDDEN, hide_secrets
from .mainstay.model.options import SECTIONS
from .mainstay.model.problems import ConfigError

if t.TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

Document = t.Dict[str, t.Any]

_RELOAD_TIMEOUT = 30.0  # seconds; a reload of thousands of objects takes one


class Kind(t.NamedTuple):
    """What tells one of these modules from another."""

    section: str
    """Of the model's table: vrrp_instance."""
    unconverged: t.Callable[[Document, str, t.Optional[Document]], str]
    """(daemon's status, name, object or None) -> what is still missing, as a sentence; empty when nothing is."""
    status: t.Callable[[Document, str], t.Optional[Document]]
    """(daemon's status, name) -> the object's part of it."""


def run(module: AnsibleModule, kind: Kind) -> t.NoReturn:
    """Do what the module's arguments say and exit."""
    subject = f"{kind.section} {module.params['name']}"
    try:
        module.exit_json(**_Task(module, kind).carried_out())
    except ConfigError as error:
        problems = [
            {"path": problem.path, "value": problem.value, "message": problem.message} for problem in error.problems
        ]
        module.fail_json(msg=f"{subject}: {sentences(error.problems)} Nothing was changed.", problems=problems)
    except (Failure, DaemonUnreachable) as error:
        module.fail_json(msg=f"{subject}: {error}", **getattr(error, "results", {}))
    except OSError as error:
        module.fail_json(msg=f"{subject}: {error.strerror}: {error.filename}; has the role director been run here?")


class _Task:
    """One run of one module."""

    def __init__(self, module: AnsibleModule, kind: Kind) -> None:
        self.module = module
        self.kind = kind
        self.name: str = module.params["name"]
        if "/" in self.name:
            # It becomes part of a file's name, also for an object that is to go and is not judged otherwise.
            raise Failure("is no usable name: it may not contain '/'")
        self.run_directory: str = module.params["run_dir"]
        self.file = ObjectFile(module.params["config"], f"{kind.section}s", self.name)

    def carried_out(self) -> Document:
        before = self.file.object()
        after = self._wanted()
        result: Document = {
            "changed": before != after,
            "reloaded": False,
            "file": self.file.path,
            "object": hide_secrets(after),
            "diff": self._difference(before, after),
        }
        if self.module.check_mode:
            return result
        if before != after:
            result["reloaded"] = self._replace(after)
        if self.module.params["wait"]:
            result["status"] = self._converged(after)
        return result

    def _wanted(self) -> t.Optional[Document]:
        """The object with its defaults, judged together with every other file; None for state absent."""
        if self.module.params["state"] == "absent":
            self._check_absent_everywhere()
            return None
        options = {key: self.module.params[argument_name(key)] for key in SECTIONS[self.kind.section]}
        document = self.file.document(given(options))
        self.file.judged(document)
        return self.file.resolved(document)

    def _check_absent_everywhere(self) -> None:
        other = self.file.elsewhere()
        if other is not None:
            raise Failure(f"it is defined in {other}, which is not this module's file; remove it there")

    def _difference(self, before: t.Optional[Document], after: t.Optional[Document]) -> Document:
        header = f"{self.kind.section} {self.name}"
        shown = ["" if document is None else file_text(hide_secrets(document)) for document in (before, after)]
        if before != after and shown[0] == shown[1]:
            shown[1] = shown[1].replace(HIDDEN, f"{HIDDEN[:-1]}, changed)")
        return {"before_header": header, "after_header": header, "before": shown[0], "after": shown[1]}

    def _replace(self, wanted: t.Optional[Document]) -> bool:
        """Replace the file and reload; whether every worker took it. Failure brings the former file back."""
        former = self.file.text()
        self.file.put(None if wanted is None else file_text(self.file.document(wanted)))
        try:
            answer = request("reload", self.run_directory, _RELOAD_TIMEOUT)
        except DaemonNotRunning as error:
            self.module.warn(f"{self.file.path} is in place, but {error}. The daemon reads it when it starts.")
            return False
        except DaemonUnreachable as error:
            self.file.put(former)
            raise Failure(f"{error}. The former file is back; run this again when the daemon answers.") from error
        if not answer.get("ok"):
            self.file.put(former)
            told = answer.get("problems") or [{"path": "reload", "message": answer.get("error")}]
            text = "; ".join(f"{problem['path']}: {problem['message']}" for problem in told)
            raise Failure(f"the daemon refused the reload and goes on as before: {text}", problems=told)
        for warning in answer.get("warnings", ()):
            self.module.warn(str(warning))
        return self._confirmed(answer.get("unconfirmed", []))

    def _confirmed(self, late: t.Sequence[str]) -> bool:
        if late:
            workers = " and ".join(late)
            self.module.warn(f"the daemon took the change, its {workers} not yet; look at it with 'mainstay status'.")
        return not late

    def _converged(self, wanted: t.Optional[Document]) -> t.Optional[Document]:
        """The daemon's status of the object once it is as wanted. Failure after wait_timeout."""
        status: Document = {}

        def missing(patience: float) -> str:
            nonlocal status
            status = request("status", self.run_directory, patience)
            return self.kind.unconverged(status, self.name, wanted)

        limit = self.module.params["wait_timeout"]
        left = wait_until(missing, limit)
        found = self.kind.status(status, self.name)
        if left:
            raise Failure(f"not converged after {limit:g} s: {left}", status=found)
        return found

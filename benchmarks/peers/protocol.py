"""Parent side of the peer protocol: start a worker process and talk JSON lines to it.

Standard library only, so that it can be imported from any interpreter.  A worker
answers one request at a time and is idle in between, so a benchmark can interleave
several libraries, a round being one ``train`` call for each of them in turn::

    with Peer([python, worker, "zuko_real_nvp"], {"BENCH_THREADS": "1"}) as zuko:
        zuko.call("build", seed=0)
        zuko.call("train", steps=200)  # the first call compiles; so does log_prob's
        print(200 / zuko.call("train", steps=200)["seconds"], "steps/s")

Requests and answers, one JSON object a line:

===============================  ======================================================
``{"op": "build", "seed": 0}``   ``{"seconds": ...}``; ``"options": {...}`` is passed to
                                 the peer's ``build`` as keyword arguments, ``"data"``
                                 names an ``.npz`` file
``{"op": "train", "steps": n}``  ``{"seconds": ..., "cpu_seconds": ..., "loss": ...}``
``{"op": "log_prob",             ``{"seconds": ..., "cpu_seconds": ...}``
"steps": n}``, ``"sample"`` too
``{"op": "evaluate",             ``{"seconds": ..., ...}``, what the peer found
"draws": n}``
``{"op": "info"}``               version, number of parameters, threads, CPUs, ...
``{"op": "quit"}``               ``{}``, then the worker exits
===============================  ======================================================

Anything that goes wrong is answered with ``{"error": "..."}``, and a library that the
worker's interpreter lacks with ``{"error": "not installed: NAME"}``.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Self

NOT_INSTALLED = "not installed: "


class PeerError(RuntimeError):
    """A worker answered with an error, died, or did not answer in time."""


class PeerNotInstalled(PeerError):
    """The worker's interpreter lacks a library; ``name`` is the missing one."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.name = message.removeprefix(NOT_INSTALLED)


class Peer:
    """A worker process.

    Args:
        command: The worker's command line: interpreter, path of ``worker.py``, peer name.
        env: Environment variables to set on top of this process's own, such as
            ``BENCH_THREADS``.
    """

    def __init__(self, command: Sequence[str], env: Mapping[str, str] | None = None) -> None:
        self.command = [str(part) for part in command]
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close()
        self._buffer = b""
        self._process = subprocess.Popen(
            self.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            bufsize=0,
            env={**os.environ, **{key: str(value) for key, value in (env or {}).items()}},
        )

    def call(self, op: str, timeout: float | None = 600.0, **kw) -> dict:
        """Send one request and wait for its answer.

        Args:
            op: ``build``, ``train``, ``log_prob``, ``sample``, ``evaluate``, ``info`` or ``quit``.
            timeout: Seconds to wait; the worker is killed when they have passed.
            **kw: The request's other fields, such as ``seed`` or ``steps``.

        Returns:
            The answer.

        Raises:
            PeerNotInstalled: If the worker lacks the library.
            PeerError: If the worker answers with another error, dies or takes too long.
        """
        request = json.dumps({"op": op, **kw}).encode() + b"\n"
        try:
            self._process.stdin.write(request)
        except (BrokenPipeError, ValueError):
            raise PeerError(self._obituary(op)) from None
        answer = json.loads(self._read_line(op, timeout))
        message = answer.get("error")
        if message is None:
            return answer
        if message.startswith(NOT_INSTALLED):
            raise PeerNotInstalled(message)
        raise PeerError(message)

    def _read_line(self, op: str, timeout: float | None) -> bytes:
        descriptor = self._process.stdout.fileno()
        deadline = None if timeout is None else time.monotonic() + timeout
        while b"\n" not in self._buffer:
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            if not select.select([descriptor], [], [], left)[0]:
                self._process.kill()
                self._process.wait()
                raise PeerError(f"no answer to {op!r} within {timeout} s")
            chunk = os.read(descriptor, 65536)
            if not chunk:
                raise PeerError(self._obituary(op))
            self._buffer += chunk
        line, self._buffer = self._buffer.split(b"\n", 1)
        return line

    def _obituary(self, op: str) -> str:
        try:
            code = self._process.wait(timeout=5.0)
        except subprocess.TimeoutExpired:
            code = None
        return f"the worker ended (exit status {code}) at {op!r}\n{self.stderr_tail()}"

    def stderr_tail(self, size: int = 4000) -> str:
        """The end of what the worker and its libraries wrote to their standard error."""
        descriptor = self._stderr.fileno()
        length = os.fstat(descriptor).st_size
        return os.pread(descriptor, size, max(0, length - size)).decode(errors="replace")

    def close(self) -> None:
        """Ask the worker to quit and wait for its end."""
        if self._process.poll() is None:
            try:
                self.call("quit", timeout=5.0)
                self._process.wait(timeout=10.0)
            except (PeerError, subprocess.TimeoutExpired):
                self._process.kill()
                self._process.wait()
        self._process.stdin.close()
        self._process.stdout.close()
        if not self._stderr.closed:
            self._stderr.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info) -> None:
        self.close()

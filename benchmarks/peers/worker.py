"""Worker process of the benchmark: run one peer under the protocol of ``protocol.py``.

Run as ``python worker.py PEER`` with the interpreter that has the library.  The peer is
the module ``PEER.py`` in this directory; it offers ``build(seed, data)``, whose result has

* ``train(steps) -> float``: that many optimizer steps, blocking; a loss,
* ``log_prob(steps) -> None``: that many evaluations of a batch, each of them blocking,
* ``sample(steps) -> None``: that many batches drawn, likewise,
* ``evaluate(draws) -> dict``: how well the test data are predicted,
* ``num_parameters`` and ``version``,

those of them that its benchmark asks for.  ``data`` are two moons, or the arrays of an
``.npz`` file that the request names.  The first call of each compiles, where the peer
compiles at all, so call each of them once before timing it.

Environment variables:

* ``BENCH_THREADS``: how many threads, and how many CPUs, the process may use.  The
  process is bound to that many of the CPUs open to it before any library is loaded,
  which is what holds for every library; the libraries' own settings are made to match.
  (JAX, seen with 0.10: bound to one CPU it uses one; ``NPROC=1`` alone also keeps it to
  one; ``XLA_FLAGS=--xla_cpu_multi_thread_eigen=false`` alone does not, so is not set.)
* ``BENCH_CPUS``: which CPUs, such as ``0,1``, instead of the first ``BENCH_THREADS``.
"""

from __future__ import annotations

import importlib.util
import json
import os
import platform
import sys
import time
import traceback
from pathlib import Path

try:
    import resource
except ImportError:  # not on Windows
    resource = None

HERE = Path(__file__).resolve().parent
NUM_EXAMPLES = 65536
OPERATIONS = ("build", "train", "log_prob", "sample", "evaluate", "info")


def limit_threads() -> int | None:
    """Bind the process to its CPUs and set what the libraries read when loaded.

    Returns:
        The number of threads, or ``None`` where ``BENCH_THREADS`` is not set.
    """
    setting = os.environ.get("BENCH_THREADS")
    if not setting:
        return None
    threads = int(setting)
    if hasattr(os, "sched_setaffinity"):
        chosen = os.environ.get("BENCH_CPUS")
        cpus = [int(cpu) for cpu in chosen.split(",")] if chosen else sorted(os.sched_getaffinity(0))
        if len(cpus) < threads:
            raise RuntimeError(f"{threads} threads asked for, but only {len(cpus)} CPUs are open")
        os.sched_setaffinity(0, cpus[:threads])
    for variable in (
        "OMP_NUM_THREADS",
        "MKL_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "TF_NUM_INTRAOP_THREADS",
        "TF_NUM_INTEROP_THREADS",
        "NPROC",  # the size of the thread pool of JAX's CPU client
    ):
        os.environ[variable] = setting
    return threads


def two_moons(seed: int, size: int = NUM_EXAMPLES):
    """Two interleaved half circles of radius 1 with Gaussian noise of 0.1, in random order.

    Args:
        seed: Seed of the generator.
        size: Number of points.

    Returns:
        Array of shape ``[size, 2]`` and type float32.
    """
    import numpy as np

    rng = np.random.default_rng(seed)
    angle = rng.uniform(0.0, np.pi, size)
    lower = rng.integers(0, 2, size)
    sign = 1.0 - 2.0 * lower
    points = np.stack([sign * np.cos(angle) + lower, sign * np.sin(angle) + 0.5 * lower], axis=-1)
    points += rng.normal(0.0, 0.1, points.shape)
    return np.ascontiguousarray(points, dtype=np.float32)


def read_arrays(path: str) -> dict:
    """The arrays of an ``.npz`` file by name."""
    import numpy as np

    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def load_peer(name: str):
    """Load the module of that name in this directory.

    Args:
        name: The peer's name, such as ``zuko_real_nvp``.

    Returns:
        The module.
    """
    path = HERE / f"{name}.py"
    if not path.is_file():
        raise FileNotFoundError(f"no such peer: {path.name}")
    if str(path.parent) not in sys.path:
        sys.path.insert(0, str(path.parent))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[path.stem]
        raise
    return module


def os_threads() -> int | None:
    """The number of threads that this process has now."""
    try:
        return len(os.listdir("/proc/self/task"))
    except OSError:
        return None


def cpus() -> list[int] | None:
    """The CPUs that this process may run on."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None


def peak_megabytes() -> float | None:
    """The most memory that this process has had, in MB."""
    if resource is None:
        return None
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


class Worker:
    """The state of the process and one method for each request."""

    def __init__(self, name: str, threads: int | None) -> None:
        self.name = name
        self.threads = threads
        self.model = None

    def build(self, seed: int = 0, data: str | None = None, options: dict | None = None) -> dict:
        """Load the library, make or read the data and build the model."""
        start = time.perf_counter()
        module = load_peer(self.name)
        if self.threads is not None and "torch" in sys.modules:
            sys.modules["torch"].set_num_threads(self.threads)
        arrays = two_moons(seed) if data is None else read_arrays(data)
        self.model = module.build(seed, arrays, **(options or {}))
        return {"seconds": time.perf_counter() - start}

    def train(self, steps: int) -> dict:
        """Make optimizer steps."""
        loss, answer = self._timed(self._built().train, steps)
        return {**answer, "loss": float(loss)}

    def log_prob(self, steps: int) -> dict:
        """Evaluate the log density of a batch repeatedly."""
        return self._timed(self._built().log_prob, steps)[1]

    def sample(self, steps: int) -> dict:
        """Draw a batch repeatedly."""
        return self._timed(self._built().sample, steps)[1]

    def evaluate(self, draws: int = 1) -> dict:
        """Say how well the test data are predicted."""
        result, answer = self._timed(self._built().evaluate, draws)
        return {**answer, **result}

    def info(self) -> dict:
        """Say what runs here, and on how many threads."""
        model = self._built()
        return {
            "peer": self.name,
            "version": model.version,
            "num_parameters": int(model.num_parameters),
            "python": platform.python_version(),
            "bench_threads": self.threads,
            "cpus": cpus(),
            "os_threads": os_threads(),
            "peak_megabytes": peak_megabytes(),
        }

    def _built(self):
        if self.model is None:
            raise RuntimeError("nothing has been built yet")
        return self.model

    @staticmethod
    def _timed(function, steps: int) -> tuple:
        cpu_start, start = time.process_time(), time.perf_counter()
        result = function(steps)
        seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - cpu_start
        return result, {"seconds": seconds, "cpu_seconds": cpu_seconds}


def describe(error: BaseException) -> str:
    """The text sent for an error."""
    if isinstance(error, ModuleNotFoundError) and error.name:
        root = error.name.split(".")[0]
        if root not in sys.modules and importlib.util.find_spec(root) is None:
            return f"not installed: {root}"
    return f"{type(error).__name__}: {error}"


def main() -> None:
    """Answer requests until ``quit`` or the end of the input."""
    # The protocol keeps private copies of both descriptors: whatever a library or one of
    # its child processes prints goes to standard error, and none of them reads a request.
    requests = os.fdopen(os.dup(0), "r", encoding="utf-8")
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)

    def answer(message: dict) -> None:
        answers.write(json.dumps(message) + "\n")
        answers.flush()

    worker, startup_error = None, None
    try:
        worker = Worker(sys.argv[1], limit_threads())
    except Exception as error:  # noqa: BLE001 - the parent is told
        startup_error = describe(error)

    for line in requests:
        if not line.strip():
            continue
        try:
            request = json.loads(line)
            op = request.pop("op")
            if op == "quit":
                answer({})
                return
            if startup_error is not None:
                answer({"error": startup_error})
            elif op in OPERATIONS:
                answer(getattr(worker, op)(**request))
            else:
                answer({"error": f"unknown operation: {op!r}"})
        except Exception as error:  # noqa: BLE001 - the parent is told
            traceback.print_exc(file=sys.stderr)
            answer({"error": describe(error)})


if __name__ == "__main__":
    main()

"""Long benchmarks of many trainings: each is written down when it is done, several may run at once."""

import concurrent.futures
import json
import multiprocessing
import os
import queue


class Store(dict):
    """Records by key in a JSON file; without a file, nothing is kept.

    Args:
      path: file, or `None`.
    """

    def __init__(self, path):
        super().__init__(json.loads(path.read_text()) if path is not None and path.exists() else {})
        self._path = path

    def save(self):
        """Writes the file, beside and moved into place."""
        if self._path is not None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            beside = self._path.with_suffix(".part")
            beside.write_text(json.dumps(self, indent=1) + "\n")
            os.replace(beside, self._path)


def cpu_sets(jobs, threads):
    """As many disjoint sets of the CPUs open to this process, `threads` each.

    Raises:
      SystemExit: there are not so many.
    """
    cpus = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count()))
    if jobs * threads > len(cpus):
        raise SystemExit(f"{jobs} jobs of {threads} threads want {jobs * threads} CPUs; there are {len(cpus)}.")
    return [cpus[i * threads : (i + 1) * threads] for i in range(jobs)]


def run_all(tasks, run, store, *, jobs, threads):
    """Runs the tasks whose records the store lacks, `jobs` at a time.

    Args:
      tasks: keys of the store, in the order in which they are begun.
      run: function of a task and its CPUs, returns a record for JSON; runs in a thread, so it should start a process.
      store: `Store`, saved after each task.
      jobs: int.
      threads: int, CPUs of a job.

    Returns:
      The reasons of those that failed, by task: a failure does not end the others.
    """
    free, failures = queue.SimpleQueue(), {}
    for cpus in cpu_sets(jobs, threads):
        free.put(cpus)

    def run_one(task):
        cpus = free.get()
        try:
            return run(task, cpus)
        finally:
            free.put(cpus)

    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        waiting = {pool.submit(run_one, task): task for task in tasks if task not in store}
        for done in concurrent.futures.as_completed(waiting):
            task = waiting[done]
            try:
                store[task] = done.result()
            except Exception as error:  # noqa: BLE001 - whatever a library raises, the others go on
                failures[task] = str(error).strip().splitlines()[-1] or type(error).__name__
                print(f"{task}: {failures[task]}", flush=True)
            else:
                store.save()
    return failures


def in_a_process(cpus, function, *args):
    """The result of `function(*args)` in a new process that is bound to these CPUs."""
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, context, _bind, (cpus,)) as pool:
        return pool.submit(function, *args).result()


def _bind(cpus):
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cpus)

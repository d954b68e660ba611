#!/usr/bin/python3
"""Compares Glocal with PyTorch, libtorch and oneDNN: same problems, same answers, interleaved processes.

    compare.py [--only REGEX] [--rounds R] [--threads 1,2] [--seconds s] [--retries n] [--json FILE]
               [--limit s] [--every-peer] [--write [--place NAME]]

Every measurement is a process of its own. In each of R rounds every block (a problem, ours and its peers) runs between
two probes of the machine with fused multiply-adds; a block whose probe is below 0.9 of the best seen is not clean and
is run again. A process that does not end within the limit is stopped, with all it has started, its row says so, and the
rest goes on. --write puts the tables into docs/performance.md and README.md. Exit status 1: answers differ, or one of
our rows failed; with --every-peer also when a peer gave no answer.
"""
import argparse
import contextlib
import functools
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import rows
import tables
from rows import Run

ROOT = Path(__file__).resolve().parent.parent
CLEAN = 0.9
MOST_VARIANTS = 15  # each has the limit of a process


def find_python():
    """An interpreter with PyTorch, or None: Debian's modules belong to /usr/bin/python3."""
    for python in ("/usr/bin/python3", sys.executable):
        if os.path.exists(python) and subprocess.run([python, "-c", "import torch, numpy"], capture_output=True,
                                                     check=False).returncode == 0:
            return python
    return None


class Bench:
    """Starts the programs and keeps what they measured."""

    def __init__(self, programs, folder, seconds, retries, limit):
        self.programs, self.folder, self.seconds, self.retries, self.limit = programs, folder, seconds, retries, limit
        self.interpreter = functools.cache(find_python)  # the import takes a second; rows without PyTorch need none
        self.samples = {}   # Run -> list of results, each with "probe" and "round"
        self.missing = {}   # Run -> why there is none
        self.variants = {}  # Run -> the variant chosen, and the times of all
        self.probes = {}    # threads -> best rate seen

    def command(self, run):
        """The program and its row, or None when it is not there."""
        if run.program == "torch":
            python = self.interpreter()
            return python and [python, str(ROOT / "bench/torch_peer.py"), run.name]
        program = self.programs / {"work": "work", "libtorch": "torch_step", "onednn": "onednn_conv"}[run.program]
        return [str(program), run.name] if program.exists() else None

    def call(self, command, threads=1, limit=None):
        """Runs a program; its line of JSON, and the time until that line came in `started_s`.

        One that takes longer than `limit` (the bench's) seconds is stopped with all it started: RuntimeError, as for
        one that fails."""
        limit = limit or self.limit
        environment = dict(os.environ, OMP_NUM_THREADS=str(threads), OPENBLAS_NUM_THREADS=str(threads),
                           OMP_PROC_BIND="true" if threads > 1 else "false")
        late = threading.Event()

        def stop():
            late.set()
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        start = time.perf_counter()
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, start_new_session=True) as process:
            watch = threading.Timer(limit, stop)
            watch.start()
            try:
                line = process.stdout.readline()
                seconds = time.perf_counter() - start
                _, errors = process.communicate()
            except BaseException:  # an interrupt of ours reaches no other session
                stop()
                raise
            finally:
                watch.cancel()
        if late.is_set():
            raise RuntimeError(f"stopped, since it did not end within {limit:g} s")
        if process.returncode != 0 or not line:
            raise RuntimeError((errors.strip().splitlines() or ["no output"])[-1][:200])
        return dict(json.loads(line), started_s=seconds)

    def problem(self, run):
        """The file with the problem of a run; written by work/ when it is first asked for."""
        path = self.folder / (run.problem.replace("/", "_") + ".npz")
        if not path.exists():
            subprocess.run([str(self.programs / "work"), run.problem, "--problem", str(path)], check=True)
        return ["--problem", str(path)]

    def probe(self, threads):
        rate = self.call([str(self.programs / "fma"), "--threads", str(threads)])["gflops"]
        self.probes[threads] = max(rate, self.probes.get(threads, 0))
        return rate

    def miss(self, run, why):
        """There is no such measurement; its row will say why."""
        self.missing[run] = why
        say(f"{run.program} {run.name}: {why}")

    def choose_variant(self, run):
        """Lets the peer time its configurations once."""
        command = self.command(run)
        if run.program == "torch" and command and run.name != "startup":
            try:
                choice = self.call([*command, *self.problem(run), "--threads", str(run.threads), "--seconds",
                                    str(self.seconds), "--choose", "--limit", str(self.limit)], run.threads,
                                   limit=MOST_VARIANTS * self.limit)
                self.variants[run] = choice
                for variant, why in choice["errors"].items():
                    say(f"torch {run.name} as {variant}: {why}")
            except RuntimeError as error:
                self.miss(run, str(error))

    def measure(self, run, first):
        """One process; answers are asked for in the first round only."""
        command = self.command(run)
        if not command:
            self.miss(run, {"torch": "no python3-torch", "libtorch": "no libtorch-dev",
                            "onednn": "no libdnnl-dev"}.get(run.program, "not built"))
            return None
        if run.name != "startup" and run.program != "work":
            command += self.problem(run)
        if run in self.variants:
            command += ["--variant", self.variants[run]["best"]]
        command += ["--threads", str(run.threads), "--seconds", str(self.seconds), "--answer", str(int(first))]
        try:
            result = self.call(command, run.threads)
        except RuntimeError as error:
            self.miss(run, str(error))
            return None
        if run.name == "startup":
            result["min_s"] = result["median_s"] = result["started_s"]
        return result

    def block(self, runs, number):
        """All runs of a block between two probes, again while the machine is not clean."""
        threads = runs[0].threads
        for attempt in range(self.retries + 1):
            before = self.probe(threads)
            results = {run: self.measure(run, number == 0) for run in runs if run not in self.missing}
            after = self.probe(threads)
            for run, result in results.items():
                if result:
                    # The lower probe says whether the block is clean, the higher one what the machine can do.
                    result.update(round=number, attempt=attempt, slowest_probe=min(before, after),
                                  probe=max(before, after))
                    self.samples.setdefault(run, []).append(result)
            if min(before, after) >= CLEAN * self.probes[threads]:
                return True
        return False


class Results:
    """Best and median over the clean blocks of every run."""

    def __init__(self, bench):
        self.bench = bench
        self.clean, self.unclean, self.answers = {}, set(), {}
        for run, samples in bench.samples.items():
            good = [s for s in samples if s["slowest_probe"] >= CLEAN * bench.probes[run.threads]]
            if not good:
                self.unclean.add(run)
            self.clean[run] = good or samples
            self.answers[run] = next((s["answer"] for s in samples if s["answer"]), [])

    def best(self, run):
        return min((s["min_s"] for s in self.clean.get(run, [])), default=None)

    def median(self, run):
        return statistics.median(s["median_s"] for s in self.clean[run])

    def share(self, run):
        """Of the machine's limit: the algorithm's GFLOP/s over the probe's in the same block."""
        sample = min(self.clean[run], key=lambda s: s["min_s"])
        return sample["gflop"] / sample["min_s"] / sample["probe"] if sample.get("gflop") else None

    def memory(self, run, whole=False):
        """MB that the work adds to the process, or the whole process: median of the rounds."""
        return statistics.median(s["peak_rss_mb"] - (0 if whole else s["base_rss_mb"]) for s in self.clean[run])

    def difference(self, row):
        """Largest difference of the answers over the largest number; None where they are not compared."""
        if row.tolerance is None or not row.peer or row.peer not in self.answers or row.ours not in self.answers:
            return None
        ours, peer = self.answers[row.ours], self.answers[row.peer]
        if not peer or len(ours) != len(peer):
            return float("inf")
        worst = max(abs(a - b) for a, b in zip(ours, peer)) / max(abs(b) for b in peer)
        return worst if worst == worst else float("inf")

    def failures(self, selected, every_peer):
        for row in selected:
            for run in (row.ours, row.peer) if every_peer and row.peer else (row.ours,):
                if run not in self.clean:
                    yield f"{row.label}, {run.program}: {self.bench.missing.get(run, 'no result')}"
            difference = self.difference(row)
            if difference is not None and difference > row.tolerance:
                yield f"{row.label}: answers differ by {difference:.2g}, allowed is {row.tolerance:g}"


def select(pattern, threads):
    """Rows, cost rows and growth rows that match, and all runs they need."""
    def wanted(label, *runs):
        names = [run.name for run in runs if run]
        return all(run.threads in threads for run in runs if run) and any(
            re.search(pattern, text) for text in (label, *names))
    comparison = [r for r in rows.ROWS + rows.CONVOLUTION_ROWS if wanted(r.label, r.ours, r.peer)]
    costs = [c for c in rows.COSTS if wanted(c.label, c.run, c.unit)]
    growths = [g for g in rows.GROWTHS if wanted(g.label, *(run for _, run in g.points))]
    runs = [run for row in comparison for run in (row.ours, row.peer) if run]
    runs += [run for cost in costs for run in (cost.run, cost.unit)]
    runs += [run for growth in growths for _, run in growth.points]
    runs += [growth.plain for growth in growths if growth.plain]
    blocks = {}
    for run in dict.fromkeys(runs):
        blocks.setdefault(run.block, []).append(run)
    return comparison, costs, growths, list(blocks.values())


def say(text):
    print(text, file=sys.stderr, flush=True)


def measure_all(bench, blocks, rounds):
    start = time.perf_counter()
    for threads in sorted({block[0].threads for block in blocks}):
        for _ in range(5):
            bench.probe(threads)
    for run in (run for block in blocks for run in block):
        bench.choose_variant(run)
    say(f"variants of the peer chosen after {time.perf_counter() - start:.0f} s")
    for number in range(rounds):
        dirty = sum(not bench.block(block, number) for block in blocks)
        note = f", {dirty} of {len(blocks)} blocks not clean" if dirty else ""
        say(f"round {number + 1} of {rounds} done after {time.perf_counter() - start:.0f} s{note}")


def to_json(bench, results):
    def of_run(run):
        return {"program": run.program, "name": run.name, "threads": run.threads}
    return {"probes": bench.probes,
            "runs": [dict(of_run(run), clean=run not in results.unclean, variants=bench.variants.get(run, {}),
                          samples=samples) for run, samples in bench.samples.items()],
            "missing": [dict(of_run(run), why=why) for run, why in bench.missing.items()]}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", metavar="REGEX", help="rows whose label or name matches")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", default="1,2", help="rows with so many threads")
    parser.add_argument("--seconds", type=float, default=0.5, help="of each measurement")
    parser.add_argument("--retries", type=int, default=2, help="of a block that is not clean, in every round")
    parser.add_argument("--limit", type=float, default=60, help="seconds after which a process is stopped")
    parser.add_argument("--every-peer", action="store_true", help="a peer without an answer is a failure")
    parser.add_argument("--programs", type=Path, default=ROOT / "build/bench/bench", help="where work and fma are")
    parser.add_argument("--json", type=Path, metavar="FILE", help="writes every measurement there")
    parser.add_argument("--write", action="store_true", help="writes the tables to docs/performance.md and README.md")
    parser.add_argument("--place", default="", metavar="NAME", help="with --write: in docs/performance.md alone, there")
    options = parser.parse_args()
    threads = [int(k) for k in options.threads.split(",")]
    if options.write and (options.only or threads != [1, 2]):
        parser.error("--write wants the whole table: leave out --only and --threads")

    comparison, costs, growths, blocks = select(options.only, threads)
    if not blocks:
        parser.error(f"no row matches {options.only!r}")
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(options.programs, Path(folder), options.seconds, options.retries, options.limit)
        bench.block([Run("work", "startup")], 0)  # fails early, and says which instructions we use
        if bench.missing:
            sys.exit(f"compare.py: {next(iter(bench.missing.values()))}")
        measure_all(bench, blocks, options.rounds)
    results = Results(bench)
    if options.json:
        options.json.write_text(json.dumps(to_json(bench, results), indent=1) + "\n")
    text = tables.document(bench, results, comparison, costs, growths, options.rounds)
    print(text)
    if options.write:
        tables.write_between_marks(ROOT / "docs/performance.md", text, options.place)
    if options.write and not options.place:
        tables.write_between_marks(ROOT / "README.md", tables.summary(results, comparison))
    failures = list(results.failures(comparison, options.every_peer))
    for failure in failures:
        say(f"compare.py: {failure}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())

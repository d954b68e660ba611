#!/usr/bin/python3
"""A peer of the benchmarks that hangs is stopped, with all it has started; it is said so, and the rest goes on.

Planted peers: a program that sleeps, and a variant of PyTorch's side that does. Neither PyTorch nor a build is needed.
"""
import io
import os
import subprocess
import sys
import tempfile
import time
import unittest
from contextlib import redirect_stderr
from pathlib import Path

BENCH = Path(__file__).resolve().parent.parent / "bench"
sys.path.insert(0, str(BENCH))
import compare  # noqa: E402
import torch_peer  # noqa: E402
from rows import Run  # noqa: E402

ROW = "conv/forward/3_16_32_s1"
RESULT = (f'{{"name": "{ROW}", "threads": 1, "isa": "avx2", "median_s": 0.002, "min_s": 0.001, "n": 3, '
          '"peak_rss_mb": 10, "base_rss_mb": 5, "gflop": 0.1, "answer": [1, 2]}')
SLEEPER = f"sleep {100000 + os.getpid()}"  # nobody else sleeps just so long


def alive(what):
    """Whether a process with these arguments exists."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if what in (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"):
                return True
        except OSError:  # it has ended meanwhile
            pass
    return False


def program(folder, name, text):
    path = Path(folder) / name
    path.write_text("#!/bin/sh\n" + text + "\n")
    path.chmod(0o755)


class HangingPeers(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = scratch.name
        # As the real one: with --problem it writes the problem there, else it measures.
        program(self.folder, "work", f'if [ "$2" = --problem ]; then : >"$3"; else echo \'{RESULT}\'; fi')
        program(self.folder, "fma", "echo '{\"gflops\": 100}'")
        self.assertFalse(alive(SLEEPER))

    def test_one_that_hangs_is_stopped_and_the_rest_goes_on(self):
        program(self.folder, "onednn_conv", f"{SLEEPER} & wait")
        command = [sys.executable, str(BENCH / "compare.py"), "--only", f"^{ROW}$", "--rounds", "2", "--threads", "1",
                   "--limit", "4", "--programs", self.folder]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stderr.count(f"onednn {ROW}: stopped, since it did not end within 4 s"), 1, done.stderr)
        self.assertIn("round 2 of 2 done", done.stderr)
        self.assertIn("stopped, since it did not end within 4 s", done.stdout)  # in the row, beside our 100 GFLOP/s
        self.assertIn("| forward | 3 -> 16, 32 x 32 | 100 |", done.stdout)
        self.assertFalse(alive(SLEEPER))
        done = subprocess.run([*command, "--every-peer"], capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 1, done.stderr)

    def test_one_that_ends_in_time_is_not_stopped(self):
        program(self.folder, "onednn_conv", f"sleep 0.2; echo '{RESULT}'")
        bench = compare.Bench(Path(self.folder), Path(self.folder), 0.1, 0, 30)
        result = bench.measure(Run("onednn", ROW), True)
        self.assertEqual(result["answer"], [1, 2])
        self.assertGreaterEqual(result["started_s"], 0.2)
        self.assertEqual(bench.missing, {})

    def test_a_variant_that_hangs_dies_or_fails_is_left_out_of_the_choice(self):
        def build(name, problem, variant):
            if variant == "hangs":
                return (lambda: subprocess.run(SLEEPER.split(), check=False)), None, None
            if variant == "dies":
                os._exit(3)
            if variant == "fails":
                raise ValueError("not for this row")
            return (lambda: time.sleep(0.02 if variant == "slow" else 0.001)), None, None
        old = torch_peer.build, torch_peer.variants_of
        torch_peer.build = build
        torch_peer.variants_of = lambda name: ["slow", "hangs", "dies", "fast", "fails"]
        try:
            choice = torch_peer.choose("train/mlp", {}, 0.05, 4)
            torch_peer.variants_of = lambda name: ["dies", "fails"]
            with self.assertRaises(SystemExit) as nothing, redirect_stderr(io.StringIO()):
                torch_peer.choose("train/mlp", {}, 0.05, 4)
        finally:
            torch_peer.build, torch_peer.variants_of = old
        self.assertEqual(choice["best"], "fast")
        self.assertEqual(set(choice["times"]), {"slow", "fast"})
        self.assertGreaterEqual(choice["times"]["slow"], 0.02)
        self.assertEqual(choice["errors"], {"hangs": "stopped, since it did not end within 4 s",
                                            "dies": "ended without a word", "fails": "not for this row"})
        self.assertEqual(str(nothing.exception), "dies: ended without a word; fails: not for this row")
        self.assertFalse(alive(SLEEPER))


if __name__ == "__main__":
    unittest.main()

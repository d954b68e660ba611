#!/usr/bin/python3
"""Writes PyTorch's answers that tests/test_torch_*.cpp compare with. Debian: apt-get install python3-torch.

    /usr/bin/python3 tests/torch/generate.py [folder]      default: next to this file; takes about 15 seconds
"""
import pathlib
import sys
import warnings

import torch

import edges
import hypergradients
import layers
import op_samples
import training
from golden import forward_mode, save


def main():
    warnings.simplefilter("ignore")
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else __file__)
    folder = folder if folder.is_dir() else folder.parent
    cases, refused = op_samples.collect()
    table = "".join(f"  refused {count:4} {reason}\n" for reason, count in sorted(refused.items()))
    save(folder / "ops.npz", cases.arrays() | {"refused": table})
    print(f"ops.npz: {len(cases.lines)} calls, {sum(refused.values())} refused")
    extra = layers.collect()
    save(folder / "layers.npz", extra.arrays())
    print(f"layers.npz: {len(extra.lines)} calls; forward mode by {forward_mode}")
    save(folder / "edges.npz", edges.collect())
    save(folder / "training.npz", training.collect())
    save(folder / "hypergradients.npz", hypergradients.collect())
    print(
        f"PyTorch {torch.__version__}:",
        ", ".join(f"{p.name} {p.stat().st_size} bytes" for p in sorted(folder.glob("*.npz"))),
    )


if __name__ == "__main__":
    main()

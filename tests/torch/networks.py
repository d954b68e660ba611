#!/usr/bin/env python3
"""Shows that PyTorch loads the network of a run by the names of docs/pytorch.md and computes the same logits: trains each
model for a few steps with `glocal train`, asks `glocal evaluate` for the logits of the test part, and runs the Python of
that page on the same images. Exit code 77, with a reason, where PyTorch is not installed.

  tests/torch/networks.py COMMAND     the command glocal of a build
"""
import gzip
import json
import os
import pathlib
import subprocess
import sys
import tempfile

try:
    import torch
except ImportError:
    if sys.executable != "/usr/bin/python3" and os.path.exists("/usr/bin/python3"):  # Debian's, beside another one
        os.execv("/usr/bin/python3", ["/usr/bin/python3", *sys.argv])
    print("networks: PyTorch is missing (apt-get install python3-torch) ... skipped")
    sys.exit(77)
import numpy as np

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
FASHION = pathlib.Path("/usr/share/datasets/fashion-mnist")
BOUNDS = {"f32": 1e-5, "f64": 1e-12}

RUNS = [  # data, flags
    ("digits", "--model mlp --hidden 32,16"),
    ("digits", "--model mlp --dtype f64"),
    ("fashion-mnist", "--model lenet --train-limit 500"),
    ("own", "--model fastnet --lr 0.01 --dtype f64"),
    ("digits", "--model resnet20"),
    ("digits", "--model resnet20 --norm group"),
    ("digits", "--model resnet20 --dtype f64"),
    ("digits", "--model resnet20 --average exponential"),
    ("digits", "--model wrn28_2"),
    ("digits", "--model wrn28_2 --norm group --dropout 0.2"),
]


def page():
    """The names that the Python of docs/pytorch.md defines."""
    text = (ROOT / "docs" / "pytorch.md").read_text()
    (block,) = [part.split("```")[0] for part in text.split("```python\n")[1:]]
    names = {"__name__": "page"}
    exec(compile(block, "docs/pytorch.md", "exec"), names)
    return names


def idx(path):
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    sizes = [int.from_bytes(data[4 + 4 * i : 8 + 4 * i], "big") for i in range(data[3])]
    return np.frombuffer(data, np.uint8, offset=4 + 4 * len(sizes)).reshape(sizes)


def own_data(path):
    """A few coloured images, larger than digits: ten thousand would take minutes under sanitizers."""
    draw = np.random.default_rng(1)
    images = draw.integers(0, 256, (120, 3, 12, 14), dtype=np.uint8)
    labels = np.arange(120) % 10
    np.savez(path, x_train=images[:80], y_train=labels[:80], x_test=images[80:], y_test=labels[80:])
    return images[80:]


def test_images(data):
    if data == "digits":
        return idx(ROOT / "datasets" / "digits" / "digits-images-idx3-ubyte")[1500:, None]
    (path,) = FASHION.glob("t10k-images-idx3-ubyte*")
    return idx(path)[:, None]


def gap(command, names, folder, data, flags):
    """The largest difference of the logits over the largest logit, and how many there are."""
    run, quiet = folder / "run", {"stdout": subprocess.DEVNULL, "check": True}
    images = own_data(folder / "own.npz") if data == "own" else test_images(data)
    source = f"npz:{folder / 'own.npz'}" if data == "own" else data
    train = [command, "train", "--dataset", source, *flags.split(), "--steps", "12", "--batch", "32", "--quiet"]
    subprocess.run([*train, "--force", "--out", run], **quiet)
    subprocess.run([command, "evaluate", run, "--force", "--out", folder / "evaluation"], **quiet)
    ours = np.load(folder / "evaluation" / "logits.npy")
    net, about = names["network"](run / "model.safetensors")
    with torch.no_grad():
        theirs = net(names["normalised"](images.copy(), about)).numpy()
    assert theirs.dtype == ours.dtype and theirs.shape == ours.shape, (theirs.dtype, ours.dtype)
    scores = json.loads((folder / "evaluation" / "evaluation.json").read_text())
    assert scores["images"] == len(theirs)
    return np.abs(ours - theirs).max() / np.abs(theirs).max(), theirs.size


def main():
    command, names, failed, skipped = os.path.abspath(sys.argv[1]), page(), 0, []
    for data, flags in RUNS:
        if data == "fashion-mnist" and not FASHION.exists():
            skipped.append(f"{flags}: dataset-fashion-mnist is missing")
            continue
        with tempfile.TemporaryDirectory() as folder:
            found, count = gap(command, names, pathlib.Path(folder), data, flags)
        bound = BOUNDS["f64" if "f64" in flags else "f32"]
        failed += not found <= bound
        print(f"{flags:45} {count:7} logits, largest difference {found:.1e} of {bound:.0e}")
    print(f"networks: PyTorch {torch.__version__}, {len(RUNS) - len(skipped)} networks", *skipped, sep="; ", end=" ... ")
    print("FAILED" if failed else "passed")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())

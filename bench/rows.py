"""What is compared with what, and how good it has to be: bounds and goals of every row."""
from dataclasses import dataclass
from typing import Optional, Tuple


@dataclass(frozen=True)
class Run:
    """One process: a program and the row it measures."""
    program: str  # work, torch, libtorch or onednn
    name: str
    threads: int = 1

    @property
    def problem(self):
        """The row of work/ whose problem this run reads: global and plain training share theirs."""
        parts = self.name.split("/")
        if parts[0] in ("global", "plain", "local", "glocal", "truncated"):
            return f"plain/{parts[1]}/T10"
        return self.name

    @property
    def block(self):
        """Runs of one block are measured one right after the other, between two probes of the machine."""
        parts = self.name.split("/")
        if parts[0] in ("global", "plain", "truncated"):
            return f"unroll/{parts[1]}/{parts[2].replace('K', 'T')}", self.threads
        if parts[0] in ("local", "glocal"):
            return "estimators", self.threads
        if parts[0] == "augment":
            return "augment", self.threads
        return self.name, self.threads


Pair = Tuple[float, float]  # (bound, goal)


@dataclass(frozen=True)
class Row:
    """Ours against a peer's; `ratio` is peer / ours in time, `memory` ours / peer in what the work adds to the process."""
    label: str
    ours: Run
    peer: Optional[Run]
    ratio: Optional[Pair] = None
    memory: Optional[Pair] = None
    share: Optional[Pair] = None  # of the machine's limit
    peak_mb: Optional[float] = None    # the whole process at most
    tolerance: Optional[float] = None  # of the answers, relative to the largest number; None: not compared


def against(program, label, name, ratio=None, threads=1, peer_name=None, **more):
    return Row(label, Run("work", name, threads), Run(program, peer_name or name, threads), ratio, **more)


def training_rows():
    tight, deep = 1e-4, 1e-3  # deep: rounding grows through 28 layers with batch statistics, six steps long
    bounds = {1: (5, 7), 32: (2.2, 2.8), 128: (1.45, 1.65), 1024: (1.15, 1.3)}
    for N, ratio in bounds.items():
        yield against("torch", f"MLP 784-128-10 step, batch {N}", f"train/mlp_784_128_10/b{N}", ratio, tolerance=tight,
                      share=(0.80, 0.85) if N == 128 else None)
    yield against("torch", "MLP 784-300-100-10 step, batch 128", "train/mlp_784_300_100_10/b128", (1.3, 1.5),
                  tolerance=tight)
    for N, ratio in {1: (5, 8), 32: (3, 3.5), 128: (2.5, 3.5)}.items():
        yield against("torch", f"LeNet step, batch {N}", f"train/lenet/b{N}", ratio, tolerance=tight,
                      share=(0.60, 0.70) if N == 128 else None)
    yield against("torch", "small conv net step, batch 128", "train/smallcnn/b128", (1.8, 2.5), tolerance=tight)
    yield against("torch", "ResNet-20 step, batch 128", "train/resnet20/b128", (1.5, 2.0), tolerance=deep)
    yield against("torch", "WRN-28-2 step, batch 128", "train/wrn28_2/b128", (1.5, 2.0), memory=(0.7, 0.5),
                  share=(1.0, 1.3), tolerance=deep)
    yield against("torch", "LeNet inference, batch 128", "infer/lenet/b128", (4, 5), tolerance=tight)
    yield against("torch", "WRN-28-2 inference, batch 128", "infer/wrn28_2/b128", (1.8, 2.5), tolerance=1e-3)
    smallest = "MLP 8-8-2 step, batch 1"
    yield against("torch", smallest, "train/mlp_8_8_2/b1", (15, 40), tolerance=tight)
    yield against("libtorch", smallest + ", against C++", "train/mlp_8_8_2/b1", (8, 20), tolerance=tight)
    yield against("libtorch", "MLP 784-128-10 step, batch 1, against C++", "train/mlp_784_128_10/b1", tolerance=tight)
    yield against("libtorch", "LeNet step, batch 1, against C++", "train/lenet/b1", tolerance=tight)


def hypergradient_rows():
    short, long = 5e-3, 5e-2  # f32 with kinks: 10 steps, and 50

    def unroll(label, net, T, unroll, ratio, tolerance, **more):
        return against("torch", f"global, {label}, T = {T}, {unroll}", f"global/{net}/T{T}/{unroll}", ratio,
                       peer_name=f"global/{net}/T{T}", tolerance=tolerance, **more)
    for T, tolerance in ((10, short), (50, long), (100, None), (200, None)):
        bounds = dict(ratio=(1.7, 2.2), memory=(0.40, 0.3)) if T >= 50 else dict(ratio=None)
        yield unroll("MLP", "mlp", T, "stored", tolerance=tolerance, **bounds)
    yield unroll("MLP", "mlp", 50, "checkpointed", (1.25, 1.5), long)
    yield unroll("MLP", "mlp", 200, "checkpointed", (1.25, 1.5), None, memory=(0.06, 0.04))
    yield Row("global, MLP, T = 2000, checkpointed", Run("work", "global/mlp/T2000/checkpointed"), None, peak_mb=120)
    for T, tolerance in ((10, short), (50, long)):
        yield unroll("LeNet", "lenet", T, "stored", (2.5, 3.5), tolerance)
    for T, tolerance in ((10, short), (50, long)):
        memory = (0.10, 0.08) if T == 50 else None
        yield unroll("LeNet", "lenet", T, "checkpointed", (2, 2.8), tolerance, memory=memory)
    for net, label in (("mlp", "MLP"), ("lenet", "LeNet")):
        for T in (50,):
            yield against("torch", f"plain training, {label}, T = {T}", f"plain/{net}/T{T}", tolerance=1e-2)
    yield against("torch", "forward step, MLP, q = 3", "forward/mlp/q3", (1.7, 2.2), tolerance=short)
    yield against("torch", "forward step, LeNet, q = 3", "forward/lenet/q3", (3.5, 5), tolerance=short)
    yield from residual_rows(unroll)
    yield against("torch", "DMD, tau 100, q 3, m 10 (numpy)", "dmd/tau100", (1.5, 3), tolerance=1e-2)


def residual_rows(unroll):
    """Batches of 32. What PyTorch stores of 50 steps fits no small machine."""
    few = 5e-2  # ten steps in f32 through 20 and 28 layers of batch statistics and kinks
    for net, label in (("resnet20", "ResNet-20"), ("wrn28_2", "WRN-28-2")):
        yield against("torch", f"plain training, {label}, batch 32, T = 10", f"plain/{net}/T10", tolerance=1e-2)
        for q in (1, 3):
            yield against("torch", f"forward step, {label}, batch 32, q = {q}", f"forward/{net}/q{q}", (2, 3),
                          tolerance=few)
        yield against("torch", f"truncated, {label}, batch 32, K = 10", f"truncated/{net}/K10", (2, 3),
                      peer_name=f"global/{net}/T10", tolerance=few)
        yield unroll(f"{label}, batch 32", net, 10, "checkpointed", (2, 3), few, memory=(0.3, 0.2))
        yield Row(f"global, {label}, batch 32, T = 50, checkpointed", Run("work", f"global/{net}/T50/checkpointed"),
                  None)


def process_rows():
    yield against("torch", "Fashion-MNIST epoch, MLP", "epoch/mlp", (1.5, 1.8), tolerance=1e-3)
    yield against("torch", "Fashion-MNIST epoch, LeNet", "epoch/lenet", (3, 4), tolerance=1e-3)
    yield against("torch", "process start to first step; resident memory", "startup", (60, 60), memory=(1 / 12, 1 / 12),
                  tolerance=1e-4)


def two_thread_rows():
    for label, name, ratio, tolerance in (
            ("MLP 784-128-10 step, batch 128", "train/mlp_784_128_10/b128", (1.9, 2.3), 1e-4),
            ("MLP 784-128-10 step, batch 1024", "train/mlp_784_128_10/b1024", (1.2, 1.4), 1e-4),
            ("LeNet step, batch 128", "train/lenet/b128", (3.3, 4.5), 1e-4),
            ("small conv net step, batch 128", "train/smallcnn/b128", (1.7, 2.2), 1e-4),
            ("ResNet-20 step, batch 128", "train/resnet20/b128", (1.5, 2), 1e-3),
            ("WRN-28-2 step, batch 128", "train/wrn28_2/b128", (1.7, 2), 1e-3)):
        yield against("torch", f"2 threads: {label}", name, ratio, threads=2, tolerance=tolerance)


ROWS = [*training_rows(), *hypergradient_rows(), *process_rows(), *two_thread_rows()]

SHAPES = ("3_16_32_s1", "16_32_32_s1", "16_32_32_s2", "32_32_32_s1", "32_64_16_s2", "32_64_32_s2", "64_64_16_s1",
          "64_128_16_s2", "128_128_8_s1")
CONVOLUTIONS = {"forward": (1.4, 2), "input": (1.3, 1.8), "weight": (1.2, 1.6)}  # of the geometric means


def convolution(direction, shape):
    return against("onednn", shape, f"conv/{direction}/{shape}", tolerance=1e-4)


CONVOLUTION_ROWS = [convolution(direction, shape) for direction in CONVOLUTIONS for shape in SHAPES]


@dataclass(frozen=True)
class Cost:
    """Time of a run in units of another: of `steps` plain training steps, or of the whole run when it is no training."""
    label: str
    run: Run
    unit: Run
    steps: int
    bound: Optional[float] = None
    goal: Optional[float] = None


def work(name, threads=1):
    return Run("work", name, threads)


def cost_rows():
    for net, label, T in (("mlp", "MLP", 100), ("lenet", "LeNet", 50)):
        for unroll, bound, goal in (("stored", 2.6, 2.2), ("checkpointed", 3.7, 3.2)):
            yield Cost(f"global reverse, {label}, T = {T}, {unroll}", work(f"global/{net}/T{T}/{unroll}"),
                       work(f"plain/{net}/T{T}"), T, bound, goal)
        for q in (1, 3, 10):
            yield Cost(f"forward step, {label}, q = {q}", work(f"forward/{net}/q{q}"), work(f"plain/{net}/T50"), 1,
                       round(2 + 1.2 * q, 1), 2 + q)
    for threads in (1, 2):
        yield Cost(f"crop and flip in a step of ResNet-20, batch 128, threads: {threads}",
                   work("augment/resnet20/crop_flip", threads), work("augment/resnet20/none", threads), 1, 1.05, 1.02)
    yield Cost("glocal / local with its trajectory, MLP, tau = 100", work("glocal/mlp/tau100"),
               work("local/mlp/tau100"), 1, 1.01, 1.01)
    yield Cost("glocal / local that looks at the end only", work("glocal/mlp/tau100"),
               work("local/mlp/tau100/end_only"), 1)


COSTS = list(cost_rows())


@dataclass(frozen=True)
class Growth:
    """Time over a size, fitted by c size^a; `base` plain steps of `plain` are taken off first."""
    label: str
    points: Tuple[Tuple[float, Run], ...]
    theory: float
    base: int = 0
    plain: Optional[Run] = None


def mlp_parameters(hidden):
    return 785 * hidden + 10 * (hidden + 1)


GROWTHS = [
    Growth("global, stored, in T = 10 ... 200", tuple((T, work(f"global/mlp/T{T}/stored")) for T in (10, 50, 100, 200)),
           1),
    Growth("global, checkpointed, in T = 50 ... 2000",
           tuple((T, work(f"global/mlp/T{T}/checkpointed")) for T in (50, 100, 200, 2000)), 1),
    Growth("forward, LeNet, in q = 1 ... 10, less two plain gradients",
           tuple((q, work(f"forward/lenet/q{q}")) for q in (1, 3, 10)), 1, base=2, plain=work("plain/lenet/T50")),
    Growth("forward, MLP with 128 ... 1024 hidden units, in P",
           tuple((mlp_parameters(h), work(f"forward/mlp_h{h}/q3" if h > 128 else "forward/mlp/q3"))
                 for h in (128, 256, 512, 1024)), 1),
    Growth("DMD in tau = 1000 ... 8000", tuple((tau, work(f"dmd/tau{tau}")) for tau in (1000, 2000, 4000, 8000)), 1),
    Growth("error bar of a DMD in q = 500 ... 4000",
           tuple((q, work(f"dmd/error_bar/q{q}")) for q in (500, 1000, 2000, 4000)), 1),
]

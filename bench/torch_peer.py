#!/usr/bin/python3
"""The PyTorch side of the comparison: one row in one process, on the problem that `work NAME --problem FILE` wrote.

    torch_peer.py NAME --problem FILE [--threads k] [--seconds s] [--variant v] [--answer 0|1]
    torch_peer.py NAME --problem FILE --choose [--limit s]
                                                    times the variants of this row, each s seconds at most
    torch_peer.py startup                           import and the first step

Each prints one line of JSON.
Names, data, weights and answers are those of work/; needs python3-torch and python3-numpy.
"""
import argparse
import contextlib
import gzip
import inspect
import json
import multiprocessing
import os
import signal
import sys
import time

FASHION = "/usr/share/datasets/fashion-mnist/train"


def memory_mb(field):
    """VmRSS or VmHWM of this process."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith(field + ":"))


def measure(step, seconds, warm_up=None):
    """As measure() of work/timing.h."""
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")
    base = memory_mb("VmRSS")
    (warm_up or step)()
    samples, begin, total = [], time.perf_counter(), 0
    while total < seconds or (len(samples) < 3 and total < 3 * seconds):
        start = time.perf_counter()
        step()
        end = time.perf_counter()
        samples.append(end - start)
        total = end - begin
    peak = memory_mb("VmHWM")
    samples.sort()
    return {"median_s": samples[len(samples) // 2], "min_s": samples[0], "n": len(samples),
            "peak_rss_mb": round(peak, 1), "base_rss_mb": round(base, 1)}


# ---- networks -------------------------------------------------------------------------------------------------------

def parameters_of(problem):
    """Initial weights in PyTorch's layout."""
    import torch
    weights = [torch.from_numpy(problem[k]) for k in sorted(problem) if k[0] == "p"]
    return [w.t().contiguous() if w.dim() == 2 else w for w in weights]


def wide_resnet():
    import torch.nn.functional as F
    from torch import nn

    class Block(nn.Module):
        def __init__(self, channels, out, stride):
            super().__init__()
            self.norm1, self.conv1 = nn.BatchNorm2d(channels), nn.Conv2d(channels, out, 3, stride, 1, bias=False)
            self.norm2, self.conv2 = nn.BatchNorm2d(out), nn.Conv2d(out, out, 3, 1, 1, bias=False)
            change = stride != 1 or channels != out
            self.shortcut = nn.Conv2d(channels, out, 1, stride, bias=False) if change else None

        def forward(self, x):
            a = F.relu(self.norm1(x), inplace=True)
            r = x if self.shortcut is None else self.shortcut(a)
            return self.conv2(F.relu(self.norm2(self.conv1(a)), inplace=True)) + r

    layers, channels = [nn.Conv2d(3, 16, 3, padding=1, bias=False)], 16
    for out in (32, 64, 128):
        for i in range(4):
            layers.append(Block(channels, out, 2 if i == 0 and out > 32 else 1))
            channels = out
    return nn.Sequential(*layers, nn.BatchNorm2d(128), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
                         nn.Linear(128, 10))


def resnet20():
    import torch.nn.functional as F
    from torch import nn

    class Block(nn.Module):
        def __init__(self, channels, out, stride):
            super().__init__()
            self.conv1, self.norm1 = nn.Conv2d(channels, out, 3, stride, 1, bias=False), nn.BatchNorm2d(out)
            self.conv2, self.norm2 = nn.Conv2d(out, out, 3, 1, 1, bias=False), nn.BatchNorm2d(out)
            self.stride, self.more = stride, out - channels

        def forward(self, x):
            y = self.norm2(self.conv2(F.relu(self.norm1(self.conv1(x)), inplace=True)))
            if self.stride > 1:
                x = F.pad(x[:, :, ::self.stride, ::self.stride], (0, 0, 0, 0, self.more // 2, self.more // 2))
            return F.relu(y + x)

    layers, channels = [nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU()], 16
    for out in (16, 32, 64):
        for i in range(3):
            layers.append(Block(channels, out, 2 if i == 0 and out > 16 else 1))
            channels = out
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


def network(name, problem):
    """The network named, with the problem's weights."""
    import torch
    from torch import nn
    if name.startswith("mlp"):
        layers = [nn.Flatten()]
        for w in parameters_of(problem)[::2]:
            layers += [nn.Linear(w.shape[1], w.shape[0]), nn.ReLU()]
        net = nn.Sequential(*layers[:-1])
    elif name == "lenet":
        net = nn.Sequential(nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(),
                            nn.MaxPool2d(2), nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84),
                            nn.ReLU(), nn.Linear(84, 10))
    elif name == "smallcnn":
        net = nn.Sequential(nn.Conv2d(3, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
                            nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
                            nn.Conv2d(64, 64, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
                            nn.Linear(64, 10))
    else:
        net = resnet20() if name == "resnet20" else wide_resnet()
    with torch.no_grad():
        for parameter, weight in zip(net.parameters(), parameters_of(problem), strict=True):
            parameter.copy_(weight)
    return net


def batch_of(problem):
    import torch
    return torch.from_numpy(problem["x"]), torch.from_numpy(problem["y"]).long()


def sample(x):
    """As sample() of work/: 16 evenly spaced numbers, then the root mean square."""
    flat = x.detach().contiguous().flatten()
    return [float(flat[i * len(flat) // 16]) for i in range(16)] + [float(flat.double().square().mean().sqrt())]


def compiled(net, x, variant):
    """The network as the variant runs it: by Python, by TorchScript, or by the compiler of PyTorch 2."""
    import torch
    if "trace" in variant:
        return torch.jit.trace(net, x)
    return torch.compile(net) if "compile" in variant else net


# ---- rows: each returns (step, warm_up or None, answer) ---------------------------------------------------------------

def trainer(name, problem, variant, x):
    """step(x, y) -> loss before the step; SGD, lr 0.01, momentum 0.9."""
    import torch
    import torch.nn.functional as F
    net = network(name, problem)
    if "channels_last" in variant:
        net = net.to(memory_format=torch.channels_last)
    parameters = list(net.parameters())
    forward = compiled(net, x, variant)
    if forward is not net:  # it has moved the running statistics of batch normalisation
        for module in net.modules():
            if hasattr(module, "reset_running_stats"):
                module.reset_running_stats()
    kinds = {kind: True for kind in ("foreach", "fused") if kind in variant} or {"foreach": False}
    optimizer = torch.optim.SGD(parameters, lr=0.01, momentum=0.9, **kinds)

    def step(x, y):
        optimizer.zero_grad(set_to_none=True)
        loss = F.cross_entropy(forward(x), y)
        loss.backward()
        optimizer.step()
        return loss
    return step


def train(name, problem, variant):
    import torch
    x, y = batch_of(problem)
    if "channels_last" in variant:
        x = x.contiguous(memory_format=torch.channels_last)
    timed = trainer(name, problem, variant, x)

    def answer():
        fresh = trainer(name, problem, variant, x)
        return [float(fresh(x, y)) for _ in range(6)]
    return lambda: timed(x, y), None, answer


def infer(name, problem, variant):
    import torch
    x, _ = batch_of(problem)
    net = network(name, problem).eval()
    if "channels_last" in variant:
        net, x = net.to(memory_format=torch.channels_last), x.contiguous(memory_format=torch.channels_last)
    net = compiled(net, x, variant)
    if "trace" in variant:
        net = torch.jit.freeze(net)

    def step():
        with torch.inference_mode():
            return net(x)
    return step, None, lambda: sample(step())


def epoch(name, problem, variant):
    """Fashion-MNIST preloaded as normalised floats, 468 shuffled batches of 128."""
    import numpy
    import torch
    with gzip.open(FASHION + "-images-idx3-ubyte.gz") as images, gzip.open(FASHION + "-labels-idx1-ubyte.gz") as labels:
        pixels = torch.from_numpy(numpy.frombuffer(images.read(), numpy.uint8, offset=16).copy())
        y = torch.from_numpy(numpy.frombuffer(labels.read(), numpy.uint8, offset=8).copy()).long()
    x = pixels.float().div_(255).reshape(-1, 1, 28, 28)
    mean, deviation = x.double().mean(), x.double().std(unbiased=False)
    x.sub_(mean.float()).div_(deviation.float())
    if "channels_last" in variant:
        x = x.contiguous(memory_format=torch.channels_last)
    timed = trainer(name, problem, variant, x[:128])

    def some(steps):
        order = torch.randperm(len(y))
        for i in range(0, 128 * steps, 128):
            index = order[i:i + 128]
            timed(x[index], y[index])

    def answer():
        fresh = trainer(name, problem, variant, x[:128])
        return [float(fresh(x[i:i + 128], y[i:i + 128])) for i in range(0, 128 * 20, 128)]
    return lambda: some(468), lambda: some(20), answer


def functional(name, problem):
    """(weights, x) -> logits; batch normalisation by the batch alone."""
    import torch.nn.functional as F
    if name in ("resnet20", "wrn28_2"):
        return stateless(network(name, problem))

    def mlp(w, x):
        return F.linear(F.relu(F.linear(x.flatten(1), w[0], w[1])), w[2], w[3])

    def lenet(w, x):
        h = F.max_pool2d(F.relu(F.conv2d(x, w[0], w[1], padding=2)), 2)
        h = F.max_pool2d(F.relu(F.conv2d(h, w[2], w[3])), 2).flatten(1)
        return F.linear(F.relu(F.linear(F.relu(F.linear(h, w[4], w[5])), w[6], w[7])), w[8], w[9])
    return lenet if name == "lenet" else mlp


def stateless(net):
    """(weights, x) -> logits of a module."""
    import importlib
    try:
        call = importlib.import_module("torch.func").functional_call
    except ImportError:  # before PyTorch 2
        call = importlib.import_module("torch.nn.utils.stateless").functional_call
    for module in net.modules():
        if hasattr(module, "running_mean"):
            module.running_mean = module.running_var = module.num_batches_tracked = None
        if hasattr(module, "inplace"):
            module.inplace = False
    names = [name for name, _ in net.named_parameters()]
    return lambda w, x: call(net, dict(zip(names, w)), (x,))


def batches_of(problem):
    """Eight batches to train on and a ninth to validate."""
    import torch
    return [(torch.from_numpy(problem[f"x{i}"]), torch.from_numpy(problem[f"y{i}"]).long()) for i in range(9)]


MOMENTUM, DECAY = 0.9, 5e-4


def plain(name, problem, _, T):
    """T steps of SGD updating in place, and the validation loss."""
    import torch
    import torch.nn.functional as F
    f, start, data, lr0 = functional(name, problem), parameters_of(problem), batches_of(problem), float(problem["lr"])

    def run(T=T):
        w = [p.clone().requires_grad_() for p in start]
        v = [torch.zeros_like(p) for p in start]
        for t in range(T):
            x, y = data[t % 8]
            g = torch.autograd.grad(F.cross_entropy(f(w, x), y), w)
            with torch.no_grad():
                for wi, vi, gi in zip(w, v, g):
                    vi.mul_(MOMENTUM).add_(gi).add_(wi, alpha=DECAY)
                    wi.sub_(vi, alpha=lr0)
        with torch.no_grad():
            return F.cross_entropy(f(w, data[8][0]), data[8][1])
    return run, None, lambda: [float(run())]


def global_reverse(name, problem, _, T):
    """Reverse mode through T steps, with respect to (log lr, momentum, weight decay)."""
    import math
    import torch
    import torch.nn.functional as F
    f, start, data, lr0 = functional(name, problem), parameters_of(problem), batches_of(problem), float(problem["lr"])

    def run(T=T):
        hyper = torch.tensor([math.log(lr0), MOMENTUM, DECAY], requires_grad=True)
        lr, momentum, decay = hyper[0].exp(), hyper[1], hyper[2]
        w = [p.clone().requires_grad_() for p in start]
        v = [torch.zeros_like(p) for p in start]
        for t in range(T):
            x, y = data[t % 8]
            g = torch.autograd.grad(F.cross_entropy(f(w, x), y), w, create_graph=True)
            v = [momentum * vi + gi + decay * wi for vi, gi, wi in zip(v, g, w)]
            w = [wi - lr * vi for wi, vi in zip(w, v)]
        loss = F.cross_entropy(f(w, data[8][0]), data[8][1])
        return torch.autograd.grad(loss, hyper)[0], loss

    def answer():
        h, loss = run()
        return [*h.tolist(), float(loss)]
    return run, lambda: run(min(T, 10)), answer


def functorch():
    """grad, jvp and vmap: torch.func since PyTorch 2, a package beside it before."""
    import importlib
    try:
        return importlib.import_module("torch.func")
    except ImportError:
        return importlib.import_module("functorch")


def forward(name, problem, variant, q):
    """One step carrying Z = d(w, v) / d(log lr, momentum, decay), of which q = 1 has the first alone, as q rows of P
    numbers, and h = Z grad E."""
    import torch
    import torch.nn.functional as F
    assert q in (1, 3)
    f, start, data, lr0 = functional(name, problem), parameters_of(problem), batches_of(problem), float(problem["lr"])
    sizes, shapes = [p.numel() for p in start], [p.shape for p in start]
    P = sum(sizes)

    def loss(flat, x, y):
        logits = f([part.view(shape) for part, shape in zip(flat.split(sizes), shapes)], x)
        if "functorch" not in variant:
            return F.cross_entropy(logits, y)
        z = logits - logits.amax(1, keepdim=True).detach()  # 1.13 has no forward-mode rule for cross_entropy's gradient
        return (z.exp().sum(1).log() - (z * F.one_hot(y, 10)).sum(1)).mean()

    def gradient_and_products(w, Z, x, y):
        if "functorch" in variant:
            transforms = functorch()
            G = transforms.grad(lambda b: loss(b, x, y))
            g, H = transforms.vmap(lambda z: transforms.jvp(G, (w,), (z,)))(Z)
            return g[0], H
        w = w.detach().requires_grad_()
        g, = torch.autograd.grad(loss(w, x, y), w, create_graph=True)
        if "batched" in variant:
            return g.detach(), torch.autograd.grad(g, w, Z, is_grads_batched=True)[0]
        H = [torch.autograd.grad(g, w, z, retain_graph=k + 1 < q)[0] for k, z in enumerate(Z)]
        return g.detach(), torch.stack(H)

    class Run:
        def __init__(self):
            self.w, self.v, self.t = torch.cat([p.flatten() for p in start]), torch.zeros(P), 0
            self.Zw, self.Zv = torch.zeros(q, P), torch.zeros(q, P)

        def __call__(self):
            g, H = gradient_and_products(self.w, self.Zw, *data[self.t % 8])
            with torch.no_grad():
                Zv = MOMENTUM * self.Zv + H + DECAY * self.Zw
                if q == 3:
                    Zv[1] += self.v
                    Zv[2] += self.w
                self.v = MOMENTUM * self.v + g + DECAY * self.w
                self.Zv, self.Zw = Zv, self.Zw - lr0 * Zv
                self.Zw[0] -= lr0 * self.v
                self.w, self.t = self.w - lr0 * self.v, self.t + 1
            w = self.w.detach().requires_grad_()
            return self.Zw @ torch.autograd.grad(loss(w, *data[8]), w)[0]

    def answer():
        fresh = Run()
        return [fresh() for _ in range(10)][-1].tolist()
    return Run(), None, answer


def dmd(problem):
    """Hankel DMD with ten delays in numpy, and the forecast; eigenvalues outside the unit circle go back to it."""
    import numpy as np
    series, delays = problem["series"], 10
    tau, q = series.shape

    def forecast(t):
        H = np.lib.stride_tricks.sliding_window_view(series, delays, axis=0).reshape(tau - delays + 1, -1).T
        X, Y = H[:, :-1], H[:, 1:]
        U, s, V = np.linalg.svd(X, full_matrices=False)
        r = int((s > 1e-3 * s[0]).sum())
        U, s, V = U[:, :r], s[:r], V[:r]
        values, W = np.linalg.eig((U.T @ Y @ V.T) / s)
        modes = (Y @ V.T / s) @ W
        amplitudes = np.linalg.lstsq(modes, X[:, 0].astype(complex), rcond=None)[0]
        values = np.where(abs(values) > 1, values / abs(values), values)
        return (modes @ (amplitudes * values ** t)).real[::delays]
    return lambda: forecast(1000), None, lambda: forecast(tau + 10).tolist()


VARIANTS = {
    "train": ["plain", "foreach", "fused", "trace", "trace+foreach", "trace+fused", "channels_last",
              "channels_last+trace+foreach", "channels_last+trace+fused", "compile", "compile+fused",
              "channels_last+compile+fused"],
    "infer": ["plain", "trace", "channels_last", "channels_last+trace", "compile", "channels_last+compile"],
    "forward": ["double_backward", "double_backward_batched", "functorch"],
}
VARIANTS["epoch"] = VARIANTS["train"]


def variants_of(name):
    """All variants of a row that this PyTorch has: fused SGD on the CPU and torch.compile came with 2."""
    names = VARIANTS.get(name.split("/")[0], ["plain"])
    if len(names) == 1:
        return names
    import torch
    lacking = [what for what, there in (("fused", "fused" in inspect.signature(torch.optim.SGD).parameters),
                                        ("compile", hasattr(torch, "compile")),
                                        ("channels_last", "mlp" not in name)) if not there]
    return [v for v in names if not any(what in v for what in lacking)]


def build(name, problem, variant):
    kind, which = name.split("/")[:2]
    if kind == "dmd":
        return dmd(problem)
    if kind in ("train", "infer", "epoch"):
        return {"train": train, "infer": infer, "epoch": epoch}[kind](which, problem, variant)
    count = int(name.split("/")[2][1:])  # T10, q3
    return {"plain": plain, "global": global_reverse, "forward": forward}[kind](which, problem, variant, count)


def attempt(name, problem, variant, seconds, sender):
    """Times one variant in a process and a session of its own; sends seconds, or why there are none."""
    os.setsid()
    try:
        step, warm_up, _ = build(name, problem, variant)
        timed = warm_up if name.startswith("epoch") else step  # an epoch is judged by its first steps
        timed()
        sender.send(measure(timed, seconds)["min_s"])
    except Exception as error:  # whatever a compiler throws: this variant is not for this row
        sender.send((str(error).strip().splitlines() or [repr(error)])[-1][:200])


def choose(name, problem, seconds, limit):
    """Best of a few runs of every variant of the row, where it has more than one. One that is not done after `limit` seconds is stopped."""
    context = multiprocessing.get_context("fork")  # after torch is imported, before it has started a thread
    times, errors = {}, {}
    if len(variants_of(name)) == 1:
        return {"name": name, "best": variants_of(name)[0], "times": times, "errors": errors}
    for variant in variants_of(name):
        receiver, sender = context.Pipe(duplex=False)
        process = context.Process(target=attempt, args=(name, problem, variant, seconds, sender))
        process.start()
        sender.close()
        try:
            result = receiver.recv() if receiver.poll(limit) else f"stopped, since it did not end within {limit:g} s"
        except EOFError:
            result = "ended without a word"
        (errors if isinstance(result, str) else times)[variant] = result
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # with the compilers that it may have started
        process.kill()
        process.join()
    if not times:
        sys.exit("; ".join(f"{variant}: {why}" for variant, why in errors.items()))
    return {"name": name, "best": min(times, key=times.get), "times": times, "errors": errors}


def start_up():
    """The first step of a small process: every weight 0.01, every pixel 1; and of the step after it."""
    import torch
    import torch.nn.functional as F
    net = torch.nn.Sequential(torch.nn.Linear(784, 128), torch.nn.ReLU(), torch.nn.Linear(128, 10))
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.fill_(0.01)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
    x, y, losses = torch.ones(1, 784), torch.tensor([3]), []
    for _ in range(2):
        optimizer.zero_grad(set_to_none=True)
        loss = F.cross_entropy(net(x), y)
        loss.backward()
        optimizer.step()
        losses.append(float(loss))
    return {"median_s": 0, "min_s": 0, "n": 1, "peak_rss_mb": round(memory_mb("VmHWM"), 1),
            "base_rss_mb": round(memory_mb("VmRSS"), 1), "answer": losses}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name")
    parser.add_argument("--problem")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=1)
    parser.add_argument("--variant")
    parser.add_argument("--answer", type=int, default=1)
    parser.add_argument("--choose", action="store_true")
    parser.add_argument("--limit", type=float, default=60, help="seconds that each variant may take")
    options = parser.parse_args()
    result = {"name": options.name, "threads": options.threads}
    if options.name == "startup":
        result.update(start_up())
    else:
        import numpy
        problem = dict(numpy.load(options.problem))
        if not options.name.startswith("dmd"):
            import torch
            torch.set_num_threads(options.threads)
        if options.choose:
            result = choose(options.name, problem, options.seconds, options.limit)
        else:
            result["variant"] = options.variant or variants_of(options.name)[0]
            step, warm_up, answer = build(options.name, problem, result["variant"])
            result.update(measure(step, options.seconds, warm_up))
            result["answer"] = answer() if options.answer else []
    print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()

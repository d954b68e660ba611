"""Ten training losses of three models with each optimiser, by torch.optim; learning-rate schedules; initial weights."""
import math

import numpy as np
import torch
import torch.nn.functional as F

from golden import digest, shape_text, signed, words

STEPS, CLASSES = 10, 10
MODELS = {"mlp": (16, (1, 8, 8)), "lenet": (8, (1, 16, 16)), "resnet20": (6, (3, 10, 10))}
OPTIMISERS = {
    "sgd": ("sgd", {"lr": 0.05, "weight_decay": 0.01}),
    "momentum": ("sgd", {"lr": 0.02, "momentum": 0.9, "weight_decay": 0.01}),
    "nesterov": ("nesterov", {"lr": 0.02, "momentum": 0.9, "weight_decay": 0.01}),
    "adam": ("adam", {"lr": 0.002, "beta1": 0.8, "beta2": 0.95, "eps": 1e-4, "weight_decay": 0.01}),
    "adamw": ("adamw", {"lr": 0.002, "beta1": 0.8, "beta2": 0.95, "eps": 1e-4, "weight_decay": 0.1}),
    "rmsprop": ("rmsprop", {"lr": 0.001, "alpha": 0.9, "eps": 1e-4, "momentum": 0.5, "weight_decay": 0.01}),
    "adagrad": ("adagrad", {"lr": 0.01, "eps": 1e-4, "weight_decay": 0.01}),
}


def torch_optimiser(kind, params, k):
    lr, wd = k["lr"], k["weight_decay"]
    if kind in ("sgd", "nesterov"):
        return torch.optim.SGD(params, lr, k.get("momentum", 0), weight_decay=wd, nesterov=kind == "nesterov")
    if kind in ("adam", "adamw"):
        rule = torch.optim.Adam if kind == "adam" else torch.optim.AdamW
        return rule(params, lr, (k["beta1"], k["beta2"]), k["eps"], wd)
    if kind == "rmsprop":
        return torch.optim.RMSprop(params, lr, k["alpha"], k["eps"], wd, k["momentum"])
    return torch.optim.Adagrad(params, lr, weight_decay=wd, eps=k["eps"])


def shapes_of(model):
    """Parameters in Glocal's order; a linear weight is (in, out) there."""
    linear = lambda i, o: [(i, o), (o,)]
    if model == "mlp":
        return linear(64, 32) + linear(32, 24) + linear(24, CLASSES)
    if model == "lenet":
        return [(6, 1, 5, 5), (6,), (16, 6, 5, 5), (16,)] + linear(64, 120) + linear(120, 84) + linear(84, CLASSES)
    shapes, width = [(16, 3, 3, 3), (16,), (16,)], 16
    for out in (16, 32, 64):
        for _ in range(3):
            shapes += [(out, width, 3, 3), (out,), (out,), (out, out, 3, 3), (out,), (out,)]
            width = out
    return shapes + linear(64, CLASSES)


def initial(model):
    """By formula: +-1/sqrt(fan-in); of vectors, those of a normalisation's weight around 1."""
    shapes, params = shapes_of(model), []
    for i, shape in enumerate(shapes):
        w = signed(1000 + i, shape)
        if len(shape) > 1:
            w = w * (1 / math.sqrt(shape[0] if len(shape) == 2 else shape[1] * shape[2] * shape[3]))
        else:
            w = w * 0.1
            if model == "resnet20" and len(shapes[i - 1]) == 4:
                w = w + 1
        params.append(w)
    return params


def batch(model, t):
    n, image = MODELS[model]
    labels = torch.from_numpy((words(7000 + t, n) % CLASSES).astype(np.int64))
    return signed(5000 + t, (n, *image)), labels


def network(model, p, stats, x):
    p = iter(p)
    take = lambda: next(p)
    if model == "mlp":
        x = x.flatten(1)
        x = F.relu(x @ take() + take())
        x = F.relu(x @ take() + take())
        return x @ take() + take()
    if model == "lenet":
        x = F.max_pool2d(F.relu(F.conv2d(x, take(), take(), padding=2)), 2)
        x = F.max_pool2d(F.relu(F.conv2d(x, take(), take())), 2).flatten(1)
        x = F.relu(x @ take() + take())
        x = F.relu(x @ take() + take())
        return x @ take() + take()
    buffers = iter(stats)
    norm = lambda x: F.batch_norm(x, next(buffers), next(buffers), take(), take(), True)
    x, width = F.relu(norm(F.conv2d(x, take(), padding=1))), 16
    for out in (16, 32, 64):
        for _ in range(3):
            stride = 1 if out == width else 2
            y = F.relu(norm(F.conv2d(x, take(), stride=stride, padding=1)))
            y = norm(F.conv2d(y, take(), padding=1))
            if stride == 2:
                x = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, (out - width) // 2, (out - width + 1) // 2))
            x, width = F.relu(x + y), out
    return x.mean((2, 3)) @ take() + take()


def train(model, kind, hyper, dtype):
    params = [p.to(dtype).requires_grad_() for p in initial(model)]
    widths = [p.numel() for i, p in enumerate(params) if p.dim() == 1 and i > 0 and params[i - 1].dim() == 4]
    stats = [f(n, dtype=dtype) for n in widths for f in (torch.zeros, torch.ones)] if model == "resnet20" else []
    optimiser, losses = torch_optimiser(kind, params, hyper), []
    for t in range(STEPS):
        x, labels = batch(model, t)
        optimiser.zero_grad()
        loss = F.cross_entropy(network(model, params, stats, x.to(dtype)), labels)
        loss.backward()
        optimiser.step()
        losses.append(float(loss))
    return losses, [torch.cat([p.reshape(-1) for p in group]) if group else torch.zeros(0) for group in (params, stats)]


def collect():
    lines, numbers, single = [], [], []
    for model, (n, image) in MODELS.items():
        for name, (kind, hyper) in OPTIMISERS.items():
            if model == "resnet20":
                hyper = hyper | {"lr": hyper["lr"] / 10}
            losses, (params, stats) = train(model, kind, hyper, torch.float64)
            theirs, _ = train(model, kind, hyper, torch.float32)
            hypers = " ".join(f"{k}={v!r}" for k, v in hyper.items())
            lines.append(f"{model} {name} {kind} n={n} image={shape_text(image)} {hypers}")
            numbers += losses + digest(params, 11) + digest(stats, 12)
            single.append(max(abs(a - b) / b for a, b in zip(theirs, losses)))
    return {
        "cases": "\n".join(lines),
        "numbers": np.array(numbers),
        "single": np.array(single),
        **{"schedule_" + k: np.array(v) for k, v in rates().items()},
        "initial": np.array(bounds()),
    }


def rates():
    """Learning rates of 20 steps."""
    from torch.optim import lr_scheduler as s

    makers = {
        "step": lambda o: s.StepLR(o, 3, 0.5),
        "cosine": lambda o: s.CosineAnnealingLR(o, 19, 0.01),
        "warm_up": lambda o: s.LinearLR(o, 1 / 8, 1.0, 7),
        "warm_cosine": lambda o: s.ChainedScheduler([s.LinearLR(o, 1 / 8, 1.0, 7), s.CosineAnnealingLR(o, 19, 0.0)]),
    }
    out = {}
    for name, make in makers.items():
        optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], 0.4)
        scheduler, out[name] = make(optimiser), []
        for _ in range(20):
            out[name].append(optimiser.param_groups[0]["lr"])
            optimiser.step()
            scheduler.step()
    return out


def bounds():
    """Of weights (out, in) and (O, C, KH, KW): standard deviations and bounds by torch.nn.init's own functions."""
    rows = []
    for shape in [(96, 128), (48, 16, 5, 3)]:
        w = torch.empty(shape)
        fan_in, fan_out = torch.nn.init._calculate_fan_in_and_fan_out(w)
        gain = torch.nn.init.calculate_gain("relu")
        default = math.sqrt(3) * torch.nn.init.calculate_gain("leaky_relu", math.sqrt(5)) / math.sqrt(fan_in)
        rows.append(
            [
                fan_in,
                fan_out,
                gain / math.sqrt(fan_in),
                gain / math.sqrt(fan_out),
                math.sqrt(3) * gain / math.sqrt(fan_in),
                math.sqrt(2 / (fan_in + fan_out)),
                math.sqrt(6 / (fan_in + fan_out)),
                default,
            ]
        )
    return rows

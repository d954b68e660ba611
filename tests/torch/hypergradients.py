"""Exact hypergradients of whole runs: updates written out in PyTorch and differentiated with create_graph."""
import math

import numpy as np
import torch
import torch.nn.functional as F

from golden import signed, words

CLASSES = 3
RUNS = {"mlp": (20, 6, (5,)), "conv": (8, 5, (2, 6, 6))}  # steps, batch, one input
HYPER = {
    "sgd": {"lr": 0.1, "momentum": 0.8, "weight_decay": 0.02},
    "nesterov": {"lr": 0.1, "momentum": 0.8, "weight_decay": 0.02},
    "adam": {"lr": 0.02, "beta1": 0.8, "beta2": 0.95, "eps": 1e-3, "eps_root": 1e-6, "weight_decay": 0.02},
    "adamw": {"lr": 0.02, "beta1": 0.8, "beta2": 0.95, "eps": 1e-3, "eps_root": 1e-6, "weight_decay": 0.1},
    "rmsprop": {"lr": 0.01, "alpha": 0.9, "eps": 1e-2, "eps_root": 1e-6, "momentum": 0.5, "weight_decay": 0.02},
    "adagrad": {"lr": 0.05, "eps": 1e-2, "eps_root": 1e-6, "weight_decay": 0.02},
}
LOSS = {"smoothing": 0.1, "w0": 0.7, "w1": 1.1, "w2": 1.6, "scale": 0.9}


def initial(run):
    if run == "mlp":
        shapes = [(5, 7), (7,), (7, CLASSES), (CLASSES,)]
    else:
        shapes = [(4, 2, 3, 3), (4,), (4,), (4, 4, 3, 3), (4,), (4,), (4, CLASSES), (CLASSES,)]
    params = []
    for i, shape in enumerate(shapes):
        w = signed(2000 + i, shape) * (0.5 if len(shape) > 1 else 0.1)
        params.append(w + 1 if run == "conv" and i in (1, 4) else w)
    return params


def data(run, seed):
    _, n, image = RUNS[run]
    return signed(seed, (n, *image)), torch.from_numpy((words(seed + 500, n) % CLASSES).astype(np.int64))


def network(run, p, stats, x, training):
    """Logits and new running statistics."""
    if run == "mlp":
        return torch.tanh(x @ p[0] + p[1]) @ p[2] + p[3], stats
    new = []

    def norm(x, w, b, mean, var):
        if training:
            m, v = x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=False)
            new.extend([0.9 * mean + 0.1 * m, 0.9 * var + 0.1 * x.var((0, 2, 3), unbiased=True)])
        else:
            m, v = mean, var
        shape = (1, -1, 1, 1)
        return (x - m.view(shape)) / torch.sqrt(v.view(shape) + 1e-5) * w.view(shape) + b.view(shape)

    x = F.max_pool2d(F.relu(norm(F.conv2d(x, p[0], padding=1), p[1], p[2], *stats[0:2])), 2)
    x = F.relu(norm(F.conv2d(x, p[3]), p[4], p[5], *stats[2:4]))
    return x.mean((2, 3)) @ p[6] + p[7], new


def training_loss(logits, labels, smoothing, weights):
    target = (1 - smoothing) * F.one_hot(labels, CLASSES).double() + smoothing / CLASSES
    loss = -(target * weights * F.log_softmax(logits, 1)).sum() / weights[labels].sum()
    theirs = F.cross_entropy(logits.detach(), labels, weights.detach(), label_smoothing=float(smoothing))
    assert torch.allclose(loss.detach(), theirs, rtol=1e-12, atol=0)
    return loss


def update(rule, h, w, g, state, t):
    """One tensor: the new value and state, by the formulas of torch.optim plus eps_root under the root."""
    if rule == "adamw":
        decay = w
    else:
        g = g + h["weight_decay"] * w
    if rule in ("sgd", "nesterov"):
        v = h["momentum"] * state[0] + g
        return w - h["lr"] * (g + h["momentum"] * v if rule == "nesterov" else v), [v]
    if rule == "adagrad":
        s = state[0] + g * g
        return w - h["lr"] * g / (torch.sqrt(s + h["eps_root"]) + h["eps"]), [s]
    if rule == "rmsprop":
        s = h["alpha"] * state[0] + (1 - h["alpha"]) * g * g
        v = h["momentum"] * state[1] + g / (torch.sqrt(s + h["eps_root"]) + h["eps"])
        return w - h["lr"] * v, [s, v]
    m = h["beta1"] * state[0] + (1 - h["beta1"]) * g
    v = h["beta2"] * state[1] + (1 - h["beta2"]) * g * g
    step = m / (1 - h["beta1"] ** t) / (torch.sqrt(v / (1 - h["beta2"] ** t) + h["eps_root"]) + h["eps"])
    if rule == "adamw":
        step = step + h["weight_decay"] * decay
    return w - h["lr"] * step, [m, v]


def hypergradient(run, rule):
    steps = RUNS[run][0]
    leaves = {k: torch.tensor(v, dtype=torch.float64, requires_grad=True) for k, v in (HYPER[rule] | LOSS).items()}
    weights = torch.stack([leaves[f"w{i}"] for i in range(CLASSES)])
    p = [leaves["scale"] * w for w in initial(run)]
    stats = [f(4, dtype=torch.float64) for _ in range(2) for f in (torch.zeros, torch.ones)] if run == "conv" else []
    state = [[torch.zeros_like(w)] * 2 for w in p]
    for t in range(steps):
        x, labels = data(run, 3000 + t)
        logits, stats = network(run, p, stats, x, True)
        grads = torch.autograd.grad(training_loss(logits, labels, leaves["smoothing"], weights), p, create_graph=True)
        pairs = [update(rule, leaves, w, g, s, t + 1) for w, g, s in zip(p, grads, state)]
        p, state = [a for a, _ in pairs], [b for _, b in pairs]
    x, labels = data(run, 4000)
    outer = F.cross_entropy(network(run, p, stats, x, False)[0], labels)
    h = torch.autograd.grad(outer, list(leaves.values()))
    return [float(outer)] + [float(v) for v in h]


def collect():
    lines, numbers = [], []
    for run, (steps, n, image) in RUNS.items():
        for rule, hyper in HYPER.items():
            numbers += hypergradient(run, rule)
            lines.append(f"{run} {rule} T={steps} " + " ".join(f"{k}={v!r}" for k, v in (hyper | LOSS).items()))
    return {"cases": "\n".join(lines), "numbers": np.array(numbers)}

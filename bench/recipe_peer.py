#!/usr/bin/python3
"""The recipes of train/recipes.cpp in PyTorch: the same network, images, batch, rates, augmentation and averaging.

    recipe_peer.py RECIPE --data DIR [--epochs N] [--threads N] [--train N] [--channels-last] [--compile] [--seed S]

DIR holds the ten thousand records each of data_batch_1.bin ... and test_batch.bin. Of the training images the first
49,500 are used (--train), of which a full batch is never cut. Prints a line of JSON per epoch: epoch, seconds (training
and evaluation so far), loss, accuracy. Random numbers differ from those of Glocal, everything else is the same.
"""
import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

MEAN, DEVIATION = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)


def read(folder, names):
    """(N, 3, 32, 32) normalised and (N,) labels of files of CIFAR's binary version."""
    records = np.concatenate([np.fromfile(folder / name, np.uint8).reshape(-1, 3073) for name in names])
    images = torch.from_numpy(records[:, 1:].reshape(-1, 3, 32, 32).copy()).float() / 255
    shape = (1, 3, 1, 1)
    images = (images - torch.tensor(MEAN).view(shape)) / torch.tensor(DEVIATION).view(shape)
    return images, torch.from_numpy(records[:, 0].astype(np.int64))


class ResidualBlock(nn.Module):
    """He et al. 2016, shortcut A."""

    def __init__(self, channels, out, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, out, 3, stride, 1, bias=False)
        self.conv2 = nn.Conv2d(out, out, 3, 1, 1, bias=False)
        self.norm1, self.norm2 = nn.BatchNorm2d(out), nn.BatchNorm2d(out)
        self.stride, self.more = stride, out - channels

    def forward(self, x):
        y = self.norm2(self.conv2(F.relu(self.norm1(self.conv1(x)))))
        if self.stride > 1:
            x = x[:, :, ::2, ::2]
        if self.more:
            x = F.pad(x, (0, 0, 0, 0, self.more // 2, self.more - self.more // 2))
        return F.relu(y + x)


class WideBlock(nn.Module):
    """Zagoruyko and Komodakis 2016, without dropout."""

    def __init__(self, channels, out, stride):
        super().__init__()
        self.norm1, self.norm2 = nn.BatchNorm2d(channels), nn.BatchNorm2d(out)
        self.conv1 = nn.Conv2d(channels, out, 3, stride, 1, bias=False)
        self.conv2 = nn.Conv2d(out, out, 3, 1, 1, bias=False)
        self.shortcut = nn.Conv2d(channels, out, 1, stride, bias=False) if channels != out or stride > 1 else None

    def forward(self, x):
        a = F.relu(self.norm1(x))
        y = self.conv2(F.relu(self.norm2(self.conv1(a))))
        return y + (self.shortcut(a) if self.shortcut else x)


def residual(block, widths, blocks, norm_last):
    """Three stages; ResNet-20 normalises behind the first convolution, WRN before the average."""
    layers, channels = [nn.Conv2d(3, 16, 3, 1, 1, bias=False)], 16
    if not norm_last:
        layers += [nn.BatchNorm2d(16), nn.ReLU()]
    for stage, out in enumerate(widths):
        for i in range(blocks):
            layers.append(block(channels, out, 2 if stage and i == 0 else 1))
            channels = out
    if norm_last:
        layers += [nn.BatchNorm2d(channels), nn.ReLU()]
    net = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 10))
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    return net


class FastBlock(nn.Module):
    def __init__(self, channels, out):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, out, 3, padding=1, bias=False)
        self.conv2 = nn.Conv2d(out, out, 3, padding=1, bias=False)
        self.norm1, self.norm2 = (nn.BatchNorm2d(out, eps=1e-12, momentum=0.4) for _ in range(2))
        for conv in (self.conv1, self.conv2):
            nn.init.dirac_(conv.weight.data[:conv.weight.size(1)])
        for norm in (self.norm1, self.norm2):
            norm.weight.requires_grad = False

    def forward(self, x):
        x = F.gelu(self.norm1(F.max_pool2d(self.conv1(x), 2)))
        return F.gelu(self.norm2(self.conv2(x)))


class FastNet(nn.Module):
    """Jordan 2024."""

    def __init__(self, images):
        super().__init__()
        self.whiten = nn.Conv2d(3, 24, 2)
        patches = F.unfold(images[:5000], 2).transpose(1, 2).reshape(-1, 12).double()
        values, vectors = torch.linalg.eigh(patches.T @ patches / len(patches))
        half = (vectors / torch.sqrt(values + 5e-4)).T.reshape(12, 3, 2, 2).float()
        self.whiten.weight.data = torch.cat([half, -half])
        self.whiten.weight.requires_grad = False
        self.whiten.bias.data.zero_()
        self.blocks = nn.Sequential(FastBlock(24, 64), FastBlock(64, 256), FastBlock(256, 256))
        self.fc = nn.Linear(256, 10, bias=False)

    def forward(self, x):
        x = self.blocks(F.gelu(self.whiten(x)))
        return self.fc(F.max_pool2d(x, 3).flatten(1)) / 9


def crop(x, pixels, mode):
    """Each image shifted by up to `pixels` each way."""
    padded = F.pad(x, (pixels,) * 4, mode=mode)
    n, size = len(x), x.shape[-1]
    down, right = (torch.randint(0, 2 * pixels + 1, (n,)) for _ in range(2))
    rows = (down[:, None] + torch.arange(size))[:, None, :, None]
    columns = (right[:, None] + torch.arange(size))[:, None, None, :]
    return padded[torch.arange(n)[:, None, None, None], torch.arange(3)[None, :, None, None], rows, columns]


def mirror_some(x, which):
    return torch.where(which[:, None, None, None], x.flip(-1), x)


def steps_of(share, at, factor):
    return factor ** sum(share >= a for a in at)


def line_of(share, warm_up, floor, steps):
    middle = share + 0.5 / steps
    return middle / warm_up if middle < warm_up else floor + (1 - floor) * (1 - middle) / (1 - warm_up)


def recipe(name, images, steps):
    """The network, its groups of parameters, rates by the share of the run, how to augment, and the rest."""
    if name == "fast":
        net = FastNet(images)
        norms = [p for n, p in net.named_parameters() if "norm" in n and p.requires_grad]
        others = [p for n, p in net.named_parameters() if "norm" not in n and p.requires_grad]
        groups = [{"params": others, "factor": 1, "weight_decay": 0.0013},
                  {"params": norms, "factor": 64, "weight_decay": 0.0013 / 64}]
        first = torch.randint(0, 2, (len(images),)) == 1

        def augment(x, indices, epoch):
            return mirror_some(crop(x, 2, "reflect"), first[indices] ^ (epoch % 2 == 1))
        return dict(net=net, groups=groups, lr=1.5, momentum=0.85, nesterov=True, batch=1024, smoothing=0.2,
                    augment=augment, decay=0.95, views=2, rate=lambda share: line_of(share, 0.23, 0.07, steps))
    wide = name == "wrn28_2"
    net = residual(WideBlock, (32, 64, 128), 4, True) if wide else residual(ResidualBlock, (16, 32, 64), 3, False)

    def augment(x, indices, epoch):
        return mirror_some(crop(x, 4, "constant"), torch.randint(0, 2, (len(x),)) == 1)
    at, factor = ((0.3, 0.6, 0.8), 0.2) if wide else ((0.5, 0.75), 0.1)
    groups = [{"params": list(net.parameters()), "factor": 1, "weight_decay": 5e-4 if wide else 1e-4}]
    return dict(net=net, groups=groups, lr=0.1, momentum=0.9, nesterov=wide, batch=128, smoothing=0.0, augment=augment,
                decay=None, views=1, rate=lambda share: steps_of(share, at, factor))


def accuracy(net, images, labels, views):
    right = 0
    with torch.no_grad():
        for x, y in zip(images.split(500), labels.split(500)):
            logits = net(x) + net(x.flip(-1)) if views == 2 else net(x)
            right += (logits.argmax(1) == y).sum().item()
    return right / len(labels)


def average_network(net, average, images, batch):
    """Puts the averages into the network and makes its statistics anew from 8 batches; returns what undoes it."""
    before = {k: v.clone() for k, v in net.state_dict().items()}
    for p, a in zip(net.parameters(), average):
        p.data.copy_(a)
    norms = [m for m in net.modules() if isinstance(m, nn.BatchNorm2d)]
    momenta = [m.momentum for m in norms]
    for m in norms:
        m.reset_running_stats()
        m.momentum = None  # the mean over all passes
    with torch.no_grad():
        for i in range(8):
            net(images[i * batch:(i + 1) * batch])
    for m, momentum in zip(norms, momenta):
        m.momentum = momentum
    return before


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recipe", choices=["resnet20", "wrn28_2", "fast"])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--train", type=int, default=49500)
    parser.add_argument("--channels-last", action="store_true")
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    images, labels = read(args.data, [f"data_batch_{i}.bin" for i in range(1, 6)])
    images, labels = images[:args.train], labels[:args.train]
    tests, answers = read(args.data, ["test_batch.bin"])

    batch = 1024 if args.recipe == "fast" else 128
    per_epoch = len(images) // batch
    steps = args.epochs * per_epoch
    r = recipe(args.recipe, images, steps)
    net = r["net"]
    if args.channels_last:
        net = net.to(memory_format=torch.channels_last)
        images, tests = (x.contiguous(memory_format=torch.channels_last) for x in (images, tests))
    run = torch.compile(net) if args.compile else net
    optimizer = torch.optim.SGD(r["groups"], lr=r["lr"], momentum=r["momentum"], nesterov=r["nesterov"])
    average = [p.detach().clone() for p in net.parameters()] if r["decay"] else None

    start, step = time.perf_counter(), 0
    for epoch in range(args.epochs):
        net.train()
        total = 0.0
        for indices in torch.randperm(len(images))[:per_epoch * batch].split(batch):
            for group in optimizer.param_groups:
                group["lr"] = r["lr"] * group["factor"] * r["rate"](step / steps)
            loss = F.cross_entropy(run(r["augment"](images[indices], indices, epoch)), labels[indices],
                                   label_smoothing=r["smoothing"])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            total += loss.item()
            step += 1
            if average:
                share = (1 - r["decay"]) / (1 - r["decay"] ** step)
                with torch.no_grad():
                    for a, p in zip(average, net.parameters()):
                        a.lerp_(p, share)
        before = average_network(net, average, images, batch) if average else None
        net.eval()
        right = accuracy(run, tests, answers, r["views"])
        if before:
            net.load_state_dict(before)
        print(json.dumps({"epoch": epoch + 1, "seconds": time.perf_counter() - start, "loss": total / per_epoch,
                          "accuracy": right}), flush=True)


if __name__ == "__main__":
    main()

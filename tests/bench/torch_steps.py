"""The book's classifier, a toy encoder and a chain of scalars in PyTorch, to compare with.

torch_steps.py book THREADS STEPS BATCH LENGTH   or   torch_steps.py tiny
Prints the same lines as book.cpp and tiny.cpp.
"""
import resource
import statistics
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F


class Encoder(nn.Module):
    def __init__(self, width, heads, key_dim, units):
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value = (nn.Linear(width, heads * key_dim) for _ in range(3))
        self.output = nn.Linear(heads * key_dim, width)
        self.norm_1, self.norm_2 = nn.LayerNorm(width, eps=1e-3), nn.LayerNorm(width, eps=1e-3)
        self.dense_1, self.dense_2 = nn.Linear(width, units), nn.Linear(units, width)

    def split(self, x):
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)

    def forward(self, x, mask=None):
        query, key, value = (self.split(p(x)) for p in (self.query, self.key, self.value))
        scores = query @ key.mT * query.shape[-1] ** -0.5
        if mask is not None:
            scores = scores.masked_fill(~mask[:, None, None, :], -1e9)
        mixed = (scores.softmax(-1) @ value).transpose(1, 2).flatten(2)
        x = self.norm_1(x + self.output(mixed))
        return self.norm_2(x + self.dense_2(F.relu(self.dense_1(x))))


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.words, self.positions = nn.Embedding(20000, 256), nn.Embedding(600, 256)
        self.encoder = Encoder(256, 2, 256, 32)
        self.logit = nn.Linear(256, 1)

    def forward(self, ids):
        x = self.words(ids) + self.positions.weight[: ids.shape[1]]
        pooled = self.encoder(x, ids != 0).max(1).values
        return self.logit(F.dropout(pooled, 0.5))[:, 0]


def measure(step, count):
    step()
    seconds = []
    for _ in range(count):
        start = time.perf_counter()
        step()
        seconds.append(time.perf_counter() - start)
    return seconds


def trainer(optimizer, loss):
    def step():
        optimizer.zero_grad(set_to_none=True)
        loss().backward()
        optimizer.step()

    return step


def book(threads, steps, batch, length):
    torch.set_num_threads(threads)
    model = Classifier()
    optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3, alpha=0.9, eps=1e-7)
    ids = torch.randint(1, 20000, (batch, length))
    labels = torch.randint(0, 2, (batch,)).float()
    loss = lambda: F.binary_cross_entropy_with_logits(model(ids), labels)
    seconds = measure(trainer(optimizer, loss), steps)
    median = statistics.median(seconds)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    print(f"book-step median_s={median:.4f} min_s={min(seconds):.4f} "
          f"tokens_per_s={batch * length / median:.0f} peak_rss_mib={peak}")


def tiny():
    torch.set_num_threads(1)
    model, logits = Encoder(16, 2, 8, 32), nn.Linear(16, 2)
    optimizer = torch.optim.SGD([*model.parameters(), *logits.parameters()], lr=0.01)
    x, label = torch.randn(1, 8, 16), torch.tensor([1])
    step = trainer(optimizer, lambda: F.cross_entropy(logits(model(x).mean(1)), label))
    print(f"tiny-step us={statistics.median(measure(step, 1000)) * 1e6:.1f}")

    def chain():
        z = a = torch.ones((), requires_grad=True)
        for _ in range(1000):
            z = z * 1.001 + 0.001
        z.backward()

    print(f"chain ns_per_op={statistics.median(measure(chain, 10)) / 2000 * 1e9:.0f}")


if sys.argv[1] == "book":
    book(*map(int, sys.argv[2:]))
else:
    tiny()

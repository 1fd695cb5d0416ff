"""What the benches measure, in PyTorch, to compare with: prints the same lines as book.cpp,
translator.cpp, writing.cpp and tiny.cpp.

torch_steps.py book|translator THREADS STEPS BATCH LENGTH
torch_steps.py writing TOKENS THREADS
torch_steps.py tiny
"""
import resource
import statistics
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F


class Attention(nn.Module):
    def __init__(self, width, heads, key_dim):
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value = (nn.Linear(width, heads * key_dim) for _ in range(3))
        self.output = nn.Linear(heads * key_dim, width)

    def split(self, x):
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)

    def forward(self, x, other, mask=None):
        query, key, value = map(self.split, (self.query(x), self.key(other), self.value(other)))
        scores = query @ key.mT * query.shape[-1] ** -0.5
        if mask is not None:
            scores = scores.masked_fill(~mask, -1e9)
        return self.output((scores.softmax(-1) @ value).transpose(1, 2).flatten(2))


class Encoder(nn.Module):
    def __init__(self, width, heads, key_dim, units):
        super().__init__()
        self.attention = Attention(width, heads, key_dim)
        self.norm_1, self.norm_2 = nn.LayerNorm(width, eps=1e-3), nn.LayerNorm(width, eps=1e-3)
        self.dense_1, self.dense_2 = nn.Linear(width, units), nn.Linear(units, width)

    def forward(self, x, mask=None):
        if mask is not None:
            mask = mask[:, None, None, :]
        x = self.norm_1(x + self.attention(x, x, mask))
        return self.norm_2(x + self.dense_2(F.relu(self.dense_1(x))))


class Decoder(nn.Module):
    def __init__(self, width, heads, key_dim, units):
        super().__init__()
        self.attention_1 = Attention(width, heads, key_dim)
        self.attention_2 = Attention(width, heads, key_dim)
        self.norm_1, self.norm_2, self.norm_3 = (nn.LayerNorm(width, eps=1e-3) for _ in range(3))
        self.dense_1, self.dense_2 = nn.Linear(width, units), nn.Linear(units, width)

    def forward(self, x, encoded, mask, encoded_mask):
        past = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).tril()
        x = self.norm_1(x + self.attention_1(x, x, past & mask[:, None, None, :]))
        x = self.norm_2(x + self.attention_2(x, encoded, encoded_mask[:, None, None, :]))
        return self.norm_3(x + self.dense_2(F.relu(self.dense_1(x))))


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


class Translator(nn.Module):
    def __init__(self, words, length):
        super().__init__()
        self.words = nn.ModuleList(nn.Embedding(words, 256) for _ in range(2))
        self.positions = nn.ModuleList(nn.Embedding(length, 256) for _ in range(2))
        self.encoder, self.decoder = Encoder(256, 8, 256, 2048), Decoder(256, 8, 256, 2048)
        self.logits = nn.Linear(256, words)

    def embed(self, i, ids):
        return self.words[i](ids) + self.positions[i].weight[: ids.shape[1]]

    def forward(self, source, target):
        encoded = self.encoder(self.embed(0, source), source != 0)
        said = self.decoder(self.embed(1, target), encoded, target != 0, source != 0)
        return self.logits(F.dropout(said, 0.5))


class Writer(nn.Module):
    """The model of writing.cpp for one new word, with keys and values in arrays made beforehand and
    query, key and value in one product."""

    def __init__(self, tokens):
        super().__init__()
        four = lambda make: nn.ModuleList(make() for _ in range(4))
        self.words, self.positions = nn.Embedding(8000, 256), nn.Embedding(tokens, 256)
        self.projections = four(lambda: nn.Linear(256, 768))
        self.outputs = four(lambda: nn.Linear(256, 256))
        self.norms_1 = four(lambda: nn.LayerNorm(256, eps=1e-3))
        self.norms_2 = four(lambda: nn.LayerNorm(256, eps=1e-3))
        self.dense_1 = four(lambda: nn.Linear(256, 1024))
        self.dense_2 = four(lambda: nn.Linear(1024, 256))
        self.norm, self.logits = nn.LayerNorm(256, eps=1e-3), nn.Linear(256, 8000)
        self.register_buffer("keys", torch.zeros(4, 4, tokens, 64))
        self.register_buffer("values", torch.zeros(4, 4, tokens, 64))

    def forward(self, word: int, t: int):
        x = self.words.weight[word] + self.positions.weight[t]
        for i, (project, output, norm_1, norm_2, dense_1, dense_2) in enumerate(
                zip(self.projections, self.outputs, self.norms_1, self.norms_2,
                    self.dense_1, self.dense_2)):
            projected = project(norm_1(x)).view(3, 4, 1, 64)
            self.keys[i, :, t], self.values[i, :, t] = projected[1, :, 0], projected[2, :, 0]
            scores = projected[0] @ self.keys[i, :, : t + 1].transpose(1, 2) * 0.125
            x = x + output((scores.softmax(-1) @ self.values[i, :, : t + 1]).view(256))
            x = x + dense_2(F.relu(dense_1(norm_2(x))))
        return self.logits(self.norm(x))


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


def report(name, seconds, tokens):
    median = statistics.median(seconds)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    print(f"{name} median_s={median:.4f} min_s={min(seconds):.4f} "
          f"tokens_per_s={tokens / median:.0f} peak_rss_mib={peak}")


def book(threads, steps, batch, length):
    torch.set_num_threads(threads)
    model = Classifier()
    optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3, alpha=0.9, eps=1e-7)
    ids = torch.randint(1, 20000, (batch, length))
    labels = torch.randint(0, 2, (batch,)).float()
    loss = lambda: F.binary_cross_entropy_with_logits(model(ids), labels)
    report("book-step", measure(trainer(optimizer, loss), steps), batch * length)


def translator(threads, steps, batch, length):
    torch.set_num_threads(threads)
    model = Translator(15000, length)
    optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3, alpha=0.9, eps=1e-7)
    source = torch.randint(1, 15000, (batch, length))
    target = torch.randint(1, 15000, (batch, length + 1))
    logits = lambda: model(source, target[:, :-1]).flatten(0, 1)
    loss = lambda: F.cross_entropy(logits(), target[:, 1:].flatten())
    report("translator-step", measure(trainer(optimizer, loss), steps), 2 * batch * length)


def writing(tokens, threads):
    torch.set_num_threads(threads)
    model = Writer(tokens)
    scripted = torch.jit.script(model)  # which is the faster of the two

    def write(model):
        with torch.inference_mode():
            word = 1
            for t in range(tokens):
                word = int(model(word, t).argmax())

    write(scripted)  # it is compiled in its first calls
    both = [measure(lambda: write(m), 3) for m in (model, scripted)]
    report("writing", min(both, key=statistics.median), tokens)


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


{"book": book, "translator": translator, "writing": writing, "tiny": tiny}[sys.argv[1]](
    *map(int, sys.argv[2:]))

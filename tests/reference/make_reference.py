"""Makes reference.safetensors: what PyTorch computes for the layers and optimisers of Gradus.

    python3 tests/reference/make_reference.py        (Debian: apt-get install python3-torch)

Everything is computed in float64 from float32 inputs and stored as float32, so that running it
again gives the same file. The writer below needs nothing but the standard library: the file is also
the proof that Gradus reads what others write.
"""
import json
import math
import os
import struct

import torch
import torch.nn.functional as F

torch.manual_seed(7)
tensors = {}


def keep(name, tensor):
    tensors[name] = tensor.detach().to(torch.float32).contiguous()
    return tensor


def given(name, *shape, scale=1.0):
    """A random input, kept, as a float64 leaf that wants a gradient."""
    x = (torch.rand(*shape, dtype=torch.float32) * 2 - 1) * scale
    keep(name, x)
    return x.double().requires_grad_(True)


def backward(case, out, leaves):
    """Keeps the output, a random upstream gradient, and the gradient of every leaf."""
    keep(f"{case}.out", out)
    upstream = torch.rand(out.shape, dtype=torch.float32) * 2 - 1
    keep(f"{case}.upstream", upstream)
    out.backward(upstream.double())
    for name, leaf in leaves.items():
        keep(f"{case}.grad.{name}", leaf.grad)


def softmax_cases():
    for case, f in (("softmax", torch.softmax), ("log_softmax", torch.log_softmax)):
        x = given(f"{case}.x", 4, 9, scale=3)
        backward(case, f(x, -1), {"x": x})


def layer_norm_case():
    x, gamma, beta = given("layer_norm.x", 5, 12), given("layer_norm.gamma", 12), given("layer_norm.beta", 12)
    backward("layer_norm", F.layer_norm(x, (12,), gamma, beta, 1e-3), {"x": x, "gamma": gamma, "beta": beta})


def cross_entropy_case():
    logits = given("cross_entropy.x", 6, 5, scale=2)
    labels = torch.tensor([0, 4, -1, 2, 2, -1])
    backward("cross_entropy", F.cross_entropy(logits, labels, ignore_index=-1), {"x": logits})


class Weights(dict):
    """Parameters by their name in Gradus; matrices are [inputs, outputs]."""

    def __init__(self, case):
        super().__init__()
        self.case = case

    def add(self, name, *shape, scale=0.5):
        self[name] = given(f"{self.case}.{name}", *shape, scale=scale)

    def dense(self, name, inputs, outputs):
        self.add(f"{name}.kernel", inputs, outputs)
        self.add(f"{name}.bias", outputs)

    def attention(self, name, width, heads, key_dim, value_dim=None):
        for part in ("query", "key"):
            self.dense(f"{name}{part}", width, heads * key_dim)
        self.dense(f"{name}value", width, heads * (value_dim or key_dim))
        self.dense(f"{name}output", heads * (value_dim or key_dim), width)


def dense(w, name, x):
    return x @ w[f"{name}.kernel"] + w[f"{name}.bias"]


def attention(w, name, q_in, k_in, v_in, heads, allowed):
    def split(x):
        return x.view(x.shape[0], x.shape[1], heads, -1).transpose(1, 2)

    q, k, v = (split(dense(w, name + part, x)) for part, x in
               (("query", q_in), ("key", k_in), ("value", v_in)))
    scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])
    weights = scores.masked_fill(~allowed, float("-inf")).softmax(-1)
    mixed = (weights @ v).transpose(1, 2).flatten(2)
    return dense(w, name + "output", mixed)


def padding(lengths, size):
    return (torch.arange(size) < torch.tensor(lengths)[:, None])[:, None, None, :]


def attention_cases():
    for case, lengths, causal in (("mha_padding", (6, 3), False), ("mha_causal", (6, 6), True)):
        w = Weights(case)
        w.attention("", 8, 2, 5)
        x = given(f"{case}.x", 2, 6, 8)
        allowed = padding(lengths, 6)
        if causal:
            allowed = allowed & torch.tril(torch.ones(6, 6, dtype=torch.bool))
        backward(case, attention(w, "", x, x, x, 2, allowed), {"x": x, **w})


def encoder_block(w, name, x, heads, allowed, activation=F.relu, epsilon=1e-3, pre_norm=False):
    def norm(which, y):
        return F.layer_norm(y, (y.shape[-1],), w[f"{name}{which}.gamma"], w[f"{name}{which}.beta"], epsilon)

    def attend(y):
        return attention(w, name + "attention.", y, y, y, heads, allowed)

    def feed(y):
        return dense(w, name + "dense_2", activation(dense(w, name + "dense_1", y)))

    if pre_norm:
        middle = x + attend(norm("norm_1", x))
        return middle + feed(norm("norm_2", middle))
    middle = norm("norm_1", x + attend(x))
    return norm("norm_2", middle + feed(middle))


def encoder_weights(w, name, width, inner, heads, key_dim):
    w.attention(name + "attention.", width, heads, key_dim)
    w.dense(name + "dense_1", width, inner)
    w.dense(name + "dense_2", inner, width)
    for which in ("norm_1", "norm_2"):
        w.add(f"{name}{which}.gamma", width)
        w.add(f"{name}{which}.beta", width)


def encoder_case():
    w = Weights("encoder")
    encoder_weights(w, "", 8, 10, 2, 8)
    x = given("encoder.x", 2, 5, 8)
    backward("encoder", encoder_block(w, "", x, 2, padding((5, 2), 5)), {"x": x, **w})


def classifier_case():
    w = Weights("classifier")
    w.add("embedding.positions", 9, 8)
    w.add("embedding.tokens.table", 20, 8)
    encoder_weights(w, "encoder.", 8, 10, 2, 8)
    w.dense("logit", 8, 1)
    ids = torch.tensor([[3, 7, 19, 4, 4, 2, 1], [5, 6, 3, 0, 0, 0, 0], [9, 9, 9, 9, 1, 0, 0]])
    targets = torch.tensor([[1.0], [0.0], [1.0]], dtype=torch.float64)
    x = w["embedding.tokens.table"][ids] + w["embedding.positions"][:7]
    words = ids != 0
    y = encoder_block(w, "encoder.", x, 2, words[:, None, None, :])
    pooled = y.masked_fill(~words[:, :, None], float("-inf")).max(1).values
    logits = keep("classifier.logits", dense(w, "logit", pooled))
    loss = F.binary_cross_entropy_with_logits(logits, targets)
    keep("classifier.out", loss)
    loss.backward()
    for name, leaf in w.items():
        keep(f"classifier.grad.{name}", leaf.grad)


def optimizer_cases():
    makers = {
        "sgd": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9),
        "rmsprop": lambda p: torch.optim.RMSprop(p, lr=0.01, alpha=0.9, eps=1e-7),
        "adam": lambda p: torch.optim.Adam(p, lr=0.01, eps=1e-7),
        "adamw": lambda p: torch.optim.AdamW(p, lr=0.01, eps=1e-7, weight_decay=0.05),
    }
    for case, make in makers.items():
        w = given(f"{case}.start", 7)
        optimizer = make([w])
        for step in range(5):
            g = torch.rand(7, dtype=torch.float32) * 2 - 1
            keep(f"{case}.gradient.{step}", g)
            w.grad = g.double()
            optimizer.step()
            keep(f"{case}.step.{step}", w)


def cross_attention_case():
    """Three different inputs; the last query stands at the last key (a causal mask)."""
    w = Weights("cross")
    w.attention("", 8, 2, 5, 3)
    q, k, v = given("cross.q", 2, 3, 8), given("cross.k", 2, 7, 8), given("cross.v", 2, 7, 8)
    causal = torch.tril(torch.ones(3, 7, dtype=torch.bool), diagonal=7 - 3)
    backward("cross", attention(w, "", q, k, v, 2, padding((7, 4), 7) & causal),
             {"q": q, "k": k, "v": v, **w})


def pre_norm_case():
    w = Weights("pre_norm")
    encoder_weights(w, "", 8, 10, 2, 3)
    x = given("pre_norm.x", 2, 5, 8)
    out = encoder_block(w, "", x, 2, padding((3, 5), 5), F.gelu, 0.05, True)
    backward("pre_norm", out, {"x": x, **w})


def dense_cases():
    for name, activation in (("gelu", F.gelu), ("tanh", torch.tanh), ("sigmoid", torch.sigmoid)):
        w = Weights(f"dense_{name}")
        w.dense("only", 6, 9)
        x = given(f"dense_{name}.x", 3, 4, 6, scale=3)
        backward(f"dense_{name}", activation(dense(w, "only", x)), {"x": x, **w})


def mean_pooling_case():
    x = given("mean_pooling.x", 3, 5, 4)
    words = padding((5, 1, 3), 5)[:, 0, 0, :, None].double()
    backward("mean_pooling", (x * words).sum(1) / words.sum(1), {"x": x})


def decoder_block(w, name, x, encoded, heads, allowed, encoded_allowed, activation=F.relu,
                  epsilon=1e-3, pre_norm=False):
    def norm(which, y):
        return F.layer_norm(y, (y.shape[-1],), w[f"{name}{which}.gamma"], w[f"{name}{which}.beta"], epsilon)

    size = x.shape[1]
    past = allowed & torch.tril(torch.ones(size, size, dtype=torch.bool))
    parts = (lambda y: attention(w, name + "attention_1.", y, y, y, heads, past),
             lambda y: attention(w, name + "attention_2.", y, encoded, encoded, heads, encoded_allowed),
             lambda y: dense(w, name + "dense_2", activation(dense(w, name + "dense_1", y))))
    for which, part in zip(("norm_1", "norm_2", "norm_3"), parts):
        x = x + part(norm(which, x)) if pre_norm else norm(which, x + part(x))
    return x


def decoder_weights(w, name, width, inner, heads, key_dim):
    w.attention(name + "attention_1.", width, heads, key_dim)
    w.attention(name + "attention_2.", width, heads, key_dim)
    w.dense(name + "dense_1", width, inner)
    w.dense(name + "dense_2", inner, width)
    for which in ("norm_1", "norm_2", "norm_3"):
        w.add(f"{name}{which}.gamma", width)
        w.add(f"{name}{which}.beta", width)


def decoder_cases():
    for case, key_dim, options in (("decoder", 8, {}), ("decoder_pre_norm", 3, {
            "activation": F.gelu, "epsilon": 0.05, "pre_norm": True})):
        w = Weights(case)
        decoder_weights(w, "", 8, 10, 2, key_dim)
        x, encoded = given(f"{case}.x", 2, 5, 8), given(f"{case}.encoded", 2, 7, 8)
        out = decoder_block(w, "", x, encoded, 2, padding((5, 3), 5), padding((4, 7), 7), **options)
        backward(case, out, {"x": x, "encoded": encoded, **w})


def translator_case():
    """A whole encoder-decoder; the target's embedding is its output weights as well."""
    w = Weights("translator")
    for side in ("source", "target"):
        w.add(f"{side}.positions", 9, 8)
        w.add(f"{side}.tokens.table", 20, 8)
    encoder_weights(w, "encoder.", 8, 10, 2, 8)
    decoder_weights(w, "decoder.", 8, 10, 2, 8)
    source = torch.tensor([[3, 7, 19, 4, 4], [5, 6, 3, 0, 0]])
    target = torch.tensor([[1, 9, 2, 7], [1, 8, 0, 0]])
    labels = torch.tensor([[9, 2, 7, 2], [8, 2, -1, -1]])

    def embed(side, ids):
        return w[f"{side}.tokens.table"][ids] + w[f"{side}.positions"][:ids.shape[1]]

    source_words = (source != 0)[:, None, None, :]
    encoded = encoder_block(w, "encoder.", embed("source", source), 2, source_words)
    decoded = decoder_block(w, "decoder.", embed("target", target), encoded, 2,
                            (target != 0)[:, None, None, :], source_words)
    logits = keep("translator.logits", decoded @ w["target.tokens.table"].T)
    loss = keep("translator.out", F.cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=-1))
    loss.backward()
    for name, leaf in w.items():
        keep(f"translator.grad.{name}", leaf.grad)


def write(path):
    header, data = {"__metadata__": {"made_by": "tests/reference/make_reference.py"}}, b""
    for name, tensor in tensors.items():
        raw = struct.pack(f"<{tensor.numel()}f", *tensor.flatten().tolist())
        header[name] = {"dtype": "F32", "shape": list(tensor.shape),
                        "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


for make_case in (softmax_cases, layer_norm_case, cross_entropy_case, attention_cases, encoder_case,
                  classifier_case, optimizer_cases, cross_attention_case, pre_norm_case,
                  dense_cases, mean_pooling_case, decoder_cases, translator_case):
    make_case()
write(os.path.join(os.path.dirname(os.path.abspath(__file__)), "reference.safetensors"))

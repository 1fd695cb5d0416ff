#!/usr/bin/env python3
"""Prints the table of tests/optimizer_test.cpp: where PyTorch's optimisers are after ten steps."""
import torch

torch.set_default_dtype(torch.float64)


def gradient(step, i):
    return 0.0 if (step + i) % 4 == 0 else ((step * 7 + i * 5) % 11 - 5) / 8


makers = {
    "Sgd": lambda p: torch.optim.SGD(p, lr=0.05),
    "Sgd, momentum": lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.7),
    "RMSprop": lambda p: torch.optim.RMSprop(p, lr=0.02, alpha=0.6, eps=0.03),
    "Adam": lambda p: torch.optim.Adam(p, lr=0.03, betas=(0.8, 0.95), eps=0.02),
    "AdamW": lambda p: torch.optim.AdamW(p, lr=0.03, betas=(0.8, 0.95), eps=0.02, weight_decay=0.3),
}
for name, make in makers.items():
    w = torch.tensor([(i - 2) / 4 for i in range(5)], requires_grad=True)
    optimizer = make([w])
    for step in range(10):
        w.grad = torch.tensor([gradient(step, i) for i in range(5)])
        optimizer.step()
    print(f'    {{"{name}", {{{", ".join(f"{x:.9f}" for x in w.tolist())}}}}},')

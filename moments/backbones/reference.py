"""Products in bf16 of what a frame differs by from the first of its clip, whose own are taken in fp32.

Ours.  bf16 holds eight binary digits.  A patch at rest differs from frame to frame by less, so that it would
tremble by rounding alone, and skewness, which divides by the spread, takes that for motion.  A product is
linear, W x = W x₀ + W (x − x₀): rounding only the difference leaves a patch at rest at rest, and costs a
subtraction and an addition beside the product.

It knows nothing of pictures or of clips; it asks only that every product has frames in front.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import torch
from torch import Tensor
from torch.nn.functional import linear

Reference = dict[torch.nn.Module, tuple[Tensor, Tensor]]
"""By product, what entered and what left it for one frame of each of B clips, float32 (B, …)."""

_reference: ContextVar[Reference | None] = ContextVar("reference", default=None)


@contextmanager
def against(reference: Reference) -> Iterator[None]:
    """Inside, in this thread, products are taken against ``reference``; an empty one is filled by them.

    A filled one of B clips takes (B·t, …), clip by clip.
    """
    token = _reference.set(reference)
    try:
        yield
    finally:
        _reference.reset(token)


class ReferencedLinear(torch.nn.Linear):
    """A linear layer in bf16: against a reference, or, where there is none, as autocast has it."""

    def __init__(self, exact: torch.nn.Linear) -> None:
        super().__init__(exact.in_features, exact.out_features, device="meta")
        self.weight, self.bias = exact.weight, exact.bias
        self.register_buffer("rounded", exact.weight.detach().bfloat16(), persistent=False)
        self.rounded: Tensor

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  (torch's own name)
        reference = _reference.get()
        if reference is None:
            return linear(input, self.rounded, self.bias)
        if self not in reference:
            product = super().forward(input)
            reference[self] = input, product
            return product
        before, product = reference[self]
        clips = input.reshape(len(before), -1, *input.shape[1:])
        changed = linear((clips - before[:, None]).bfloat16(), self.rounded)
        return (changed + product[:, None]).flatten(0, 1)


def with_references(model: torch.nn.Module) -> None:
    """Put a ``ReferencedLinear`` in the place of every linear layer of ``model``."""
    for name, part in list(model.named_modules()):
        if type(part) is torch.nn.Linear:
            model.set_submodule(name, ReferencedLinear(part))

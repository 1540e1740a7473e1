"""Prompts as WAN's transformers read them: each encoded once, by an encoder that then leaves the accelerator.

It knows nothing of clips.
"""

from __future__ import annotations

from collections import OrderedDict
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from generators.checkpoint import quiet_loading

MAX_TOKENS = 512
REMEMBERED = 64
"""Prompts whose encoding is kept, 4 MB each in bf16: those of a batch, and the one to be avoided."""


class PromptEncoder:
    """UMT5 of a WAN checkpoint. Nothing is loaded before the first prompt."""

    def __init__(self, folder: Path, device: torch.device, dtype: torch.dtype) -> None:
        self._folder = folder
        self._device = device
        self._dtype = dtype
        self._known: OrderedDict[str, Tensor] = OrderedDict()

    def encode(self, prompts: list[str]) -> list[Tensor]:
        """The prompts' encodings on the CPU, (1, MAX_TOKENS, channels) each.

        The encoder is on the accelerator only while prompts are encoded that were not seen before: of the
        largest model it takes 11 GB, which the transformers need.
        """
        missing = list(dict.fromkeys(prompt for prompt in prompts if prompt not in self._known))
        if missing:
            self._pipeline.text_encoder.to(self._device)
            try:
                found = {prompt: self._encoded(prompt) for prompt in missing}
            finally:
                self._pipeline.text_encoder.to("cpu")
                if self._device.type == "cuda":
                    torch.cuda.empty_cache()  # what torch keeps for itself is not free for the transformers
            self._known.update(found)
        for prompt in prompts:
            self._known.move_to_end(prompt)
        encoded = [self._known[prompt] for prompt in prompts]
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return encoded

    # One prompt at a time: padding to the longest of several would change the last bits of the others.
    @torch.no_grad()
    def _encoded(self, prompt: str) -> Tensor:
        encoding: Tensor = self._pipeline.encode_prompt(
            prompt,
            do_classifier_free_guidance=False,
            max_sequence_length=MAX_TOKENS,  # the pipeline's own default here is another than in its call
            device=self._device,
        )[0]
        return encoding.cpu()

    @cached_property
    def _pipeline(self) -> Any:
        """diffusers' pipeline with nothing but tokenizer and encoder."""
        from diffusers import WanImageToVideoPipeline
        from transformers import AutoTokenizer, UMT5EncoderModel

        encoders: Any = UMT5EncoderModel
        tokenizers: Any = AutoTokenizer
        pipelines: Any = WanImageToVideoPipeline
        with quiet_loading():
            encoder = encoders.from_pretrained(
                self._folder / "text_encoder", dtype=self._dtype, use_safetensors=True, local_files_only=True
            )
            tokenizer = tokenizers.from_pretrained(self._folder / "tokenizer", local_files_only=True)
        return pipelines(tokenizer, encoder.eval().requires_grad_(False), vae=None, scheduler=None)

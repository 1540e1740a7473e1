"""Which writer a recipe asks for: frozen configs, told apart by ``kind``."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from prompts.template import TemplateWriter
from prompts.writer import PromptWriter


class TemplateConfig(BaseModel):
    """Prompts from text files: no network, no key, no cost."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["template"] = "template"


WriterConfig = TemplateConfig


def build_writer(config: WriterConfig) -> PromptWriter:
    """The writer that ``config`` names."""
    return TemplateWriter()

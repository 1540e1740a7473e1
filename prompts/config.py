"""Which writer a recipe asks for: frozen configs, told apart by ``kind``.

Imports no writer until one is built.
"""

from __future__ import annotations

from typing import Annotated, Literal, assert_never

from pydantic import BaseModel, ConfigDict, Field

from data.paid import Gateway
from prompts.writer import PromptWriter


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TemplateConfig(_Strict):
    """Prompts from text files: no network, no key, no cost."""

    kind: Literal["template"] = "template"


class OpenAIConfig(_Strict):
    """Prompts from OpenAI, or from any server that speaks its protocol (vLLM, Ollama, Azure).

    ``base_url`` names that server, up to where its ``/chat/completions`` begins: for Azure
    ``https://NAME.openai.azure.com/openai/v1/``, with the deployment as ``model``.  The key is always
    read from ``OPENAI_API_KEY``.  ``batch`` waits up to a day for half the price.
    """

    kind: Literal["openai"] = "openai"
    model: str = "gpt-4.1"
    base_url: str | None = None
    batch: bool = False


WriterConfig = Annotated[TemplateConfig | OpenAIConfig, Field(discriminator="kind")]


def build_writer(config: TemplateConfig | OpenAIConfig, gateway: Gateway) -> PromptWriter:
    """The writer that ``config`` names, not yet opened."""
    match config:
        case TemplateConfig():
            from prompts.template import TemplateWriter

            return TemplateWriter()
        case OpenAIConfig():
            from prompts.openai_writer import OpenAIWriter

            return OpenAIWriter(config, gateway)
    assert_never(config)

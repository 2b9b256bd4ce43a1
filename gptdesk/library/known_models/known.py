"""The models that gptdesk knows by name: repository, size and hashes of the weights."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from gptdesk.gpt2.config import OPENAI_SIZES
from gptdesk.library.known_models.known_model import Known, card_url
from gptdesk.library.known_models.relatives import RELATIVES

__all__ = ["KNOWN", "Known", "card_url", "find_known"]


def find_known(name_or_repo: str) -> Known | None:
    """The known model of that name or repository; ``None`` for any other."""
    wanted = name_or_repo.casefold()
    return next((known for known in KNOWN if wanted in (known.name.casefold(), known.repo.casefold())), None)


# Revisions and hashes: several independent projects that pin these models agree on each of them. The weights of the
# large one have been found in none, so they are taken on the hub's word.
_OPENAI: Final = (
    Known(
        name="gpt2",
        repo="openai-community/gpt2",
        revision="607a30d783dfa663caf39e06633721c8d4cfcd7e",
        config=OPENAI_SIZES["gpt2"],
        size=548_105_171,
        sha256="248dfc3911869ec493c76e65bf2fcf7f615828b0254c12b473182f0f81d3a707",
        licence="mit",
        note="OpenAI's smallest GPT-2, trained on 40 GB of web pages.",
    ),
    Known(
        name="gpt2-medium",
        repo="openai-community/gpt2-medium",
        revision="6dcaa7a952f72f9298047fd5137cd6e4f05f41da",
        config=OPENAI_SIZES["gpt2-medium"],
        size=1_519_984_962,
        sha256="fc5a354a19255ad494f3d71549390baca1ccf61d1d822b9408971705c687c9cd",
        licence="mit",
        note="OpenAI's second size, three times as large.",
    ),
    Known(
        name="gpt2-large",
        repo="openai-community/gpt2-large",
        revision="32b71b12589c2f8d625668d2335a01cac3249519",
        config=OPENAI_SIZES["gpt2-large"],
        size=3_247_159_078,
        sha256=None,
        licence="mit",
        note="OpenAI's third size.",
    ),
    Known(
        name="gpt2-xl",
        repo="openai-community/gpt2-xl",
        revision="15ea56dee5df4983c59b2538573817e1667135e2",
        config=OPENAI_SIZES["gpt2-xl"],
        size=6_431_829_964,
        sha256="0f8b28eb05a8075f48b61b6f35332978c74fc7763fa9fb4051a1c30511736a6a",
        licence="mit",
        note="The GPT-2 of the paper, OpenAI's largest.",
    ),
    Known(
        name="distilgpt2",
        repo="distilbert/distilgpt2",
        revision="2290a62682d06624634c1f46a6ad5be0f47f38aa",
        config=replace(OPENAI_SIZES["gpt2"], n_layer=6),
        size=352_824_413,
        sha256="e1ff18884359fe8beb795a5f414feb85a6ce3d929ad019c0d958c039d2b94a1b",
        licence="apache-2.0",
        note="Distilled from gpt2 by Hugging Face, with half the layers: twice as fast, less accurate.",
    ),
)

KNOWN: Final = (*_OPENAI, *RELATIVES)
"""The four models that OpenAI released, their best-known pupil, and models of the same architecture by others."""

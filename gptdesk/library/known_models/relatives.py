"""Models of GPT-2's architecture by others, which the list shows when more models are asked for.

Revisions, sizes and licences are those that the hub's own pages show. Hashes are not known: the hub's are taken and
written down at the first download. What a model computes with is its own config.json, not the shape here.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from gptdesk.gpt2.config import OPENAI_SIZES, GPT2Config
from gptdesk.library.known_models.known_model import Known

_SMALL, _MEDIUM, _LARGE = (OPENAI_SIZES[name] for name in ("gpt2", "gpt2-medium", "gpt2-large"))
_MB: Final = 1_000_000


def _relative(
    repo: str, config: GPT2Config, note: str, *, revision: str = "", megabytes: int = 0, licence: str = ""
) -> Known:
    return Known(
        name=repo.partition("/")[2], repo=repo, revision=revision, config=config, size=megabytes * _MB,
        sha256=None, licence=licence, note=note, more=True,
    )  # fmt: skip


def _cerebras(size: str, layers: int, heads: int, width: int, *, revision: str = "", megabytes: int = 0) -> Known:
    """Dey et al. 2023, "Cerebras-GPT": GPT-2 with exact GELU and a context of 2,048 tokens."""
    config = GPT2Config(
        n_layer=layers, n_head=heads, n_embd=width, n_inner=4 * width, n_positions=2048, activation_function="gelu"
    )
    return _relative(
        f"cerebras/Cerebras-GPT-{size}", config, "Cerebras' GPT, trained on the Pile.",
        revision=revision, megabytes=megabytes, licence="apache-2.0",
    )  # fmt: skip


def _dialogpt(size: str, config: GPT2Config, revision: str, megabytes: int) -> Known:
    """Zhang et al. 2020, "DialoGPT": OpenAI's sizes, trained on."""
    note = "Microsoft's, for conversation; trained on Reddit."
    return _relative(f"microsoft/DialoGPT-{size}", config, note, revision=revision, megabytes=megabytes, licence="mit")


def _mistral(name: str, config: GPT2Config, *, revision: str = "", megabytes: int = 0, licence: str = "") -> Known:
    """Stanford's replications of GPT-2, by seed (https://github.com/stanford-crfm/mistral)."""
    shape = replace(config, scale_attn_by_inverse_layer_idx=True, reorder_and_upcast_attn=True)
    note = "Stanford's replication of GPT-2 on OpenWebText."
    return _relative(f"stanford-crfm/{name}", shape, note, revision=revision, megabytes=megabytes, licence=licence)


RELATIVES: Final = (
    _cerebras("111M", 10, 12, 768, revision="0e4059d52279ea818136cd78a2551baf99a1c19b"),
    _cerebras("256M", 14, 17, 1088, revision="c798cb7a7afe2833f18a17f60c16c9eb13f2d6e5", megabytes=1_080),
    _cerebras("590M", 18, 12, 1536, revision="9a422122ed6ae0d363a20f9a1741f155493d1c50", megabytes=2_440),
    _cerebras("1.3B", 24, 16, 2048, megabytes=5_360),
    _dialogpt("small", _SMALL, "49c537161a457d5256512f9d2d38a87d81ae0f0e", 351),
    _dialogpt("medium", _MEDIUM, "7b40bb0f92c45fefa957d088000d8648e5c7fa33", 863),
    _dialogpt("large", _LARGE, "3391fef636d25c47c7dae630de06a6baf393a92b", 1_750),
    _mistral(
        "alias-gpt2-small-x21", _SMALL, revision="ef2e2aa6e81351c5d01ea11ec5a6a0f631c72180", licence="apache-2.0"
    ),
    _mistral("battlestar-gpt2-small-x49", _SMALL, megabytes=261),
    _mistral("arwen-gpt2-medium-x21", _MEDIUM, megabytes=735),
    _mistral("beren-gpt2-medium-x49", _MEDIUM, megabytes=735),
    _relative(
        "dbmdz/german-gpt2", replace(_SMALL, vocab_size=50_265),
        "German, by the Bavarian State Library; own tokens.",
        megabytes=510, licence="mit",
    ),
    _relative(
        "asi/gpt-fr-cased-small", replace(_SMALL, vocab_size=50_000),
        "French, by Quantmetry and the LLF; own tokens.",
        revision="be072ad30f4d6b6ffc9a77b46d2325b41550228d", megabytes=510, licence="apache-2.0",
    ),
    _relative(
        "DeepESP/gpt2-spanish", _SMALL,
        "Spanish, from Wikipedia and books; own tokens.",
        revision="1b935e39cf9893108bd2f4fb5317f48ae1c3ab5e", megabytes=261, licence="mit",
    ),
    _relative(
        "pierreguillou/gpt2-small-portuguese", _SMALL,
        "Portuguese, from Wikipedia; own tokens.",
        revision="89a916c041b54c8b925e1a3282a5a334684280cb", megabytes=510, licence="mit",
    ),
    _relative(
        "GroNLP/gpt2-small-italian", replace(_SMALL, vocab_size=30_001),
        "Italian, by the University of Groningen; own tokens.",
        revision="092dc9ab04ede2613272d1eb72be02b35b49a1c3", megabytes=448,
    ),
    _relative(
        "GroNLP/gpt2-small-dutch", replace(_SMALL, vocab_size=40_000),
        "Dutch, by the University of Groningen; own tokens.",
        revision="193c1c9a6a5c5b6ede3a65d5ba5436df37a401b6", megabytes=479,
    ),
    _relative(
        "uer/gpt2-chinese-cluecorpussmall", replace(_SMALL, vocab_size=21_128),
        "Chinese, trained on CLUECorpusSmall; a token a character.",
        revision="c2c0249d8a2731f269414cc3b22dff021f8e07a3", megabytes=421,
    ),
)  # fmt: skip
"""Cerebras-GPT, DialoGPT, Stanford's GPT-2s, and GPT-2 in seven languages."""

"""GPT-2 as OpenAI shipped it, in plain PyTorch.

Parameter names are those of Hugging Face's GPT-2 without the ``transformer.`` prefix. Shapes in comments use
B batch, T tokens fed now, S tokens seen so far (cache included), C ``n_embd``, nh heads, hs head size, V vocabulary.

Sources: Radford et al. 2019, "Language Models are Unsupervised Multitask Learners"; https://github.com/openai/gpt-2/blob/master/src/model.py
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from gptdesk.gpt2.block_attention import causal_attention_in_blocks, pays_in_blocks
from gptdesk.gpt2.chunked_loss import IGNORED, chunked_cross_entropy, pays_in_chunks
from gptdesk.gpt2.config import GPT2Config
from gptdesk.gpt2.interrupted import Interrupted
from gptdesk.gpt2.kv_cache import KVCache

INIT_STD = 0.02
"""Standard deviation of initial weight matrices and embeddings (Radford et al. 2018, section 4.1)."""


class CausalSelfAttention(nn.Module):
    """Multi-head attention in which a token attends to itself and to earlier tokens."""

    def __init__(self, config: GPT2Config, layer: int, dropout: float) -> None:
        super().__init__()
        self.layer = layer
        self.n_head = config.n_head
        self.scale = config.attention_scale(layer)
        self.upcast = config.reorder_and_upcast_attn
        self.dropout = dropout
        self.c_attn = nn.Linear(config.n_embd, 3 * config.n_embd, bias=config.bias)  # queries, keys, values in one
        self.c_proj = nn.Linear(config.n_embd, config.n_embd, bias=config.bias)
        self.resid_dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, cache: KVCache | None, mask: Tensor | None) -> Tensor:
        B, T, C = x.shape
        q, k, v = self.c_attn(x).split(C, dim=2)
        q = q.view(B, T, self.n_head, C // self.n_head).transpose(1, 2)  # (B, nh, T, hs)
        k = k.view(B, T, self.n_head, C // self.n_head).transpose(1, 2)  # (B, nh, T, hs)
        v = v.view(B, T, self.n_head, C // self.n_head).transpose(1, 2)  # (B, nh, T, hs)
        if cache is not None:
            k, v = cache.append(self.layer, k, v)  # (B, nh, S, hs)
        causal = mask is None and T > 1  # a single token attends to everything in the cache
        y = self.attend(q.to(k.dtype), k, v, mask=mask, causal=causal)
        y = y.to(q.dtype).transpose(1, 2).contiguous().view(B, T, C)  # heads concatenated
        return self.resid_dropout(self.c_proj(y))

    def attend(self, q: Tensor, k: Tensor, v: Tensor, *, mask: Tensor | None = None, causal: bool = False) -> Tensor:
        """softmax(scale q k^T) v, (B, nh, T, hs), of q (B, nh, T, hs) and k and v (B, nh, S, hs) in one dtype.

        A model with ``reorder_and_upcast_attn`` gets it in float32, whatever the dtype and autocast
        (https://github.com/stanford-crfm/mistral).
        """
        dropout = self.dropout if self.training else 0.0
        if self.upcast and q.dtype != torch.float32:
            q, k, v = q.float(), k.float(), v.float()
            mask = mask if mask is None or mask.dtype == torch.bool else mask.float()
            with torch.autocast(q.device.type, enabled=False):
                return F.scaled_dot_product_attention(
                    q, k, v, attn_mask=mask, dropout_p=dropout, is_causal=causal, scale=self.scale
                )
        if causal and dropout == 0.0 and pays_in_blocks(q, k):
            return causal_attention_in_blocks(q, k, v, self.scale)
        return F.scaled_dot_product_attention(
            q, k, v, attn_mask=mask, dropout_p=dropout, is_causal=causal, scale=self.scale
        )


class MLP(nn.Module):
    """Two linear layers with the config's activation function between them: OpenAI's models have GELU's tanh
    approximation (Hendrycks & Gimpel 2016)."""

    def __init__(self, config: GPT2Config, dropout: float) -> None:
        super().__init__()
        self.c_fc = nn.Linear(config.n_embd, config.inner_size, bias=config.bias)
        self.c_proj = nn.Linear(config.inner_size, config.n_embd, bias=config.bias)
        self.activation = config.activation.function()
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        return self.dropout(self.c_proj(self.activation(self.c_fc(x))))


class Block(nn.Module):
    """Attention, then the MLP; each reads the normalised residual stream and adds to it."""

    def __init__(self, config: GPT2Config, layer: int, dropout: float) -> None:
        super().__init__()
        self.ln_1 = nn.LayerNorm(config.n_embd, eps=config.layer_norm_epsilon, bias=config.bias)
        self.attn = CausalSelfAttention(config, layer, dropout)
        self.ln_2 = nn.LayerNorm(config.n_embd, eps=config.layer_norm_epsilon, bias=config.bias)
        self.mlp = MLP(config, dropout)

    def forward(self, x: Tensor, cache: KVCache | None = None, mask: Tensor | None = None) -> Tensor:
        x = x + self.attn(self.ln_1(x), cache, mask)  # (B, T, C)
        return x + self.mlp(self.ln_2(x))  # (B, T, C)


class GPT2(nn.Module):
    """The language model: token ids in, next-token logits out.

    Args:
        config: the shape.
        dropout: probability in training, at every place where GPT-2 has dropout.
        activation_checkpointing: recompute each block in the backward pass instead of keeping its activations.

    Attributes:
        chunked_loss: whether `loss` works out logits some rows at a time; None: where that pays.
    """

    chunked_loss: bool | None = None

    def __init__(self, config: GPT2Config, *, dropout: float = 0.0, activation_checkpointing: bool = False) -> None:
        super().__init__()
        self.config = config
        self.activation_checkpointing = activation_checkpointing
        self.wte = nn.Embedding(config.vocab_size, config.n_embd)
        self.wpe = nn.Embedding(config.n_positions, config.n_embd)
        self.drop = nn.Dropout(dropout)
        self.h = nn.ModuleList(Block(config, layer, dropout) for layer in range(config.n_layer))
        self.ln_f = nn.LayerNorm(config.n_embd, eps=config.layer_norm_epsilon, bias=config.bias)
        self.lm_head = nn.Linear(config.n_embd, config.vocab_size, bias=False)
        if config.tie_word_embeddings:
            self.lm_head.weight = self.wte.weight

    @torch.no_grad()
    def init_weights(self, generator: torch.Generator | None = None) -> None:
        """Initialises the weights: N(0, 0.02), biases zero, and `c_proj` scaled by 1 / sqrt(2 n_layer), so that the
        variance of the residual stream does not grow with depth (Radford et al. 2019, section 2.3)."""
        residual_std = INIT_STD / math.sqrt(2 * self.config.n_layer)
        for name, parameter in self.named_parameters():
            if name.endswith("bias"):
                nn.init.zeros_(parameter)
            elif "ln_" in name:
                nn.init.ones_(parameter)
            else:
                std = residual_std if name.endswith("c_proj.weight") else INIT_STD
                nn.init.normal_(parameter, std=std, generator=generator)

    def hidden_states(
        self, ids: Tensor, cache: KVCache | None = None, *, interrupted: Callable[[], bool] | None = None
    ) -> Tensor:
        """The final layer norm's output for ``ids``, (B, T) int64, after the tokens in ``cache``: (B, T, C).

        Appends the tokens to the cache; its length and T together must not exceed ``n_positions``.

        Args:
            interrupted: asked before each block, if given.

        Raises:
            Interrupted: when ``interrupted`` returned True.
        """
        past = cache.length if cache is not None else 0
        T = ids.shape[1]
        assert past + T <= self.config.n_positions, "longer than the context"
        positions = torch.arange(past, past + T, device=ids.device)  # (T)
        x = self.drop(self.wte(ids) + self.wpe(positions))  # (B, T, C)
        mask = None
        if past and T > 1:  # new token i attends to the columns 0 ... past + i
            mask = torch.ones(T, past + T, dtype=torch.bool, device=ids.device).tril(diagonal=past)
        for block in self.h:
            if interrupted is not None and interrupted():
                raise Interrupted
            if self.activation_checkpointing and self.training:
                x = checkpoint(block, x, use_reentrant=False)
            else:
                x = block(x, cache, mask)
        if cache is not None:
            cache.length += T
        return self.ln_f(x)

    def forward(self, ids: Tensor, cache: KVCache | None = None) -> Tensor:
        """Logits of the token after each of ``ids``: (B, T) int64 to (B, T, V) in the dtype of the weights."""
        return self.lm_head(self.hidden_states(ids, cache))

    def next_token_logits(self, ids: Tensor, cache: KVCache | None = None) -> Tensor:
        """Logits of the token after the last of ``ids`` alone: (B, T) int64 to (B, V) float32."""
        return self.next_token_head(self.hidden_states(ids, cache)[:, -1])

    def next_token_head(self, x: Tensor) -> Tensor:
        """Logits of the next token after each of a few positions: hidden states (B, C) to (B, V) float32."""
        if x.device.type == "cpu":
            return self.lm_head(x).float()
        # GPT-2's logits lie near -100, where bfloat16 has steps of 0.5. On a CPU this would take most of the time.
        return F.linear(x.float(), self.lm_head.weight.float())

    def loss(self, ids: Tensor, targets: Tensor, *, reduction: str = "mean") -> Tensor:
        """Cross-entropy in nats of ``targets``, (B, T) int64, given ``ids``; targets of -100 do not count.

        Args:
            ids, targets: of each place.
            reduction: "mean" of the targets that count, or "sum".
        """
        x, targets = self.hidden_states(ids), targets.reshape(-1)
        in_chunks = self.chunked_loss
        if in_chunks or (in_chunks is None and pays_in_chunks(x, self.lm_head.weight)):
            total = chunked_cross_entropy(x.flatten(0, 1), self.lm_head.weight, targets)
            return total if reduction == "sum" else total / (targets != IGNORED).sum()
        logits = self.lm_head(x)
        return F.cross_entropy(logits.view(-1, logits.shape[-1]).float(), targets, reduction=reduction)

"""Turns text, JSON lines, parquet and data sets of the hub into token shards with a manifest."""

from trainer.prepare.estimate import Estimate, estimate
from trainer.prepare.plan import SHARD_TOKENS, UNIT_BYTES, Plan, Request
from trainer.prepare.progress import Progress
from trainer.prepare.run import prepare
from trainer.prepare.sections import WorkOptions

__all__ = [
    "SHARD_TOKENS",
    "UNIT_BYTES",
    "Estimate",
    "Plan",
    "Progress",
    "Request",
    "WorkOptions",
    "estimate",
    "prepare",
]

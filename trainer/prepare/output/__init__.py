"""From blocks of tokens to shards with a manifest."""

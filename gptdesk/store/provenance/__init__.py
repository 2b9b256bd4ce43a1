"""Where generated text comes from: what is told of it, and whether it can be generated again."""

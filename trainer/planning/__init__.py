"""Plans a run before it starts: defaults, shape, memory, time. Only `estimate` imports torch."""

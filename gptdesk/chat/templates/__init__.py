"""Chat templates as prompts need them: those that a model's folder brings, rendered in a sandbox, and our own."""

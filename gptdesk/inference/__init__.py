"""Text generation with a GPT-2: engine, completions, context, sampling, and the compiled decoders."""

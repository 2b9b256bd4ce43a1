"""What GPT-2 is: configuration, network, tokenizer, folder layout, checkpoint and chat template."""

"""The CPU's own network, in NumPy: what reads prompts and decodes where no compiled code does."""

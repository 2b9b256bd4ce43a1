"""One run over several processes: who we are among them, and tensors that are sharded over them."""

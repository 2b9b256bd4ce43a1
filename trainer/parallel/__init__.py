"""Training with several processes: the process group, DDP and FSDP, and sharded tensors."""

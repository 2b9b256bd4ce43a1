"""The compiled CPU decoder, its kernels, quantized weights and threads."""

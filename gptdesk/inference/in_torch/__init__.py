"""Networks in torch: on CUDA and MPS, on a CPU without Numba, and for what looks into a model."""

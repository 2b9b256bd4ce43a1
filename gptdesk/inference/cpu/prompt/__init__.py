"""Reading a prompt on a CPU: blocked products, attention and the rest of the network, compiled by Numba."""

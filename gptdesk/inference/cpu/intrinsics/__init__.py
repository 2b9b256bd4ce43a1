"""LLVM instructions that Numba lacks, for compiled code: vectors as wide as registers, conversions, threads."""

"""Dot products of rows of weights with a few vectors, as LLVM intrinsics for the decode kernel."""

"""Prepares data, trains, resumes, evaluates and samples GPT-2s, without a window."""

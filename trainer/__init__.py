"""Prepares data, trains, resumes, evaluates and samples GPT-2s, with no screen: ``python -m trainer``."""

"""Downloads of models: several at once, each resumable over restarts; their manager, and one attempt of one."""

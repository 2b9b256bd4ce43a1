"""The sheet on which a run is put together: data, what to start from, settings."""

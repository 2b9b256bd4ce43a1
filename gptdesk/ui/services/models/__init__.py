"""Services for models: the library, its jobs and downloads, the model in use."""

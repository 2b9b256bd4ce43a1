"""The models of the hub that gptdesk knows by name: OpenAI's, and others of the same architecture."""

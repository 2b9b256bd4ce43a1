"""What pages share: inference, documents, models, settings, messages. All threads belong to these."""

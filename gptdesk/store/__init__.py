"""What a person keeps: documents, settings and presets. Knows neither Qt nor torch."""

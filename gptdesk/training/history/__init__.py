"""What a run recorded: events, metrics over steps, samples."""

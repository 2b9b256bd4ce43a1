"""The Compare page: models, checkpoints and settings beside each other."""

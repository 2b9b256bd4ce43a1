"""What a run will be and take, worked out before it starts. Only `estimate` loads torch."""

"""Text whose tokens have colours: ramps, the scale of surprisal, and web pages. Plain data, no Qt."""

"""Writing with a model that was changed: parts switched off, a direction added to the residual stream."""

"""The third step of the New run sheet: settings of the run."""

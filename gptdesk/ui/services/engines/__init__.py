"""The models that are loaded: several engines within a memory budget, shared by the sessions of pages."""

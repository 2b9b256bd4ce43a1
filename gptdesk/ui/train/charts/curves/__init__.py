"""Recorded values of runs as curves: smoothed, in a unit, decimated to what a screen can show."""

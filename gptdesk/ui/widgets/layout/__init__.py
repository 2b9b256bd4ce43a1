"""Widgets and layouts that arrange others: bars, columns, folds, splitters."""

"""What is painted of a chart: box, axes, lines, areas, marks, legend."""

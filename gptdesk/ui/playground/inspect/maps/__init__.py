"""What views show values with: tables of coloured cells, lists of bars, points in a plane; pictures of them."""

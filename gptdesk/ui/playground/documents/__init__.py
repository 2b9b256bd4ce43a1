"""Documents of the Playground: opened, listed, searched, changed, read from files and saved to them."""

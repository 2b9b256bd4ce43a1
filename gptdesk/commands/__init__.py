"""One subcommand of the command line a module: ``add_parser`` describes it, ``run`` does it."""

"""What the command line shows and does; `streamops_nb.cli` only reads the arguments."""

"""The commands, one module per noun; `cli.py` gathers them. Each imports what it drives only when it runs, so that `--help` is quick."""

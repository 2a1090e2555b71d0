"""One file a target. A file here is a target: bench/target.py imports the folder."""

"""Ways in which pictures go bad. A Python file is a degradation; a TOML is a composition of them (redmobile/data/composition.py)."""

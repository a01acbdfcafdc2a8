"""Recipes: TOML files that say what to count, train, export and evaluate, and the runner that does it once."""

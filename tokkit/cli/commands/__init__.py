"""The verbs, one file each; nothing heavy is imported before a verb runs."""

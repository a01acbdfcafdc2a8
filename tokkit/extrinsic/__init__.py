"""How well language models read text: bits per byte, training of vocabulary rows. Needs the extra `models` (torch)."""

"""Views of tokenizers for people: tables, coloured tokens, differences."""

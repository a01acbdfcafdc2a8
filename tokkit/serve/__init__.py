"""Plug-ins for programs that serve models."""

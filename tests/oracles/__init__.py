"""Slow, obvious twins of the fast algorithms: written for reading, used to judge."""

"""Trainers: one file a method; `TRAINERS` knows them all by name."""

from tokkit.trainers.base import TRAINERS, Trainer

__all__ = ["TRAINERS", "Trainer"]

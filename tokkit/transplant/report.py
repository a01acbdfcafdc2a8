"""What a transplant did, in numbers: for people, for programs, for the file beside the model."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from tokkit.extrinsic.forward import Forward
from tokkit.transplant.match import Origin
from tokkit.transplant.operator import Assignment, Operator
from tokkit.transplant.tables import Tables

SCHEMA = "tokkit.transplant"
_ODD = 6.0
"""Rows whose length is so many deviations from the copied rows' mean are named."""


@dataclass(frozen=True)
class Report:
    """`origins` counts ids by where their row comes from, `methods` rows of each tensor by what made them.

    `norm_z` [rows] of each tensor is the length of a row in deviations from the mean of the copied rows.
    """

    method: str
    base_rows: int
    rows: int
    families: tuple[str, str]
    origins: dict[str, int]
    is_tied: bool
    tensors: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    methods: dict[str, dict[str, int]] = field(default_factory=dict)
    residuals: dict[str, float] = field(default_factory=dict)
    norm_z: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    output: str | None = None
    forward: Forward | None = None

    @classmethod
    def plan(cls, assignment: Assignment, method: str, tables: Tables, warnings: list[str]) -> "Report":
        """What is known before any row is made."""
        return cls(
            method,
            tables.rows,
            assignment.n_rows,
            (assignment.base.family, assignment.target.family),
            assignment.matches.counts(),
            tables.is_tied,
            tuple(tables.sides()),
            tuple(warnings),
        )

    def with_rows(
        self, operators: Mapping[str, Operator], made: Mapping[str, NDArray[np.generic]], origin: NDArray[np.uint8]
    ) -> "Report":
        """Adds what the rows look like."""
        methods: dict[str, dict[str, int]] = {}
        residuals: dict[str, float] = {}
        norm_z: dict[str, NDArray[np.float64]] = {}
        warnings = list(self.warnings)
        for name, operator in operators.items():
            methods[name] = dict(sorted(Counter(operator.method).items()))
            norms = row_norms(made[name])
            copied = norms[operator.copies()]
            spread = float(copied.std()) if len(copied) else 0.0
            norm_z[name] = (norms - copied.mean()) / spread if spread else np.zeros(len(norms))
            new = np.zeros(len(norms), bool)
            new[: len(origin)] = origin == Origin.NEW
            if np.isfinite(operator.residual).any():
                residuals[name] = float(np.nanmean(operator.residual))
            odd = int((np.abs(norm_z[name][new]) > _ODD).sum())
            if odd:
                warnings.append(f"{name}: {odd} new rows are {_ODD:.0f} deviations longer or shorter than copied ones")
            warnings += [f"{name}: {note}" for note in operator.notes]
        return replace(
            self, methods=methods, residuals=residuals, norm_z=norm_z, warnings=tuple(dict.fromkeys(warnings))
        )

    @property
    def matched(self) -> int:
        """Ids whose row is a copy."""
        return self.rows - sum(self.origins[name] for name in ("new", "new_special", "hole")) - self.padding

    @property
    def padding(self) -> int:
        """Rows beyond the last id."""
        return self.rows - sum(self.origins.values())

    def to_json(self) -> dict[str, object]:
        """One object with the name and version of its schema."""
        return {
            "schema": SCHEMA,
            "version": 1,
            "output": self.output,
            "method": self.method,
            "base_rows": self.base_rows,
            "rows": self.rows,
            "families": {"base": self.families[0], "target": self.families[1]},
            "matched": self.matched,
            "origins": self.origins,
            "is_tied": self.is_tied,
            "tensors": list(self.tensors),
            "methods": self.methods,
            "mean_residual": self.residuals,
            "forward": None if self.forward is None else self.forward.to_json(),
            "warnings": list(self.warnings),
        }

    def table(self) -> str:
        """A few lines for people."""
        lines = [
            f"base    {self.base_rows:>9,} rows, {self.families[0]}, {'tied' if self.is_tied else 'untied'}",
            f"target  {self.rows:>9,} rows, {self.families[1]}",
            f"copied  {self.matched:>9,} ({self.matched / max(1, self.rows):.1%})",
        ]
        lines += [f"  {name.replace('_', ' '):<16}{count:>9,}" for name, count in self.origins.items() if count]
        for name, counts in self.methods.items():
            lines.append(f"{name}: " + ", ".join(f"{count:,} {method}" for method, count in counts.items()))
            if name in self.residuals:
                lines.append(f"  mean share of a donor row that its mixture misses: {self.residuals[name]:.3f}")
        if self.forward is not None:
            lines.append(self.forward.line())
        return "\n".join(lines)


def row_norms(values: NDArray[np.generic], block: int = 8192) -> NDArray[np.float64]:
    """Length of each row, in blocks."""
    parts = [
        np.linalg.norm(values[start : start + block].astype(np.float64), axis=1)
        for start in range(0, len(values), block)
    ]
    return np.concatenate(parts) if parts else np.zeros(0)

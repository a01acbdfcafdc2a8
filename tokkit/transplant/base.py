"""What every transplant method is: a frozen Config and `solve(problem) -> Rows`."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from tokkit.errors import UsageError
from tokkit.progress import Progress, silent
from tokkit.registry import Registry
from tokkit.spec import Spec
from tokkit.transplant.config import TransplantConfig
from tokkit.transplant.sparse import Csr, Floats, column_mean

Need = Literal["pieces", "donor", "auxiliary", "model"]
Side = Literal["in", "out"]


@dataclass(frozen=True)
class Pieces:
    """The base tokens that spell each new token: `segments[i]` base ids, `lengths[i]` their characters (at least 1)."""

    segments: list[NDArray[np.int64]]
    lengths: list[NDArray[np.int64]]


@dataclass(frozen=True)
class Auxiliary:
    """Vectors of the same space for both vocabularies; a row of NaN means that there is none.

    `new` [n, da] for the new tokens, `base` [base rows, da], `pieces` is `base` unless it says otherwise.
    """

    new: Floats
    base: Floats


@dataclass(frozen=True)
class Rope:
    """What a model's rotary positions are made of."""

    heads: int
    theta: float


@dataclass(frozen=True)
class Places:
    """What a method that runs the model needs: the base's folder, the target tokenizer, ids of the new rows."""

    base: Path
    target: Path
    new_ids: NDArray[np.int64]
    config: TransplantConfig


@dataclass(frozen=True)
class Problem:
    """The new rows that are wanted of one matrix.

    `read` reads the matrix [base rows, d] in its own type; `anchors` are base ids of tokens of both vocabularies.
    With a donor, `donor_new` [n, dd] are its rows of the new tokens `donor_anchors` [anchors, dd] of the anchors, and
    `donor_mean` [dd] the mean of all its rows.
    `ropes` are the donor's and the base's, as far as their configs tell.
    `pieces` spells the new tokens when a method asks for it: that takes the base tokenizer at work.
    `texts` are the bytes of the new tokens, `base_texts` those of base ids (None: no text token).
    """

    side: Side
    read: Callable[[], NDArray[np.generic]]
    anchors: NDArray[np.int64]
    texts: tuple[bytes, ...]
    base_texts: tuple[bytes | None, ...] = ()
    pieces: Callable[[], Pieces] | None = None
    donor_new: Floats | None = None
    donor_anchors: Floats | None = None
    donor_mean: NDArray[np.float64] | None = None
    auxiliary: Auxiliary | None = None
    ropes: tuple[Rope, Rope] | None = None
    places: Places | None = None
    is_tied: bool = True
    seed: int = 0
    threads: int = 1
    memory: int = 1 << 30
    progress: Progress = silent

    @property
    def n(self) -> int:
        """Number of new rows."""
        return len(self.texts)

    @cached_property
    def base(self) -> NDArray[np.generic]:
        """The matrix [base rows, d] in its own type, once a method asks for it."""
        return self.read()

    @cached_property
    def floats(self) -> Floats:
        """`base` as f32, or f64 where it is that."""
        return np.asarray(self.base, np.float64 if self.base.dtype == np.float64 else np.float32)

    @cached_property
    def mean(self) -> NDArray[np.float64]:
        """Mean row of `base` [d]."""
        return column_mean(self.base)

    @property
    def numbers(self) -> NDArray[np.bool_]:
        """Which new tokens have several digits [n]; mixtures of a donor lose arithmetic there (arXiv 2506.06607)."""
        return np.array([sum(48 <= byte < 58 for byte in text) > 1 for text in self.texts], bool)

    def anchor_rows(self) -> NDArray[np.float64]:
        """The base's rows of the anchors [anchors, d]."""
        return self.base[self.anchors].astype(np.float64)

    def donor(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """(rows of the anchors, rows of the new tokens) of the donor, f32.

        Raises:
            UsageError: there is no donor, or it shares no token with the base.
        """
        if self.donor_new is None or self.donor_anchors is None:
            raise UsageError("this method needs the rows of a donor model", hint="give --donor, or take compose")
        if not len(self.anchors):
            raise UsageError("base and donor share no token", hint="take a method that needs no anchors: compose")
        return np.asarray(self.donor_anchors, np.float32), np.asarray(self.donor_new, np.float32)

    def spelled(self) -> Pieces:
        """The pieces of the new tokens."""
        if self.pieces is None:
            raise UsageError("this method needs the base tokenizer's spelling of the new tokens")
        return self.pieces()

    def vectors(self) -> Auxiliary:
        """The auxiliary vectors.

        Raises:
            UsageError: there are none.
        """
        if self.auxiliary is None:
            raise UsageError(
                "this method needs vectors of the tokens",
                hint="give --auxiliary FILE.safetensors, or --learn-from TEXT",
            )
        return self.auxiliary


@dataclass(frozen=True)
class Rows:
    """New rows: `weights @ base + constant`, and how sure the method is.

    `residual` [n] is the relative error in the donor's space (NaN where it has no meaning); rows that are not
    `served` are left to the fallbacks. `labels` [n] name what made each row, where it isn't the method itself.
    """

    weights: Csr
    constant: NDArray[np.float64] | None = None
    residual: NDArray[np.float64] | None = None
    served: NDArray[np.bool_] | None = None
    labels: tuple[str, ...] | None = None
    notes: tuple[str, ...] = field(default=())

    def matrix(self, base: Floats) -> NDArray[np.float64]:
        """The rows themselves, float64 [n, d]."""
        made = self.weights.apply(base)
        return made if self.constant is None else made + self.constant


class Method(ABC):
    """Makes rows for tokens that the base model doesn't have.

    A subclass registers itself (`@METHODS.register("omp")`), nests its own `Config`, says what it `needs`.
    """

    class Config(Spec):
        """Options of the method: none."""

    needs: ClassVar[frozenset[Need]] = frozenset()
    config: Config

    def __init__(self, config: Config) -> None:
        self.config = config

    @abstractmethod
    def solve(self, problem: Problem) -> Rows:
        """Rows for all new tokens of one matrix.

        Raises:
            UsageError: the problem lacks what the method needs.
        """


METHODS: Registry[type[Method]] = Registry(
    "transplant method",
    {
        "adaptivocab": "tokkit.transplant.adaptivocab",
        "auto": "tokkit.transplant.auto",
        "clp": "tokkit.transplant.clp",
        "compose": "tokkit.transplant.compose",
        "distill": "tokkit.transplant.distill",
        "focus": "tokkit.transplant.focus",
        "hewitt": "tokkit.transplant.hewitt",
        "interpolate": "tokkit.transplant.interpolate",
        "lsq": "tokkit.transplant.lsq",
        "mean": "tokkit.transplant.mean",
        "mined": "tokkit.transplant.mined",
        "mp_rope": "tokkit.transplant.mp_rope",
        "omp": "tokkit.transplant.omp",
        "procrustes": "tokkit.transplant.procrustes",
        "random": "tokkit.transplant.random",
        "stb": "tokkit.transplant.stb",
        "tokenadapt": "tokkit.transplant.tokenadapt",
        "wechsel": "tokkit.transplant.wechsel",
        "zero": "tokkit.transplant.zero",
    },
)
"""All methods by name."""

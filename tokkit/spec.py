"""The base of every option set: one frozen definition from which flags, recipe keys, schema and docs derive."""

from pydantic import BaseModel, ConfigDict


class Spec(BaseModel):
    """A frozen, strict set of options; unknown keys are errors.

    Subclasses give each field a type, a default, a range and a `description` in `pydantic.Field`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

"""Every error that tokkit raises on purpose: what was wrong, where, and what to do."""


class TokkitError(Exception):
    """Base of all errors of tokkit; `exit_code` is what the command line returns for it.

    The message is one line that says what is wrong, where (file, line or byte) and which value was got;
    `hint` says what to do about it.
    """

    exit_code = 70

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return self.message if self.hint is None else f"{self.message} (hint: {self.hint})"


class GateError(TokkitError):
    """A check, gate or fidelity bound that the user asked for was not met."""

    exit_code = 1


class UsageError(TokkitError, ValueError):
    """An option or argument has a value that cannot work."""

    exit_code = 2


class InputError(TokkitError, ValueError):
    """The input data are bad: missing, unreadable, empty or not what they claim to be."""

    exit_code = 3


class TokenizerError(TokkitError, ValueError):
    """A tokenizer or model is bad or of a kind that tokkit does not support."""

    exit_code = 4


class ResourceError(TokkitError, OSError):
    """Memory, disk or permission stands in the way."""

    exit_code = 5


class NetworkError(TokkitError, ConnectionError):
    """The hub or a URL could not be reached, or may not be (offline)."""

    exit_code = 6


class InternalError(TokkitError, RuntimeError):
    """A broken invariant of tokkit itself: please report it."""

    exit_code = 70


class MissingExtraError(TokkitError, ImportError):
    """An optional package is needed for what was asked."""

    exit_code = 2

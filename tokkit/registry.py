"""Named things that plug in: trainers, metrics, exporters; built-ins load lazily, plug-ins by entry point."""

import difflib
import importlib
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import entry_points
from typing import Generic, TypeVar

from tokkit.errors import UsageError

T = TypeVar("T")
# More names than a reader wants in an error.
_MANY = 40


class Registry(Generic[T]):
    """Names for things of one kind.

    `builtins` maps a name to the module that registers it, so that listing names imports nothing.
    Entry points of the group `tokkit.<kind>` add plug-ins; a plug-in never replaces a built-in.
    """

    def __init__(self, kind: str, builtins: Mapping[str, str]) -> None:
        self.kind = kind
        self._builtins = dict(builtins)
        self._things: dict[str, T] = {}

    def register(self, name: str) -> Callable[[T], T]:
        """Decorator that files a thing under `name`; a name taken by another module is an error."""

        def keep(thing: T) -> T:
            owner = self._builtins.get(name)
            origin = getattr(thing, "__module__", "?")
            if name in self._things or (owner is not None and owner != origin):
                other = owner or getattr(self._things[name], "__module__", "?")
                raise UsageError(f"{self.kind} `{name}` is registered twice: by {other} and by {origin}")
            self._things[name] = thing
            return thing

        return keep

    def get(self, name: str) -> T:
        """The thing of that name; imports its module when needed.

        Raises:
            UsageError: no such name; the hint holds the nearest one.
        """
        if name not in self._things and name in self._builtins:
            importlib.import_module(self._builtins[name])
        if name not in self._things:
            self._load_plugin(name)
        if name not in self._things:
            near = difflib.get_close_matches(name, self.names(), n=1)
            names = self.names()
            every = f"`tokkit list {self.kind}s` shows all" if len(names) > _MANY else "one of: " + ", ".join(names)
            hint = f"did you mean `{near[0]}`?" if near else every
            raise UsageError(f"unknown {self.kind}, got `{name}`", hint=hint)
        return self._things[name]

    def names(self) -> list[str]:
        """All names, sorted; imports nothing."""
        plugins = {point.name for point in entry_points(group=f"tokkit.{self.kind}s")}
        return sorted(set(self._builtins) | set(self._things) | plugins)

    def builtins(self) -> list[str]:
        """The names that come with tokkit, sorted; imports nothing."""
        return sorted(self._builtins)

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def _load_plugin(self, name: str) -> None:
        for point in entry_points(group=f"tokkit.{self.kind}s", name=name):
            loaded = point.load()
            self._things.setdefault(name, loaded)

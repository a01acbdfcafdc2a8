"""The top command: verbs are looked up in a table and imported when they are used."""

import importlib

import click

from tokkit.cli.verbs import VERBS


class LazyGroup(click.Group):
    """A group that shows its verbs from the table and imports only the one that runs."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All verbs, in the order of the table."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The verb's command, imported now; None when there is no such verb."""
        info = VERBS.get(cmd_name)
        if info is None:
            return None
        command = importlib.import_module(f"tokkit.cli.commands.{info.module}").command
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click's, but an unknown verb names the nearest one."""
        if args and not args[0].startswith("-") and args[0] not in VERBS:
            import difflib

            from tokkit.errors import UsageError

            near = difflib.get_close_matches(args[0], VERBS, n=1)
            hint = f"did you mean `{near[0]}`?" if near else "one of: " + ", ".join(VERBS)
            # Raised as ours and not as click's NoSuchCommand: hints have their own line here.
            raise UsageError(f"unknown verb, got `{args[0]}`", hint=hint)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The verbs under their headings; imports none of them."""
        by_group: dict[str, list[tuple[str, str]]] = {}
        for name, info in VERBS.items():
            by_group.setdefault(info.group, []).append((name, info.summary))
        for heading, rows in by_group.items():
            with formatter.section(heading.capitalize()):
                formatter.write_dl(rows)

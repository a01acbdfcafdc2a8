"""`tokkit completion`: the script that a shell sources."""

import click

from tokkit.cli.verb import Talk, verb


@verb(
    "completion",
    examples=(
        "tokkit completion bash > ~/.local/share/bash-completion/completions/tokkit",
        'eval "$(tokkit completion zsh)"',
    ),
)
@click.argument("shell", type=click.Choice(("bash", "zsh", "fish")))
def command(talk: Talk, *, shell: str) -> None:
    """SHELL is bash, zsh or fish."""
    from click.shell_completion import get_completion_class

    from tokkit.cli.app import top

    made = get_completion_class(shell)
    assert made is not None, "click knows these three"
    # `source()` first asks the shell for its version by running it, which a machine without that shell cannot.
    completion = made(top, {}, "tokkit", "_TOKKIT_COMPLETE")
    click.echo(completion.source_template % completion.source_vars())

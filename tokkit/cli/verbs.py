"""The table of verbs: the one place that names, groups and describes them."""

from typing import NamedTuple


class VerbInfo(NamedTuple):
    """Where a verb lives and what it does; `module` holds a click command named `command`."""

    group: str
    module: str
    summary: str


_MAKE, _USE, _JUDGE, _REST = "make a tokenizer", "use one", "judge and compare", "about tokkit"

VERBS: dict[str, VerbInfo] = {
    "train": VerbInfo(_MAKE, "train", "Train a tokenizer on text or on a table of counts."),
    "count": VerbInfo(_MAKE, "count", "Count the pre-tokens of a corpus into a table that `train` reads."),
    "signals": VerbInfo(_MAKE, "signals", "Measure how predictable each byte is, for ByteSpan; keep the byte model."),
    "extend": VerbInfo(_MAKE, "extend", "Add tokens to a tokenizer; every old id and every old encoding stays."),
    "adapt": VerbInfo(_MAKE, "adapt", "Specialise a tokenizer to a domain: rare tokens make room for n-grams."),
    "prune": VerbInfo(_MAKE, "prune", "Drop tokens so that none of the others becomes unreachable; write the id map."),
    "transplant": VerbInfo(_MAKE, "transplant", "Give a pretrained model another tokenizer, without torch."),
    "run": VerbInfo(_MAKE, "run", "Run a recipe: count, train, export and evaluate what it says."),
    "encode": VerbInfo(_USE, "encode", "Turn text into token ids, one line of ids for each line of text."),
    "decode": VerbInfo(_USE, "decode", "Turn token ids back into text."),
    "hyper": VerbInfo(_USE, "hyper", "Shorten id sequences by hypertokens, restore them, or measure what they save."),
    "export": VerbInfo(
        _USE, "export", "Write a tokenizer of ours for other programs, and say how faithful the file is."
    ),
    "convert": VerbInfo(_USE, "convert", "Turn a tokenizer of another program into another format."),
    "show": VerbInfo(_JUDGE, "show", "Show the tokens of a text in colour, or the merge tree of a word."),
    "explain": VerbInfo(
        _JUDGE, "explain", "Tell the history of a token: when it was made, removed, restored, and why."
    ),
    "undertrained": VerbInfo(_JUDGE, "undertrained", "Count the tokens that a text hardly uses, table and picture."),
    "info": VerbInfo(_JUDGE, "info", "Tell what a tokenizer is: method, size, alphabet, specials, origin."),
    "diff": VerbInfo(_JUDGE, "diff", "Show where two tokenizers cut a text differently."),
    "eval": VerbInfo(_JUDGE, "evaluate", "Measure tokenizers side by side on texts."),
    "compare": VerbInfo(_JUDGE, "compare", "Say whether a tokenizer is better than another on the same documents."),
    "list": VerbInfo(_REST, "list", "List what there is: trainers, pretokenizers, exports, metrics, suites and more."),
    "doctor": VerbInfo(_REST, "doctor", "Say what tokkit runs on: versions, core, cores, memory, folders."),
    "completion": VerbInfo(_REST, "completion", "Print the completion script of a shell."),
}

"""Strings that try to run as script, load from elsewhere or break out of where they are written: 500 and more."""

import json
from pathlib import Path

# What each would do if it ran: leave a mark that the test looks for.
MARK = "window.hit=1"
_EVENTS = ("onload", "onerror", "onfocus", "onmouseover", "onanimationstart", "ontoggle", "onpointerenter", "onbegin")
_TAGS = (
    "img src=x",
    "svg",
    "body",
    "details open",
    "input autofocus",
    "video src=x",
    "iframe",
    "object data=x",
    "math",
)
_BREAKS = ("", '"', "'", '">', "'>", "-->", "]]>", "</title>", "</style>", "</script>", "</svg>", "</textarea>", "\x00")
_WHOLE = (
    f"<script>{MARK}</script>",
    f"<scr<script>ipt>{MARK}</scr</script>ipt>",
    f"<svg><script>{MARK}</script></svg>",
    f"<svg><script xlink:href=data:,{MARK}></script></svg>",
    f"<math><mtext></mtext><script>{MARK}</script></math>",
    f"<style>@import 'data:text/css,*{{}}';</style><script>{MARK}</script>",
    f'<a href="javascript:{MARK}">x</a>',
    f'<iframe srcdoc="<script>parent.{MARK}</script>"></iframe>',
    f'<form action="javascript:{MARK}"><button>x</button></form>',
    f'<meta http-equiv=refresh content="0;url=javascript:{MARK}">',
    f"<base href=javascript:{MARK}//><link rel=import href=data:text/html,{MARK}>",
    f"<template><script>{MARK}</script></template>",
    f"&lt;script&gt;{MARK}&lt;/script&gt;",
    f"&#60;script&#62;{MARK}&#60;/script&#62;",
    f"\\u003cscript\\u003e{MARK}\\u003c/script\\u003e",
    f"${{{MARK}}}`;{MARK};//",
    f"';{MARK};'",
    f"*/{MARK}/*",
    f"<!--<img src='--><img src=x onerror={MARK}>'>",
    f"\u202e<script>{MARK}</script>\u202c",
)


def injections() -> list[str]:
    """Distinct strings in a fixed order, without white space that would cut them into several words."""
    built = [
        f"{start}<{tag} {event}={MARK}>"
        for start in _BREAKS
        for place, tag in enumerate(_TAGS)
        for event in (_EVENTS[place % 8], _EVENTS[(place + 3) % 8])
    ]
    wrapped = [f"{start}{text}" for start in _BREAKS for text in _WHOLE]
    naughty = json.loads((Path(__file__).parents[1] / "data" / "blns.json").read_text(encoding="utf-8"))
    known = [text for text in naughty if "<" in text or "javascript" in text.lower()]
    return list(dict.fromkeys([*built, *wrapped, *known]))

"""Style and script of the page. The policy of the page lets this script run, by its digest, and no other."""

import base64
import hashlib
from typing import Final

STYLE: Final = """
:root { color-scheme: light dark; --ink: #1c2430; --soft: #5c6675; --rule: #d9dee5; --paper: #fff; --mark: #f4f6f9;
  --link: #1f5fb4 }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e9ee; --soft: #9aa5b3; --rule: #333c48; --paper: #14181e; --mark: #1d232b; --link: #8ab8ff } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 76rem;
  margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.5rem; margin-bottom: .3rem } h2 { font-size: 1.2rem; margin-top: 2.6rem }
h3 { font-size: 1rem; margin: 1.6rem 0 .4rem } p, li { max-width: 56rem; overflow-wrap: anywhere }
a { color: var(--link) } nav a { margin-right: 1.1em; display: inline-block }
table { border-collapse: collapse; margin-bottom: .8rem; font-variant-numeric: tabular-nums; font-size: .9rem }
.scroll { overflow: auto; max-width: 100% } .tall { max-height: 38rem; border: 1px solid var(--rule);
  margin-bottom: 1.2rem }
th, td { padding: .25rem .6rem; text-align: right; border-bottom: 1px solid var(--rule); white-space: nowrap;
  vertical-align: top } thead th { background: var(--mark); position: sticky; top: 0 } th.l, td.l { text-align: left }
tbody tr:hover { background: var(--mark) } .wrap { white-space: normal; min-width: 9rem; max-width: 20rem;
  overflow-wrap: anywhere }
th button { all: unset; cursor: pointer; font-weight: 600 } th button:focus-visible { outline: 2px solid #3b7dd8 }
th button::after { content: "\\2195"; opacity: .35; padding-left: .3em }
th[aria-sort=ascending] button::after { content: "\\2191"; opacity: 1 }
th[aria-sort=descending] button::after { content: "\\2193"; opacity: 1 }
input { font: inherit; padding: .2rem .5rem; margin: .3rem 0 .6rem; width: 16rem; max-width: 90%; color: inherit;
  background: var(--paper); border: 1px solid var(--soft); border-radius: .3rem }
.soft { color: var(--soft) } svg { display: block } svg text { fill: var(--ink); font-family: system-ui, sans-serif }
svg text:not([font-size]) { font-size: 12px } svg .soft { fill: var(--soft) } svg .rule { stroke: var(--rule) }
.legend span { display: inline-block; margin-right: 1.4em } .legend svg { display: inline-block }
.warn { border-left: 4px solid #d99a1c; padding-left: 1.6rem } summary { cursor: pointer }
details.text > summary { font-weight: 600; margin: .6rem 0 } pre { overflow-x: auto }
.tokens { line-height: 2; overflow-wrap: anywhere; max-width: none; margin: .1rem 0 .8rem } .tokens span { padding:
  .1em 0; border-radius: .2em; white-space: pre-wrap } .tokens .a { background: #3b7dd833 } .tokens .b { background:
  #d99a1c40 } .tokens .ring { outline: 2px solid #c4472f; outline-offset: -1px }
.cut { color: #c4472f; padding: 0 1px } dt { margin-top: .6rem } dd { max-width: 52rem }
@media (max-width: 40rem) { body { margin-top: 1rem; padding: 0 .6rem } dd { margin-left: 1rem } }
@media print { .tall { max-height: none } input, nav { display: none } }
"""
SCRIPT: Final = """
for (const table of document.querySelectorAll('table.sort')) {
  table.querySelectorAll('th button').forEach((button, column) => button.addEventListener('click', () => {
    const up = button.parentElement.getAttribute('aria-sort') !== 'ascending';
    table.querySelectorAll('th').forEach(head => head.removeAttribute('aria-sort'));
    button.parentElement.setAttribute('aria-sort', up ? 'ascending' : 'descending');
    const key = row => { const cell = row.cells[column], value = cell.dataset.v;
      return value === undefined ? cell.textContent : value === '' ? NaN : Number(value); };
    const compare = (a, b) => { const x = key(a), y = key(b);
      if (typeof x === 'number') { if (isNaN(x)) return isNaN(y) ? 0 : 1; if (isNaN(y)) return -1;
        return up ? x - y : y - x; }
      return up ? x.localeCompare(y) : y.localeCompare(x); };
    const body = table.tBodies[0]; [...body.rows].sort(compare).forEach(row => body.append(row));
  }));
}
for (const input of document.querySelectorAll('input.filter')) {
  const rows = [...input.parentElement.querySelector('tbody').rows];
  input.addEventListener('input', () => {
    const wanted = input.value.toLowerCase().split(/\\s+/);
    for (const row of rows) {
      const names = [...row.querySelectorAll('td.l')].map(cell => cell.textContent.toLowerCase()).join(' ');
      row.hidden = !wanted.every(word => names.includes(word));
    }
  });
}
"""


def policy(*, has_script: bool = True) -> str:
    """The Content-Security-Policy: nothing from anywhere, styles within the page, this script alone or none."""
    if not has_script:
        return "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
    digest = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; base-uri 'none'; "
        "form-action 'none'"
    )

"""Style sheet of the error report, on a screen and on paper."""

STYLE = """
:root { color-scheme: light; --text: #16242B; --quiet: #4A575D; --line: #D5DEE3; --mark: #0B6E8A; }
* { box-sizing: border-box; }
body { margin: 0; background: #fff; color: var(--text); font: 16px/1.55 system-ui, sans-serif; }
main { max-width: 62rem; margin: 0 auto; padding: 2.5rem 1.25rem 3rem; }
header { border-bottom: 2px solid var(--mark); padding-bottom: .75rem; margin-bottom: 1.5rem; }
.kind { margin: 0; color: var(--mark); font-weight: 600; }
h1 { margin: .1rem 0 .25rem; font-size: 2rem; line-height: 1.2; overflow-wrap: anywhere; }
h2 { margin: 0 0 .75rem; font-size: 1.3rem; line-height: 1.3; }
h3 { margin: 0 0 .5rem; font-size: 1.05rem; overflow-wrap: anywhere; }
.facts, figcaption, footer { color: var(--quiet); font-size: .9rem; }
.facts, footer { margin: 0; }
.verdict { font-size: 1.4rem; line-height: 1.35; font-weight: 600; margin: 0 0 .5rem; }
.cautions { border-left: 3px solid #B8860B; margin: 1rem 0; padding: .25rem 0 .25rem 1.75rem; }
nav { margin: 2rem 0; padding: 1rem 1.25rem; background: #F1F5F7; border-radius: .5rem; }
nav h2 { font-size: 1rem; margin-bottom: .4rem; }
nav ol { margin: 0; padding-left: 1.4rem; columns: 2 16rem; }
a { color: var(--mark); }
section { margin-top: 2.5rem; scroll-margin-top: 1rem; }
figure { margin: 0 0 1.75rem; }
.side { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(26rem, 100%), 1fr));
  gap: 0 1.5rem; }
.side h2 { grid-column: 1 / -1; }
.side figure { min-width: 0; }
figcaption { margin-top: .4rem; }
.glance { margin: 1.25rem 0; }
.table, .glance { overflow-x: auto; }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }
.glance table { font-size: 1rem; }
th, td { padding: .3rem .75rem; border-bottom: 1px solid var(--line); text-align: right; }
th:first-child { text-align: left; padding-left: 0; }
tbody th { font-weight: 400; }
thead th { border-bottom: 2px solid var(--line); vertical-align: bottom; }
.glance tbody tr:last-child > * { color: var(--quiet); border-bottom: 0; }
.chart { width: 100%; min-height: 280px; }
.chart svg { display: block; max-width: 100%; height: auto; }
.legend { display: flex; flex-wrap: wrap; gap: .15rem 1.25rem; margin: 0 0 .25rem; font-size: .9rem; }
.legend span { overflow-wrap: anywhere; }
.legend i { display: inline-block; width: .75rem; height: .75rem; border-radius: 50%;
  margin-right: .4rem; }
.vega-bindings { font-size: .9rem; margin: .25rem 0 .5rem; }
.vega-bind-name { margin-right: .5rem; }
.vega-bindings input { width: min(24rem, 60%); vertical-align: middle; }
footer { margin-top: 2.5rem; border-top: 1px solid var(--line); padding-top: .75rem; }
@media (max-width: 30rem) {
  .glance table { font-size: .8rem; }
  .glance :is(th, td) { padding: .3rem .3rem; }
}
@page { size: A4; margin: 16mm 15mm; }
@media print {
  body { font-size: 10.5pt; }
  main { max-width: none; padding: 0; }
  h1 { font-size: 20pt; }
  h2 { font-size: 13pt; break-after: avoid; }
  h3 { break-after: avoid; }
  .verdict { font-size: 14pt; }
  nav { background: none; border: 1px solid var(--line); break-inside: avoid; }
  nav a { color: inherit; text-decoration: none; }
  section { margin-top: 1.5rem; }
  .side { display: block; }
  .chart { min-height: 0; }
  figure:has(.chart), tr { break-inside: avoid; }
  thead { display: table-header-group; }
  table { font-size: 8.5pt; }
  .table, .glance { overflow: visible; }
  .save, .vega-bindings { display: none; }
}
"""

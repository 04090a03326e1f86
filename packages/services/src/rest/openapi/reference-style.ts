/** The stylesheet of the reference page: text first, one accent, light and dark, every pair of colours at 4.5 to 1 or more. */
export const referenceStyle = `:root {
  color-scheme: light dark;
  --ground: #fbfaf8; --raised: #fff; --sunken: #f2f0ec; --ink: #1b2326; --soft: #566165; --line: #e2dfd9; --strong: #858c8d;
  --accent: #0b6b68; --tint: #dcefed; --warm: #8a4b10;
  --serif: ui-serif, "New York", "Iowan Old Style", Charter, Georgia, serif;
  --mono: ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, monospace;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #12171a; --raised: #191f23; --sunken: #1e262a; --ink: #e4e8e7; --soft: #9ba7a9; --line: #2a3337; --strong: #6f7c80;
    --accent: #5cc9c1; --tint: #16393a; --warm: #e0b07c;
  }
}
* { box-sizing: border-box; }
[hidden] { display: none !important; }
body {
  margin: 0 auto; max-width: 84rem; padding: 0 clamp(1rem, 3vw, 2rem) 6rem; background: var(--ground); color: var(--ink);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, Arial, sans-serif; overflow-wrap: anywhere;
}
h1, h2, h3, h4, p, ul, pre { margin: 0; padding: 0; font-size: inherit; }
ul { list-style: none; }
a { color: var(--accent); text-underline-offset: .18em; text-decoration-thickness: 1px; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 4px; }
main:focus { outline: none; }
code, pre, .type, .media, .method { font-family: var(--mono); font-size: .8125rem; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
.skip { position: absolute; left: 1rem; top: -4rem; background: var(--raised); padding: .5rem 1rem; z-index: 3; }
.skip:focus { top: .5rem; }
header { display: flex; flex-wrap: wrap; align-items: baseline; gap: .5rem 1.25rem; padding: 1.5rem 0 1rem; }
h1 { font: 600 1.5rem/1.2 var(--serif); }
h1::first-letter { text-transform: uppercase; }
#about { color: var(--soft); font-size: .875rem; }
search { margin-left: auto; }
input, select, button { font: inherit; color: inherit; background: var(--raised); border: 1px solid var(--strong); border-radius: 8px; padding: .4rem .75rem; min-height: 2.5rem; }
#filter { width: 18rem; max-width: 100%; }
::placeholder { color: var(--soft); opacity: 1; }
button { cursor: pointer; }
button:hover { border-color: var(--accent); background: var(--tint); }
button:disabled { opacity: .6; cursor: default; }
nav { font-size: .9375rem; }
summary { cursor: pointer; width: fit-content; padding: .25rem 0; }
nav summary { color: var(--soft); }
nav h2 { margin: 1rem 0 .25rem; font: 600 .9375rem/1.4 var(--serif); }
nav h2::first-letter, .tag > h2::first-letter { text-transform: uppercase; }
nav a { display: flex; gap: .6rem; align-items: baseline; padding: .3rem .6rem; margin-left: -.6rem; border-radius: 6px; color: inherit; text-decoration: none; }
nav a:hover { background: var(--sunken); }
nav a[aria-current] { background: var(--tint); }
.method { font-size: .6875rem; font-weight: 600; color: var(--accent); }
nav .method { flex: none; width: 3.25rem; }
.tag > h2 { margin-top: 2.5rem; font: 600 1.75rem/1.2 var(--serif); letter-spacing: -.01em; }
.operation { margin-top: 1.5rem; padding: 1.5rem clamp(1rem, 3vw, 2rem) 1.75rem; border: 1px solid var(--line); border-radius: 14px; background: var(--raised); scroll-margin-top: 1rem; }
.operation:target { border-color: var(--accent); }
h3 { display: flex; flex-wrap: wrap; align-items: baseline; gap: .3rem .75rem; font: 600 1.0625rem/1.4 var(--mono); }
h3 a { color: inherit; text-decoration: none; }
h3 a:hover { text-decoration: underline; }
h3 .method { font-size: .75rem; padding: .15rem .5rem; border-radius: 5px; background: var(--tint); }
h3 + p { margin-top: .5rem; }
h4 { margin: 1.75rem 0 .5rem; font-size: .9375rem; font-weight: 600; }
.media, .limits { color: var(--soft); font-size: .8125rem; }
.type { color: var(--warm); }
.limits { margin-left: .6rem; }
.required { color: var(--accent); font-size: .75rem; font-weight: 400; margin-left: .4rem; }
.name { font-weight: 600; }
table { width: 100%; border-collapse: collapse; font-size: .9375rem; }
th, td { padding: .55rem 1rem .55rem 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; overflow-wrap: normal; }
thead th { color: var(--soft); font-size: .8125rem; font-weight: 400; }
td:last-child { min-width: 12rem; }
td .limits { display: block; margin: 0; }
.fields { margin: .25rem 0 .25rem; padding-left: 1rem; border-left: 1px solid var(--line); font-size: .9375rem; }
.fields li { padding: .35rem 0; }
.fields p { color: var(--soft); font-size: .875rem; max-width: 62ch; }
.fields .fields { margin-top: .35rem; }
.response { border-top: 1px solid var(--line); padding: .35rem 0; }
.response > .media { margin-top: .25rem; }
.curl { display: flex; gap: .75rem; align-items: flex-start; }
pre { flex: 1; min-width: 0; max-height: 28rem; overflow: auto; padding: .75rem 1rem; border-radius: 8px; background: var(--sunken); white-space: pre-wrap; }
.try { margin-top: 1rem; }
.try > summary { color: var(--accent); }
form { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 13rem), 1fr)); gap: .75rem 1rem; align-items: end; margin: .5rem 0; }
form label { display: block; margin-bottom: .25rem; font: .8125rem var(--mono); color: var(--soft); }
form input, form select { width: 100%; }
.buttons { display: flex; gap: .75rem; }
.try [role="status"] { color: var(--soft); font-size: .875rem; min-height: 1.4em; }
@media (width >= 60rem) {
  body { display: grid; grid-template-columns: 17rem minmax(0, 1fr); gap: 0 3rem; align-items: start; }
  header, noscript { grid-column: 1 / -1; }
  nav { position: sticky; top: 0; max-height: 100vh; overflow-y: auto; padding: .5rem 0 2rem .6rem; }
  nav summary { display: none; }
  .tag:first-of-type > h2 { margin-top: .5rem; }
}
@media (width < 60rem) {
  search, #filter { width: 100%; margin: 0; }
  table, tbody { display: block; }
  thead { position: absolute; clip-path: inset(50%); }
  tr { display: flex; flex-wrap: wrap; gap: .1rem .9rem; padding: .6rem 0; border-bottom: 1px solid var(--line); align-items: baseline; }
  th, td { padding: 0; border: 0; }
  td:empty { display: none; }
  td:nth-child(2) { color: var(--soft); font-size: .8125rem; }
  td:nth-child(4)::before { content: "default "; color: var(--soft); font-size: .8125rem; }
  td:last-child { width: 100%; }
  .curl { display: block; }
  .curl button { margin-top: .5rem; }
}
`

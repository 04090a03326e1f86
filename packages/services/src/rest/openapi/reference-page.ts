/**
 * The browsable API reference that every running system serves at `/docs`. It is a page of our own, without a framework, that reads
 * `/openapi.json` in the browser: nothing is loaded from elsewhere, nothing is inline, so it works offline and under `default-src 'self'`.
 */
import { referenceScript } from './reference-script.ts'
import { referenceStyle } from './reference-style.ts'

/** The three files of the page. `html` asks for the others as `/docs/reference.css` and `/docs/reference.js`. */
export interface ReferencePage {
  readonly html: string
  readonly css: string
  readonly script: string
}

export function referencePage(): ReferencePage {
  return { html, css: referenceStyle, script: referenceScript }
}

const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/docs/reference.css">
<script src="/docs/reference.js" defer></script>
<title>API reference</title>
</head>
<body>
<a class="skip" href="#content">Skip to the operations</a>
<header>
<h1 id="title">API reference</h1>
<p id="about"></p>
<search><label for="filter" class="hidden">Filter operations</label>
<input id="filter" type="search" placeholder="Filter operations" autocomplete="off" spellcheck="false" aria-keyshortcuts="/"></search>
</header>
<nav id="contents" aria-label="Operations"></nav>
<main id="content" tabindex="-1"><p id="status" role="status">Reading the description of the API</p></main>
<noscript><p>This page draws <a href="/openapi.json">/openapi.json</a> and needs JavaScript to do so.</p></noscript>
</body>
</html>
`

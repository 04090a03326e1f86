/**
 * The names of elements and attributes under the prefixes that everybody knows them by (`w:p`, `r:id`), whatever prefixes a file binds to
 * their namespaces. Those of the workbook, of relations and of properties have none. Both editions of ECMA-376 are one.
 */
const office = 'http://schemas.openxmlformats.org/'
const strict = 'http://purl.oclc.org/ooxml/'
const openDocument = 'urn:oasis:names:tc:opendocument:xmlns:'

const prefixes: ReadonlyMap<string, string> = new Map([
  ...[
    ['wordprocessingml/2006/main', 'wordprocessingml/main', 'w'],
    ['spreadsheetml/2006/main', 'spreadsheetml/main', ''],
    ['presentationml/2006/main', 'presentationml/main', 'p'],
    ['drawingml/2006/main', 'drawingml/main', 'a'],
    ['drawingml/2006/chart', 'drawingml/chart', 'c'],
    ['drawingml/2006/diagram', 'drawingml/diagram', 'dgm'],
    ['drawingml/2006/spreadsheetDrawing', 'drawingml/spreadsheetDrawing', 'xdr'],
    ['drawingml/2006/wordprocessingDrawing', 'drawingml/wordprocessingDrawing', 'wp'],
    ['officeDocument/2006/relationships', 'officeDocument/relationships', 'r'],
    ['officeDocument/2006/math', 'officeDocument/math', 'm'],
  ].flatMap(([transitional, strictly, prefix = '']): [string, string][] => [
    [`${office}${transitional}`, prefix],
    [`${strict}${strictly}`, prefix],
  ]),
  [`${office}package/2006/relationships`, ''],
  [`${office}package/2006/metadata/core-properties`, 'cp'],
  [`${office}markup-compatibility/2006`, 'mc'],
  ['http://purl.org/dc/elements/1.1/', 'dc'],
  ['http://purl.org/dc/terms/', 'dcterms'],
  ['urn:schemas-microsoft-com:vml', 'v'],
  ['http://schemas.microsoft.com/office/word/2010/wordprocessingShape', 'wps'],
  ...['office', 'text', 'table', 'draw', 'style', 'presentation', 'meta', 'manifest'].map((name): [string, string] => [
    `${openDocument}${name}:1.0`,
    name,
  ]),
  [`${openDocument}xsl-fo-compatible:1.0`, 'fo'],
  [`${openDocument}svg-compatible:1.0`, 'svg'],
  ['urn:oasis:names:tc:opendocument:xmlns:container', 'container'],
  ['http://www.idpf.org/2007/opf', 'opf'],
  ['http://www.daisy.org/z3986/2005/ncx/', 'ncx'],
])

/** Names of this kind are given by people who extend Office, and what they extend is read. */
const known =
  /^(?:http:\/\/schemas\.(?:microsoft|openxmlformats)\.(?:com|org)\/|http:\/\/purl\.oclc\.org\/ooxml\/|urn:schemas-microsoft-com:)/

interface Scope {
  /** What each prefix of the file stands for here. */
  readonly uris: ReadonlyMap<string, string>
  readonly names: Map<string, string>
}

export class XmlNames {
  readonly #scopes: Scope[] = [{ uris: new Map(), names: new Map() }]
  /** For each element that is open, whether it bound a prefix. */
  readonly #bound: boolean[] = []

  /** Begins an element: binds its prefixes, and gives its attributes under their usual names. */
  enter(attributes: Record<string, string>): Record<string, string> {
    const names = Object.keys(attributes)
    const bindings = names.filter((name) => name === 'xmlns' || name.startsWith('xmlns:'))
    this.#bound.push(bindings.length > 0)
    if (bindings.length > 0) {
      const uris = new Map(this.#scope.uris)
      for (const name of bindings) uris.set(name.slice(6), attributes[name] ?? '')
      this.#scopes.push({ uris, names: new Map() })
    }
    const shown = names.map((name) => (name.includes(':') ? this.#named(name) : name))
    if (shown.every((name, at) => name === names[at])) return attributes
    return Object.fromEntries(names.map((name, at) => [shown[at] ?? name, attributes[name] ?? '']))
  }

  /** Ends the element that was begun last. */
  leave(): void {
    if (this.#bound.pop()) this.#scopes.pop()
  }

  element(name: string): string {
    return this.#named(name)
  }

  /** Whether content that needs the namespace of a prefix can be read. One that is bound to nothing is taken at its word. */
  isUnderstood(prefix: string): boolean {
    const uri = this.#scope.uris.get(prefix)
    return uri === undefined || known.test(uri)
  }

  get #scope(): Scope {
    return this.#scopes.at(-1) ?? { uris: new Map(), names: new Map() }
  }

  #named(name: string): string {
    const { uris, names } = this.#scope
    const before = names.get(name)
    if (before !== undefined) return before
    const colon = name.indexOf(':')
    const prefix = colon < 0 ? '' : name.slice(0, colon)
    const uri = uris.get(prefix)
    const made = `${prefixed(prefixes.get(uri ?? '') ?? otherPrefix(prefix, uri))}${name.slice(colon + 1)}`
    names.set(name, made)
    return made
  }
}

/** A namespace that nobody knows keeps its elements apart; a prefix that is bound to nothing, or to no address, stands for itself. */
function otherPrefix(prefix: string, uri: string | undefined): string {
  return uri === undefined || !uri.includes(':') || prefix === 'xml' ? prefix : `{${uri}}`
}

function prefixed(prefix: string): string {
  return prefix === '' ? '' : `${prefix}:`
}

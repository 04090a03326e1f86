/** Whether an element of HTML is shown to readers, as far as its own attributes tell: style sheets are not worked out. */

const unseen = new Set(
  'script style template noscript svg math iframe object canvas select datalist audio video rt rp rtc'.split(' '),
)
const white = /^(?:white|#fff|#ffffff|rgba?\(\s*255\s*,\s*255\s*,\s*255\s*(?:,\s*1\s*)?\))$/

type Attributes = Readonly<Record<string, string>>

/** White on white is tracked from the outside in: what gives letters a ground is around them. */
export class HtmlVisibility {
  /** For each open element: whether a colour is behind it. */
  readonly #grounds: boolean[] = []
  #hasStyleSheet = false

  /** Begins an element; whether it and all within is hidden. */
  enter(name: string, attributes: Attributes): boolean {
    if (name === 'style' || (name === 'link' && /stylesheet/i.test(attributes['rel'] ?? ''))) this.#hasStyleSheet = true
    const style = declarations(attributes['style'] ?? '')
    const ground = (style.get('background-color') ?? style.get('background') ?? attributes['bgcolor'])?.toLowerCase()
    const before = this.#grounds.at(-1) ?? false
    this.#grounds.push(ground === undefined ? before : !white.test(ground) && !/^(?:none|transparent)$/.test(ground))
    if (unseen.has(name) || isHidden(name, attributes, style)) return true
    const colour = (style.get('color') ?? (name === 'font' ? attributes['color'] : undefined))?.toLowerCase()
    // What a class or a style sheet puts behind letters is not known here.
    const isOnWhite =
      ground === undefined ? !this.#hasStyleSheet && this.#grounds.at(-1) === false : this.#grounds.at(-1) === false
    return colour !== undefined && white.test(colour) && isOnWhite
  }

  leave(): void {
    this.#grounds.pop()
  }
}

function isHidden(name: string, attributes: Attributes, style: ReadonlyMap<string, string>): boolean {
  if ('hidden' in attributes && attributes['hidden'] !== 'until-found') return true
  if (attributes['aria-hidden'] === 'true') return true
  if (name === 'dialog' && !('open' in attributes)) return true
  const length = (property: string) => Number.parseFloat(style.get(property) ?? '1')
  return (
    style.get('display') === 'none' ||
    /^(?:hidden|collapse)$/.test(style.get('visibility') ?? '') ||
    style.get('mso-hide') === 'all' ||
    length('opacity') === 0 ||
    length('font-size') === 0
  )
}

function declarations(style: string): ReadonlyMap<string, string> {
  if (style === '') return new Map()
  return new Map(
    style.split(';').map((one): [string, string] => {
      const colon = one.indexOf(':')
      const value = one.slice(colon + 1).replace(/!\s*important\s*$/i, '')
      return [one.slice(0, colon).trim().toLowerCase(), value.trim().toLowerCase()]
    }),
  )
}

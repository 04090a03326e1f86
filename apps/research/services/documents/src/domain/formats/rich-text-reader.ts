/** What the groups and control words of RTF say of the text, one after the other. */
import { encodingName } from './encodings.ts'
import { headingPath, type TextBuilder } from './text-builder.ts'

interface Group {
  /** The content of it is not shown. */
  isUnread: boolean
  isHidden: boolean
  encoding: string
  /** How many characters stand for one that older programs cannot show. */
  skip: number
  /** What the group is for, where that matters. */
  kind: 'text' | 'fonts' | 'title'
}

/** Groups that say how things look, hold what is no text, or repeat on every page. */
const unread = new Set(
  'colortbl stylesheet pict object header headerl headerr headerf footer footerl footerr footerf fldinst info listtable listoverridetable revtbl rsidtbl generator themedata colorschememapping datastore latentstyles annotation atnid atnauthor bkmkstart bkmkend xe tc tcn pntext pntxta pntxtb pnseclvl filetbl private nonesttables shprslt upr'.split(
    ' ',
  ),
)
const characters: ReadonlyMap<string, string> = new Map(
  Object.entries({
    line: '\n',
    tab: '\t',
    emdash: '—',
    endash: '–',
    lquote: '‘',
    rquote: '’',
    ldblquote: '“',
    rdblquote: '”',
    bullet: '•',
    emspace: ' ',
    enspace: ' ',
    qmspace: ' ',
  }),
)
/** Groups inside of those that are shown all the same. */
const shown = new Set(['title', 'ud', 'result', 'shptxt'])
/** Windows numbers alphabets; what they are written in has other names. */
const charsets: Readonly<Record<number, string>> = {
  77: 'macintosh',
  128: 'shift_jis',
  129: 'euc-kr',
  134: 'gbk',
  136: 'big5',
  161: 'windows-1253',
  162: 'windows-1254',
  163: 'windows-1258',
  177: 'windows-1255',
  178: 'windows-1256',
  186: 'windows-1257',
  204: 'windows-1251',
  222: 'windows-874',
  238: 'windows-1250',
}

export class RichTextReader {
  readonly #builder: TextBuilder
  readonly #encoding: string
  readonly #fonts = new Map<number, string>()
  readonly #groups: Group[] = []
  #font = 0
  #paragraph = ''
  #title = ''
  /** Bytes of one encoding that stand side by side: a character may have several. */
  #bytes: number[] = []
  /** Characters that stand for the one before, for older programs. */
  #toSkip = 0
  #isStarred = false
  #cells: string[] = []
  #isInTable = false
  /** How deep a heading the paragraph is. */
  #level: number | undefined
  #headings: ReturnType<typeof headingPath> = []

  constructor(builder: TextBuilder, encoding: string) {
    this.#builder = builder
    this.#encoding = encoding
  }

  begin(): void {
    this.#flush()
    const around = this.#groups.at(-1)
    this.#groups.push(
      around ? { ...around } : { isUnread: false, isHidden: false, encoding: this.#encoding, skip: 1, kind: 'text' },
    )
    this.#isStarred = false
  }

  end(): void {
    this.#flush()
    this.#groups.pop()
    this.#toSkip = 0
  }

  /** Ends the document; gives its title. */
  finish(): string | undefined {
    this.#flush()
    this.#endParagraph()
    if (this.#cells.length > 0) this.#endRow()
    return this.#title.replaceAll(/\s+/g, ' ').trim() || undefined
  }

  word(name: string, number: number | undefined): void {
    const group = this.#groups.at(-1)
    if (!group) return
    if (name !== 'u') this.#flush()
    const wasStarred = this.#isStarred
    this.#isStarred = false
    if (unread.has(name) || (wasStarred && !/^(?:shppict|footnote)$/.test(name))) group.isUnread = true
    if (shown.has(name)) group.isUnread = false
    if (name === 'fonttbl') group.kind = 'fonts'
    else if (name === 'title') group.kind = 'title'
    if (group.kind === 'fonts') this.#describeFont(name, number)
    else this.#describe(name, number, group)
    this.#write(name, number, group)
  }

  sign(sign: string): void {
    if (sign === '*') this.#isStarred = true
    else if (sign === '~') this.#add('\u00a0')
    else if (sign === '_') this.#add('-')
    else if (sign === '\r' || sign === '\n') this.#endParagraph()
    else if (/[\\{}]/.test(sign)) this.plain(sign)
  }

  byte(byte: number): void {
    if (this.#toSkip > 0) this.#toSkip--
    else this.#bytes.push(byte)
  }

  plain(text: string): void {
    if (/^[\r\n]+$/.test(text)) return
    const kept = text.slice(this.#toSkip)
    this.#toSkip = Math.max(0, this.#toSkip - text.length)
    // Text may stand in bytes of its encoding as it is.
    for (const character of kept) this.#bytes.push(character.charCodeAt(0))
    this.#flush()
  }

  /** How the text that follows looks. */
  #describe(name: string, number: number | undefined, group: Group): void {
    if (name === 'f') group.encoding = this.#fonts.get(number ?? 0) ?? this.#encoding
    else if (name === 'v' || name === 'deleted') group.isHidden = number !== 0
    else if (name === 'plain') group.isHidden = false
    else if (name === 'uc') group.skip = number ?? 1
    else if (name === 'intbl') this.#isInTable = true
    else if (name === 'outlinelevel') this.#level = number !== undefined && number < 9 ? number + 1 : undefined
    else if (name === 'pard') {
      this.#isInTable = false
      this.#level = undefined
    }
  }

  /** What stands for text, or ends some. */
  #write(name: string, number: number | undefined, group: Group): void {
    if (name === 'u') this.#unicode(number ?? 0, group)
    else if (name === 'footnote') this.#add(' ')
    else if (name === 'par' && this.#isInTable) this.#add('\n')
    else if (/^(?:par|sect|page|shptxt)$/.test(name)) this.#endParagraph()
    else if (name === 'cell' || name === 'nestcell') this.#endCell()
    else if (name === 'row' || name === 'nestrow') this.#endRow()
    else if (characters.has(name)) this.#add(characters.get(name) ?? '')
  }

  #unicode(number: number, group: Group): void {
    this.#flush()
    this.#add(String.fromCharCode(number < 0 ? number + 65_536 : number))
    this.#toSkip = group.skip
  }

  #describeFont(name: string, number: number | undefined): void {
    if (name === 'f') this.#font = number ?? 0
    else if (name === 'fcharset') this.#fonts.set(this.#font, charsets[number ?? 0] ?? this.#encoding)
    else if (name === 'cpg') this.#fonts.set(this.#font, encodingName(String(number)) ?? this.#encoding)
  }

  #flush(): void {
    if (this.#bytes.length === 0) return
    const bytes = Uint8Array.from(this.#bytes)
    this.#bytes = []
    this.#add(decoded(bytes, this.#groups.at(-1)?.encoding ?? this.#encoding))
  }

  #add(text: string): void {
    const group = this.#groups.at(-1)
    if (!group || group.isUnread || group.isHidden) return
    if (group.kind === 'text') this.#paragraph += text
    else if (group.kind === 'title') this.#title += text
  }

  #endParagraph(): void {
    const text = this.#paragraph.replaceAll(/[^\S\n\t]+/g, ' ').trim()
    this.#paragraph = ''
    if (text === '') return
    if (this.#level !== undefined) {
      this.#headings = headingPath(this.#headings, this.#level, text)
      this.#builder.section(this.#headings.map((heading) => heading.text))
    }
    this.#builder.newline(1)
    this.#builder.verbatim(text)
    this.#builder.newline(1)
  }

  #endCell(): void {
    this.#cells.push(this.#paragraph.replaceAll(/\s+/g, ' ').trim())
    this.#paragraph = ''
  }

  #endRow(): void {
    const line = this.#cells.join('\t').trimEnd()
    this.#cells = []
    if (line.trim() === '') return
    this.#builder.newline()
    this.#builder.verbatim(line)
  }
}

function decoded(bytes: Uint8Array, encoding: string): string {
  try {
    return new TextDecoder(encoding).decode(bytes)
  } catch {
    return new TextDecoder('windows-1252').decode(bytes)
  }
}

/**
 * The script of the reference page, kept as text since it runs in the browser as it stands. It builds elements, never HTML, so that no
 * description can smuggle in markup. No backticks and no `${` inside.
 */
export const referenceScript = String.raw`'use strict'
let api = {}
const el = (tag, props, ...children) => {
  const made = document.createElement(tag)
  for (const [name, value] of Object.entries(props || {})) {
    if (value === undefined || value === false) continue
    if (name.startsWith('on')) made.addEventListener(name.slice(2), value)
    else made.setAttribute(name, value === true ? '' : value)
  }
  made.append(...children.flat(9).filter((child) => child !== undefined && child !== '' && child !== false))
  return made
}
const byId = (id) => document.getElementById(id)
const prose = (text) => String(text || '').split(/\x60([^\x60]+)\x60/).map((part, index) => (index % 2 ? el('code', {}, part) : part))
const methods = ['get', 'post', 'put', 'patch', 'delete', 'head', 'options']

// References point into the document itself: '#/components/schemas/Hit'.
const refName = (thing) => (thing && typeof thing.$ref === 'string' ? thing.$ref.split('/').pop() : '')
const resolve = (thing) => {
  for (let hops = 0; thing && typeof thing.$ref === 'string' && hops < 20; hops += 1) {
    thing = thing.$ref.slice(2).split('/').reduce((at, key) => (at ? at[decodeURIComponent(key.replace(/~1/g, '/').replace(/~0/g, '~'))] : undefined), api)
  }
  return thing || {}
}
const branches = (schema) => schema.anyOf || schema.oneOf || schema.allOf || []

const typeOf = (given, depth = 0) => {
  const schema = resolve(given)
  const name = refName(given)
  if (given === true || Object.keys(schema).length === 0) return 'any value'
  if (name && depth > 0) return name
  if (schema.const !== undefined) return JSON.stringify(schema.const)
  if (schema.enum) return schema.enum.map((one) => JSON.stringify(one)).join(' | ')
  if (schema.allOf) return schema.allOf.map((one) => typeOf(one, depth + 1)).join(' & ')
  if (branches(schema).length) return branches(schema).map((one) => typeOf(one, depth + 1)).join(' | ')
  const type = Array.isArray(schema.type) ? schema.type.join(' | ') : schema.type || (schema.properties ? 'object' : 'any value')
  if (schema.prefixItems) return '[' + schema.prefixItems.map((one) => typeOf(one, depth + 1)).join(', ') + ']'
  if (schema.items && depth < 9) return 'array of ' + typeOf(schema.items, depth + 1)
  if (name) return name
  return type + (schema.format ? ' (' + schema.format + ')' : '')
}

const range = (low, high, unit) => {
  const bounded = (value) => value !== undefined && Math.abs(value) < Number.MAX_SAFE_INTEGER
  if (bounded(low) && bounded(high)) return low === high ? low + unit : low + ' to ' + high + unit
  if (bounded(low)) return 'at least ' + low + unit
  return bounded(high) ? 'at most ' + high + unit : ''
}
const limitsOf = (given) => {
  const schema = resolve(given)
  const limits = [range(schema.minimum, schema.maximum, ''), range(schema.minLength, schema.maxLength, ' characters')]
  limits.push(range(schema.minItems, schema.maxItems, ' items'), schema.exclusiveMinimum !== undefined && 'above ' + schema.exclusiveMinimum)
  limits.push(schema.exclusiveMaximum !== undefined && 'below ' + schema.exclusiveMaximum, schema.multipleOf && 'a multiple of ' + schema.multipleOf)
  limits.push(schema.uniqueItems && 'no item twice')
  const words = limits.filter(Boolean).join(', ')
  return [words && el('span', { class: 'limits' }, words), schema.pattern && !schema.format && el('code', { class: 'limits' }, schema.pattern)]
}

// What lies inside a schema: its fields, those of its items, of each alternative. Names on the way down are not opened again.
const fieldsOf = (given, path = []) => {
  const name = refName(given)
  const schema = resolve(given)
  if (path.length > 12 || (name && path.includes(name))) return name ? el('p', { class: 'limits' }, name + ', as above') : undefined
  const inside = [...path, name]
  const required = schema.required || []
  const fields = Object.entries(schema.properties || {}).map(([key, value]) => fieldOf(key, value, required.includes(key), inside))
  if (schema.additionalProperties && typeof schema.additionalProperties === 'object')
    fields.push(fieldOf('[any name]', schema.additionalProperties, false, inside))
  return [
    fields.length > 0 && el('ul', { class: 'fields' }, fields),
    schema.items && typeof schema.items === 'object' ? fieldsOf(schema.items, inside) : undefined,
    branches(schema).map((one) => fieldsOf(one, inside)),
  ].flat(9).filter(Boolean)
}
const fieldOf = (key, value, required, path) => {
  const schema = resolve(value)
  const deeper = fieldsOf(value, path)
  const count = [deeper].flat(9).filter(Boolean).length
  return el('li', {},
    el('code', { class: 'name' }, key), ' ', el('span', { class: 'type' }, typeOf(value, 1)), ' ',
    required ? el('span', { class: 'required' }, 'required') : '', ' ', limitsOf(value),
    schema.default !== undefined && el('span', { class: 'limits' }, 'default ', el('code', {}, JSON.stringify(schema.default))),
    (value.description || schema.description) && el('p', {}, prose(value.description || schema.description)),
    count > 0 && (path.length > 2 ? el('details', {}, el('summary', {}, 'Fields'), deeper) : deeper),
  )
}
const schemaBlock = (given) => [el('p', {}, el('span', { class: 'type' }, typeOf(given)), ' ', limitsOf(given)), fieldsOf(given)]

const exampleOf = (given, name, path = []) => {
  const schema = resolve(given)
  if (path.includes(schema) || path.length > 8) return null
  const inside = [...path, schema]
  if (schema.example !== undefined) return schema.example
  if (schema.examples && schema.examples.length) return schema.examples[0]
  if (schema.default !== undefined) return schema.default
  if (schema.const !== undefined) return schema.const
  if (schema.enum) return schema.enum[0]
  if (branches(schema).length) return exampleOf(branches(schema)[0], name, inside)
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type
  if (type === 'integer' || type === 'number') return Math.max(1, schema.minimum || 1)
  if (type === 'boolean') return true
  if (type === 'array') return schema.items ? [exampleOf(schema.items, name, inside)] : []
  if (schema.properties)
    return Object.fromEntries((schema.required || []).map((key) => [key, exampleOf((schema.properties || {})[key], key, inside)]))
  return type === 'object' ? {} : String(name || 'value').toUpperCase()
}

// A value of '' leaves the parameter out; one in the path is always there.
const addressOf = (operation, valueOf) => {
  let path = operation.path
  const query = new URLSearchParams()
  for (const parameter of operation.parameters) {
    const value = String(valueOf(parameter))
    if (parameter.in === 'path') path = path.replace('{' + parameter.name + '}', encodeURIComponent(value || parameter.name.toUpperCase()))
    else if (parameter.in === 'query' && value !== '') query.append(parameter.name, value)
  }
  return location.origin + path + (query.size ? '?' + query : '')
}
const curlOf = (operation) => {
  const quote = (text) => "'" + text.replaceAll("'", "'\\''") + "'"
  const given = (parameter) => (parameter.required ? exampleOf(parameter.schema, parameter.name) : '')
  const words = ['curl', operation.streams && '-N', operation.method !== 'GET' && '-X ' + operation.method, quote(addressOf(operation, given))]
  const [type, media] = Object.entries(operation.body ? operation.body.content || {} : {})[0] || []
  if (type && type.includes('json')) words.push('-H ' + quote('content-type: ' + type), '-d ' + quote(JSON.stringify(exampleOf(media.schema))))
  else if (type) words.push('--data-binary @FILE')
  return words.filter(Boolean).join(' ')
}
const curlBlock = (operation) => {
  const text = curlOf(operation)
  const button = el('button', { type: 'button', onclick: copy, 'aria-label': 'Copy the curl command of ' + operation.id }, 'Copy')
  async function copy() {
    const done = await navigator.clipboard.writeText(text).then(() => true, () => false)
    if (!done) getSelection().selectAllChildren(code)
    button.textContent = done ? 'Copied' : 'Selected'
    setTimeout(() => { button.textContent = 'Copy' }, 1500)
  }
  const code = el('code', {}, text)
  return el('div', { class: 'curl' }, el('pre', { tabindex: 0, role: 'group', 'aria-label': 'curl command' }, code), button)
}

// The roles are said aloud since a narrow screen stacks the cells, and browsers forget that a stacked table is one.
const cell = (...inside) => el('td', { role: 'cell' }, inside)
const parameterTable = (operation) =>
  operation.parameters.length > 0 && [
    el('h4', {}, 'Parameters'),
    el('table', { role: 'table', 'aria-label': 'Parameters of ' + operation.id },
      el('thead', { role: 'rowgroup' }, el('tr', { role: 'row' }, ['Name', 'In', 'Type', 'Default', 'Description'].map((head) => el('th', { scope: 'col', role: 'columnheader' }, head)))),
      el('tbody', { role: 'rowgroup' }, operation.parameters.map((parameter) => {
        const schema = resolve(parameter.schema)
        return el('tr', { role: 'row' },
          el('th', { scope: 'row', role: 'rowheader' }, el('code', { class: 'name' }, parameter.name), parameter.required && el('span', { class: 'required' }, 'required')),
          cell(parameter.in),
          cell(el('span', { class: 'type' }, typeOf(parameter.schema || {})), ' ', limitsOf(parameter.schema)),
          cell(schema.default !== undefined && el('code', {}, JSON.stringify(schema.default))),
          cell(prose(parameter.description || schema.description)))
      }))),
  ]

const contentBlock = (content) =>
  Object.entries(content || {}).map(([type, media]) => [el('p', { class: 'media' }, type), media.schema && schemaBlock(media.schema)])

const responseBlock = ([status, given]) => {
  const response = resolve(given)
  return el('details', { class: 'response', open: status.startsWith('2') },
    el('summary', {}, el('strong', {}, status === 'default' ? 'error' : status), ' ', prose(response.description)),
    Object.entries(response.headers || {}).map(([name, header]) => el('p', {}, el('code', { class: 'name' }, name), ' ', prose(header.description))),
    contentBlock(response.content))
}

const tryForm = (operation) => {
  const fields = new Map()
  const output = el('pre', { tabindex: 0, role: 'group', 'aria-label': 'Answer of ' + operation.id, hidden: true })
  const line = el('p', { role: 'status' })
  const send = el('button', { type: 'submit' }, 'Send')
  const stop = el('button', { type: 'button', hidden: true, onclick: () => call && call.abort() }, 'Stop')
  let call
  const inputs = operation.parameters.map((parameter) => {
    const schema = resolve(parameter.schema)
    const options = schema.enum || (schema.type === 'boolean' ? [true, false] : undefined)
    const id = operation.id + '-' + parameter.name
    const field = options
      ? el('select', { id }, !parameter.required && el('option', { value: '' }, 'any'), options.map((one) => el('option', { value: String(one) }, String(one))))
      : el('input', { id, required: parameter.required, placeholder: schema.default === undefined ? undefined : String(schema.default), autocomplete: 'off', spellcheck: 'false' })
    fields.set(parameter, field)
    return el('div', {}, el('label', { for: id }, parameter.name, parameter.required && ' (required)'), field)
  })
  const submit = async (event) => {
    event.preventDefault()
    call = new AbortController()
    send.disabled = true
    stop.hidden = false
    output.hidden = true
    line.textContent = 'Waiting for the answer'
    const started = performance.now()
    try {
      const response = await fetch(addressOf(operation, (parameter) => fields.get(parameter).value), { signal: call.signal })
      line.textContent = response.status + ' ' + response.statusText + ', ' + Math.round(performance.now() - started) + ' ms'
      await show(response, output)
    } catch (error) {
      line.textContent = call.signal.aborted ? 'Stopped' : 'The server does not answer'
    }
    send.disabled = false
    stop.hidden = true
  }
  return el('details', { class: 'try' }, el('summary', {}, 'Try it'), el('form', { onsubmit: submit }, inputs, el('p', { class: 'buttons' }, send, stop)), line, output)
}
// A stream is shown as it comes; of a long answer, the beginning.
const show = async (response, output) => {
  const most = 200000
  const json = /json/.test(response.headers.get('content-type') || '')
  const reader = response.body ? response.body.pipeThrough(new TextDecoderStream()).getReader() : undefined
  let text = ''
  for (let part = reader && (await reader.read()); part && !part.done && text.length < most; part = await reader.read()) {
    text += part.value
    if (!json) output.textContent = text
    output.hidden = json
  }
  if (reader && text.length >= most) await reader.cancel()
  try {
    if (json) text = JSON.stringify(JSON.parse(text), null, 2)
  } catch {}
  output.textContent = text.length > most ? text.slice(0, most) + '\n…' : text
  output.hidden = text === ''
}

const operationBlock = (operation) =>
  el('section', { class: 'operation', id: operation.id, 'aria-labelledby': operation.id + '-title' },
    el('h3', { id: operation.id + '-title' }, el('span', { class: 'method' }, operation.method), ' ', el('a', { href: '#' + operation.id }, operation.path)),
    el('p', {}, prose(operation.summary), operation.deprecated && el('strong', {}, ' Deprecated.')),
    operation.description && el('p', {}, prose(operation.description)),
    el('p', { class: 'media' }, operation.id),
    parameterTable(operation),
    operation.body && [el('h4', {}, operation.body.required ? 'Request body, required' : 'Request body'), contentBlock(operation.body.content)],
    el('h4', {}, 'Responses'), Object.entries(operation.responses).map(responseBlock),
    operation.errors.length > 0 && [el('h4', {}, 'Error codes'), el('ul', {}, operation.errors.map((code) => el('li', {}, el('code', {}, code))))],
    el('h4', {}, 'Request'), curlBlock(operation),
    operation.method === 'GET' && tryForm(operation))

const operationsOf = () =>
  Object.entries(api.paths || {}).flatMap(([path, item]) =>
    methods.filter((method) => item[method]).map((method) => {
      const given = item[method]
      const responses = given.responses || {}
      return {
        path,
        method: method.toUpperCase(),
        id: given.operationId || method + path.replace(/[^\w]+/g, '-'),
        tag: (given.tags || ['Operations'])[0],
        summary: given.summary || '',
        description: given.description,
        deprecated: given.deprecated,
        parameters: [...(item.parameters || []), ...(given.parameters || [])].map(resolve),
        body: given.requestBody && resolve(given.requestBody),
        responses,
        errors: given['x-error-codes'] || [],
        streams: Object.values(responses).some((one) => resolve(one).content && resolve(one).content['text/event-stream']),
      }
    }))

const draw = () => {
  const operations = operationsOf()
  const info = api.info || {}
  document.title = (info.title || 'API') + ' API reference'
  byId('title').textContent = info.title || 'API reference'
  byId('about').replaceChildren('Version ' + (info.version || ''), ' ', el('a', { href: '/openapi.json' }, 'OpenAPI ' + (api.openapi || '')))
  const status = byId('status')
  const groups = [...Map.groupBy(operations, (operation) => operation.tag)]
  const describe = (tag) => ((api.tags || []).find((one) => one.name === tag) || {}).description
  status.textContent = operations.length === 0 ? 'This system has no HTTP operations.' : ''
  const links = groups.map(([tag, members]) => el('section', {}, el('h2', {}, tag), el('ul', {}, members.map((operation) =>
    el('li', { 'data-of': operation.id }, el('a', { href: '#' + operation.id }, el('span', { class: 'method' }, operation.method), el('span', {}, prose(operation.summary || operation.path))))))))
  const wide = matchMedia('(width >= 60rem)')
  const contents = el('details', { open: wide.matches }, el('summary', {}, 'Operations'), links)
  wide.addEventListener('change', () => { contents.open = wide.matches })
  byId('contents').append(contents)
  byId('content').append(...groups.map(([tag, members]) =>
    el('section', { class: 'tag' }, el('h2', {}, tag), describe(tag) && el('p', {}, prose(describe(tag))), members.map(operationBlock))))
  const filter = () => {
    const words = byId('filter').value.toLowerCase().split(/\s+/).filter(Boolean)
    let count = 0
    for (const operation of operations) {
      const text = [operation.id, operation.method, operation.path, operation.summary].join(' ').toLowerCase()
      const hidden = !words.every((word) => text.includes(word))
      count += hidden ? 0 : 1
      byId(operation.id).hidden = hidden
      document.querySelector('[data-of="' + CSS.escape(operation.id) + '"]').hidden = hidden
    }
    for (const section of document.querySelectorAll('.tag, nav section'))
      section.hidden = ![...section.querySelectorAll('.operation, li[data-of]')].some((one) => !one.hidden)
    status.textContent = words.length === 0 ? '' : count === 0 ? 'No operation matches.' : count + ' of ' + operations.length + ' operations'
  }
  byId('filter').addEventListener('input', filter)
  goToHash()
}
const goToHash = () => {
  const target = byId(decodeURIComponent(location.hash.slice(1)))
  for (const link of document.querySelectorAll('nav a')) link.toggleAttribute('aria-current', link.hash === location.hash && location.hash !== '')
  if (target) target.scrollIntoView()
}
const load = async () => {
  try {
    const response = await fetch('/openapi.json')
    if (!response.ok) throw new Error('status ' + response.status)
    api = await response.json()
  } catch (error) {
    const retry = el('button', { type: 'button', onclick: load }, 'Try again')
    byId('status').replaceChildren('Cannot read /openapi.json: ' + error.message + '. ', retry)
    return
  }
  draw()
}
addEventListener('hashchange', goToHash)
addEventListener('keydown', (event) => {
  if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey || event.target.matches('input, select, textarea')) return
  event.preventDefault()
  byId('filter').focus()
})
load()
`

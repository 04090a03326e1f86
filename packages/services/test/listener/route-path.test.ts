import findMyWay from 'find-my-way'
import { describe, expect, it } from 'vitest'
import { comesBefore, matchRoutePath, routerPath, routeShape, whyNoRoutePath } from '../../src/listener/route-path.ts'

/** The values that the router finds in `path`, or undefined when it does not match. */
function routed(route: string, path: string): unknown {
  const router = findMyWay({ ignoreTrailingSlash: true, maxParamLength: 10_000 })
  router.on('GET', routerPath(route), () => {})
  const found = router.find('GET', path)
  return found && { ...found.params }
}

describe('routes', () => {
  it.each([
    ['/v1/orders:batch', '/v1/orders:batch', {}],
    ['/v1/orders:batch', '/v1/ordersXbatch', null],
    ['/v1/orders/{id}:cancel', '/v1/orders/a%3Ab:cancel', { id: 'a:b' }],
    ['/v1/orders/{id}:cancel', '/v1/orders/7', null],
    ['/v1/files/{name}.json', '/v1/files/a.b.json', { name: 'a.b' }],
    ['/v1/compare/{base}...{head}', '/v1/compare/a...b', { base: 'a', head: 'b' }],
    ['/v1/(odd)+$/{id}', '/v1/(odd)+$/x', { id: 'x' }],
    ['/v1/@{user}/', '/v1/@ann', { user: 'ann' }],
    ['/v1/things/{id}', '/v1/things/%0A%2F%25%2f', { id: '\n/%/' }],
    ['/', '/', {}],
  ])('%s matches %s as it reads', (route, path, values) => {
    expect(whyNoRoutePath(route)).toBeUndefined()
    expect(routed(route, path)).toEqual(values)
    const match = matchRoutePath(route.replace(/(.)\/$/, '$1'), path)
    expect([...(match?.values() ?? [])].map(decodeURIComponent)).toEqual(Object.values(values ?? {}))
  })

  it.each([
    ['/v1/*', '"*" cannot stand in a route'],
    ['/v1/{id}{name}', 'two inputs'],
    ['/v1/{a-b}', '"{a-b}" is not the name of an input'],
    ['/v1/{id', '"{" cannot stand in a route'],
    ['/v1/{}', '"{}" is not the name of an input'],
    ['/v1/{__proto__}', 'not the name of an input'],
    ['/v1/{id}/{id}', '"{id}" is there twice'],
    ['/v1//x', 'part 2 is empty'],
    ['/v1/../x', '".." is no part of a path'],
    ['/v1/caf%C3%A9', '"%" cannot stand in a route'],
    ['/v1/a b', '" " cannot stand in a route'],
    ['/v1/x?y', '"?" cannot stand in a route'],
  ])('%s is none', (route, reason) => {
    expect(whyNoRoutePath(route)).toContain(reason)
  })

  it('are compared by what they match', () => {
    expect(routeShape('/v1/{a}/x/')).toBe(routeShape('/v1/{b}/x'))
    expect(comesBefore('/v1/search', '/v1/{id}')).toBe(true)
    expect(comesBefore('/v1/{id}:go', '/v1/{id}')).toBe(true)
    expect([comesBefore('/v1/{id}', '/v1/search'), comesBefore('/v1/{a}', '/v1/{b}')]).toEqual([false, false])
  })
})

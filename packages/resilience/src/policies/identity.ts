/** For whom a call is made, as a part of keys: what is kept or counted for one is nobody else's. */
import type { CallContext } from '@keelson/kernel'

/** Text that differs wherever tenants or subjects do; empty for a call that is made for nobody. */
export function identityOf({ origin }: Pick<CallContext, 'origin'>): string {
  const { subject, tenant } = origin.identity
  return subject === undefined && tenant === undefined ? '' : JSON.stringify([tenant, subject])
}

/** The same of the tenant alone. */
export function tenantOf({ origin }: Pick<CallContext, 'origin'>): string {
  const { tenant } = origin.identity
  return tenant === undefined ? '' : JSON.stringify(tenant)
}

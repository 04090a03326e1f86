/**
 * The listeners of a system and what each opens. One carries the routes of the services; a second one, if the configuration has it, takes
 * over metrics, `/system` and `/rpc`, so that the first can be shown to the world.
 */
import { type ListenerOptions, type OpenListener, openListener } from '../listener/listener.ts'
import type { ListenerConfig } from './system-config.ts'
import { createSystemKey, type Routed, wantingKey } from './system-key.ts'

export interface SystemListeners {
  /** Where services add their routes. */
  readonly services: OpenListener
  /** Where the system tells of itself; the same one unless the configuration has another. */
  readonly administration: OpenListener
  /** Where commands find the system, behind its key; undefined where they are not let in. */
  readonly commands: Routed | undefined
  /** See `OpenListener.close`. Safe to repeat. */
  close(cut?: AbortSignal): Promise<void>
  /** Removes the key from the data folder. */
  withdrawKey(): void
}

/**
 * Rejects with LISTENER_PORT_TAKEN or LISTENER_PORT_UNUSABLE; nothing is left open then.
 *
 * @param dataFolder where the key is left for commands; without one there is none, and only a listener for this machine lets them in.
 */
export async function openSystemListeners(
  { administration: separate, ...config }: ListenerConfig,
  options: Pick<ListenerOptions, 'log' | 'clock' | 'tracer' | 'identify'>,
  dataFolder: string | undefined,
): Promise<SystemListeners> {
  const services = await openListener({ ...config, ...options })
  let administration = services
  try {
    if (separate) administration = await openListener({ ...separate, ...options })
  } catch (error) {
    await services.close()
    throw error
  }
  const isLocal = administration.exposure === 'local'
  // Written last: a start that fails on a taken port must leave alone the key of the system that has it.
  const key = dataFolder !== undefined && (isLocal || separate) ? createSystemKey(dataFolder) : undefined
  return {
    services,
    administration,
    commands: isLocal || key ? wantingKey(administration, key?.text, !isLocal) : undefined,
    async close(cut) {
      await Promise.all([services.close(cut), administration.close(cut)])
    },
    withdrawKey: () => key?.remove(),
  }
}

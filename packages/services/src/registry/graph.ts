/** The declared graph of a system as data: everything that runs, and what each part says it uses. */

export interface SystemGraph {
  /** In the order in which they were added; what the system itself provides comes last. */
  readonly nodes: readonly GraphNode[]
  readonly arrows: readonly GraphArrow[]
}

export interface GraphNode {
  readonly name: string
  /** 'object': an object of one's own in the registry; 'system': provided by the system itself, such as its listener. */
  readonly kind: 'service' | 'adapter' | 'runner' | 'object' | 'system'
  /** Of the contract of a service. */
  readonly version?: string
  /** The ports of an adapter. */
  readonly provides?: readonly string[]
}

/** One use of another part. */
export interface GraphArrow {
  readonly from: string
  readonly to: string
  /** The port that is used; undefined where operations of a service are called. */
  readonly port?: string
  /** The operations that are called; undefined where `uses` names the whole contract. */
  readonly operations?: readonly string[]
  readonly isOptional: boolean
}

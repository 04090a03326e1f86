/**
 * Annotations make a contract open: whoever adds a surface (REST, a command line, a policy) adds an annotation and reads it itself. The
 * kernel knows only the slot. The type parameter says on which operations one may stand, so that a route with `{id}` over an input
 * without `id` does not compile.
 */
declare const on: unique symbol

/** What an annotation may look at in the operation it stands on. */
export interface OperationShape<Kind, Input, Output> {
  readonly kind: Kind
  readonly input: Input
  readonly output: Output
}

type WhyNot = (operations: Readonly<Record<string, Annotated>>) => string | undefined

/** Whatever annotations stand on. */
export interface Annotated {
  readonly annotations: readonly Annotation[]
}

export interface Annotation<in On = never> {
  readonly key: symbol
  readonly value: unknown
  /** Why the annotations of this kind cannot stand in a contract as they do; undefined when they can. Asked once a contract. */
  readonly whyNot?: WhyNot | undefined
  /** Exists for the compiler only: makes the parameter contravariant. */
  readonly [on]: (operation: On) => void
}

/** A kind of annotation: its owner keeps it to make and to read values. */
export interface AnnotationKind<Value> {
  on<On>(value: Value): Annotation<On>
  read(operation: Annotated): Value | undefined
}

/**
 * A kind of annotation of the given name. `whyNot` looks at all operations of a contract when it is defined; what it returns is said in the
 * CONTRACT_INVALID that refuses the contract.
 */
export function defineAnnotation<Value>(name: string, whyNot?: WhyNot): AnnotationKind<Value> {
  const key = Symbol.for(`keelson.annotation.${name}`)
  return {
    // The phantom property carries a type and is never read.
    on: <On>(value: Value) => ({ key, value, whyNot }) as unknown as Annotation<On>,
    // Only `on` above writes under this key, and it takes a Value.
    read: (operation) => operation.annotations.find((one) => one.key === key)?.value as Value | undefined,
  }
}

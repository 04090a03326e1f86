/** How a program logs in to a server. Apart from what the client is given, whose types no user of this package needs. */

/** The password, or where it is asked for anew with each connection, so that one that was changed is used from then on. */
export type Password = string | { readonly file: string } | (() => string | Promise<string>)

export interface TlsOptions {
  /** Certificates of the authorities that are trusted, as PEM. Default: those that Node.js trusts. */
  readonly ca?: string
  /** The name that the certificate must have. Default: the host of the URL. */
  readonly serverName?: string
}

export interface Login {
  readonly url: string
  readonly password?: Password | undefined
  readonly tls?: TlsOptions | undefined
}

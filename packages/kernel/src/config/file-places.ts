/**
 * The places in the file system whose change may give a path another content: the file itself, every link on the way to it and behind it,
 * and the folders that hold them, which may be replaced as a whole.
 */
import { lstatSync, readlinkSync } from 'node:fs'
import { dirname, join, parse, resolve, sep } from 'node:path'

/** More than any system follows. */
const mostLinks = 40

/** The names to look out for, by the folder that has them. A folder of them that is missing is looked for in the nearest one that is there. */
export type FilePlaces = ReadonlyMap<string, ReadonlySet<string>>

/** Never throws: where the way ends, it ends. */
export function placesOf(path: string): FilePlaces {
  const places = new Map<string, Set<string>>()
  const add = (folder: string, name: string) => {
    places.set(folder, (places.get(folder) ?? new Set()).add(name))
  }
  const addWithFolder = (folder: string, name: string) => {
    add(folder, name)
    const { dir, base } = parse(folder)
    if (base !== '') add(dir, base)
  }
  let links = 0
  const follow = (target: string): void => {
    const { root } = parse(target)
    const names = target.slice(root.length).split(sep).filter(Boolean)
    let folder = root
    for (const [at, name] of names.entries()) {
      const here = join(folder, name)
      const kind = kindOf(here)
      if (kind === 'link' && links < mostLinks) {
        links++
        addWithFolder(folder, name)
        follow(join(resolve(folder, readlinkSync(here)), ...names.slice(at + 1)))
        return
      }
      if (kind === undefined || at === names.length - 1) {
        addWithFolder(folder, name)
        return
      }
      folder = here
    }
  }
  try {
    follow(resolve(path))
  } catch {
    // The way changes while it is followed: the folder that was asked for stands for it, and tells of the next change.
    add(dirname(resolve(path)), parse(path).base)
  }
  return places
}

function kindOf(path: string): 'link' | 'other' | undefined {
  try {
    return lstatSync(path).isSymbolicLink() ? 'link' : 'other'
  } catch {
    return undefined
  }
}

import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/**
 * Finds a program that tests need and npm can't install.
 * Where it is missing, its tests are skipped and say so; on CI that is a failure.
 */
export const find = (name: string) => {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin']
  const path = folders.map((folder) => join(folder, name)).find(existsSync)
  if (path === undefined && process.env.CI) throw new Error(`${name} is not installed`)
  const isMissing = path === undefined
  return { path: path ?? name, isMissing, note: isMissing ? ` (skipped: no ${name} here)` : '' }
}

import { contract } from './contract.ts'
import { life } from './life.ts'
import { bun } from './servers.ts'

contract('Bun', bun, { counts: true })
life('Bun', bun)

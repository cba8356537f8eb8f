import { contract } from './contract.ts'
import { life } from './life.ts'
import { deno } from './servers.ts'

contract('Deno', deno, { counts: true })
life('Deno', deno)

import { contract } from './contract.ts'
import { life } from './life.ts'
import { node } from './servers.ts'

contract('Node', node, { counts: true })
life('Node', node)

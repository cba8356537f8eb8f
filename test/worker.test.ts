import { contract } from './contract.ts'
import { worker } from './servers.ts'

contract('Workers', worker, { counts: false })

// Faults of a host, in one lab. Every suite begins and ends without a fault.
import './director.ts'
import './state.ts'
import './kill.ts'
import './switch.ts'
import './identity.ts'

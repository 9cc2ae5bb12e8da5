// What can happen to a host, in one lab: every suite begins with all as it should be, and ends so.
import './director.ts'
import './state.ts'
import './kill.ts'
import './switch.ts'
import './identity.ts'

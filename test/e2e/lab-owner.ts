import { createLab } from '../lab/lab.ts'

// Owns a lab, for tests that kill the owner: prints the lab's id, then waits, or releases the lab.
const lab = await createLab({ hosts: 1, vms: [{ kind: 'light' }] })
process.stdout.write(`${lab.id}\n`)
if (process.argv[2] === 'release') await lab.release()
else setInterval(() => {}, 3_600_000)
